package vsphere

import (
	"fmt"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"
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

// placeOf returns where a disk of the list is plugged in.
func placeOf(devices object.VirtualDeviceList, disk *types.VirtualDisk) (p place, ok bool) {
	return place{}, false
}

// diskAt returns the disk at a place such as "scsi0:1", or nil.
func diskAt(devices object.VirtualDeviceList, at string) *types.VirtualDisk { return nil }
