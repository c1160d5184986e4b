package vsphere

import (
	"cmp"
	"strconv"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
)

// setDiskBus moves a disk to another SCSI bus. One that is missing is added
// with a controller of the model that the disk has now.
func setDiskBus(d *draft, name, text string) error {
	bus, err := strconv.Atoi(text)
	if err != nil {
		return invalid("disk %q: %q is not the number of a SCSI bus", name, text)
	}
	disk, err := d.diskNamed(name)
	if err != nil {
		return err
	}
	model := ""
	if c, ok := d.devices.FindByKey(disk.ControllerKey).(types.BaseVirtualSCSIController); ok {
		if c.GetVirtualSCSIController().BusNumber == int32(bus) {
			return nil
		}
		model = controllerModel(c)
	}
	if scsiBus(d.devices, int32(bus)) == nil && bus >= 0 && bus < scsiBuses {
		d.addController(model, int32(bus), types.VirtualSCSISharingNoSharing)
	}
	c, unit, err := d.controllerFor(manifest.Disk{Name: name, SCSI: &manifest.SCSI{Controller: bus}})
	if err != nil {
		return err
	}
	twin := copyOf(disk)
	twin.ControllerKey, twin.UnitNumber = c.GetVirtualSCSIController().Key, &unit
	d.edit(twin)
	d.mark.disk(name).At = scsiPlace(c, unit)
	return nil
}

// setDiskSharing shares the bus that a disk is on in another way.
func setDiskSharing(d *draft, name, text string) error {
	disk, err := d.diskNamed(name)
	if err != nil {
		return err
	}
	c, ok := d.devices.FindByKey(disk.ControllerKey).(types.BaseVirtualSCSIController)
	if !ok {
		return cannot("disk %q is on no SCSI bus, which alone is shared", name)
	}
	sharing := types.VirtualSCSISharing(cmp.Or(text, string(types.VirtualSCSISharingNoSharing)))
	return d.share(c.GetVirtualSCSIController().BusNumber, sharing, name)
}
