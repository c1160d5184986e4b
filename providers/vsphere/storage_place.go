package vsphere

import (
	"fmt"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"
)

// The kinds of controller that disks are plugged into.
const (
	busSCSI = "scsi"
	busNVMe = "nvme"
	busSATA = "sata"
	busIDE  = "ide"
)

// place is where a disk is plugged in. It stays when the disk's file moves or
// a snapshot puts another file in front of it.
type place struct {
	kind string // scsi, nvme, sata, ide
	bus  int32
	unit int32
}

// String returns "scsi0:1", as vSphere itself names it.
func (p place) String() string { return fmt.Sprintf("%s%d:%d", p.kind, p.bus, p.unit) }

// placeOf returns where a disk of the list is plugged in. ok is false if its
// controller is not in the list.
func placeOf(devices object.VirtualDeviceList, disk *types.VirtualDisk) (p place, ok bool) {
	if disk.UnitNumber == nil {
		return place{}, false
	}
	kind, bus, ok := busOf(devices.FindByKey(disk.ControllerKey))
	return place{kind: kind, bus: bus, unit: *disk.UnitNumber}, ok
}

// busOf returns the kind and the number of a controller of disks.
func busOf(d types.BaseVirtualDevice) (kind string, bus int32, ok bool) {
	switch c := d.(type) {
	case types.BaseVirtualSCSIController:
		return busSCSI, c.GetVirtualSCSIController().BusNumber, true
	case types.BaseVirtualSATAController:
		return busSATA, c.GetVirtualSATAController().BusNumber, true
	case *types.VirtualNVMEController:
		return busNVMe, c.BusNumber, true
	case *types.VirtualIDEController:
		return busIDE, c.BusNumber, true
	}
	return "", 0, false
}

// diskAt returns the disk at a place such as "scsi0:1", or nil.
func diskAt(devices object.VirtualDeviceList, at string) *types.VirtualDisk {
	for _, d := range devices {
		disk, ok := d.(*types.VirtualDisk)
		if !ok {
			continue
		}
		if p, ok := placeOf(devices, disk); ok && p.String() == at {
			return disk
		}
	}
	return nil
}

// scsiBus returns the SCSI controller of that bus number, or nil.
func scsiBus(devices object.VirtualDeviceList, bus int32) types.BaseVirtualSCSIController {
	for _, d := range devices {
		if c, ok := d.(types.BaseVirtualSCSIController); ok && c.GetVirtualSCSIController().BusNumber == bus {
			return c
		}
	}
	return nil
}

// unitsPerBus is how many units a SCSI bus has; ownUnit is the controller's.
const (
	unitsPerBus = 16
	ownUnit     = 7
	scsiBuses   = 4
)

// freeUnit returns the first unit of a SCSI controller that nothing is plugged
// into.
func freeUnit(devices object.VirtualDeviceList, controller int32) (unit int32, ok bool) {
	used := [unitsPerBus]bool{ownUnit: true}
	for _, d := range devices {
		v := d.GetVirtualDevice()
		if v.ControllerKey == controller && v.UnitNumber != nil && *v.UnitNumber >= 0 && *v.UnitNumber < unitsPerBus {
			used[*v.UnitNumber] = true
		}
	}
	for i, taken := range used {
		if !taken {
			return int32(i), true
		}
	}
	return 0, false
}
