package vsphere

import (
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// takeDisks notes the template's disks in the mark: the first is the one to
// boot from, which grows to the manifest's size. They are copies that are made
// for the VM, and are deleted with it.
func (d *draft) takeDisks(c creation) error {
	for _, dev := range d.devices {
		disk, ok := dev.(*types.VirtualDisk)
		if !ok {
			continue
		}
		p, ok := placeOf(d.devices, disk)
		if !ok {
			return invalid("a disk of the template is on a controller of an unknown kind")
		}
		if d.mark.disk(providers.RootDiskName) != nil {
			d.mark.Disks = append(d.mark.Disks, markDisk{At: p.String(), Made: true})
			continue
		}
		d.mark.setDisk(markDisk{Name: providers.RootDiskName, At: p.String(), Made: true})
		if err := d.fitRoot(disk, c); err != nil {
			return err
		}
	}
	if d.mark.disk(providers.RootDiskName) == nil {
		return invalid("the template has no disk to boot from")
	}
	return nil
}

// fitRoot gives the boot disk of a clone the manifest's size.
func (d *draft) fitRoot(disk *types.VirtualDisk, c creation) error {
	have, want := diskBytes(disk), int64(c.vm.RootDisk.SizeGiB)*gib
	switch {
	case want == 0 || want == have:
		return nil
	case want < have:
		return invalid("the template's disk has %d bytes and is not made smaller (%d); write a larger diskDefaults.size", have, want)
	case c.linked:
		return invalid("a linked clone has a disk of its template's size, %d bytes, and not %d; write that diskDefaults.size, or clone in full", have, want)
	}
	d.resize(disk, want)
	return nil
}

// takeBootDisk plugs in the existing disk that a VM made from nothing boots
// from. It stays somebody else's.
func (d *draft) takeBootDisk(c creation) error {
	if c.bootDisk == "" {
		return invalid("there is nothing to boot from: neither a template nor a disk")
	}
	controller := d.addController(defaultController, 0, types.VirtualSCSISharingNoSharing)
	disk := &types.VirtualDisk{VirtualDevice: types.VirtualDevice{
		Backing: &types.VirtualDiskFlatVer2BackingInfo{
			VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: c.bootDisk},
			DiskMode:                     string(types.VirtualDiskModePersistent),
		},
	}}
	d.plug(disk, controller, 0, "")
	d.mark.setDisk(markDisk{Name: providers.RootDiskName, At: scsiPlace(controller, 0)})
	return nil
}

// locators returns how the disks of the template become those of the clone:
// on that datastore, the root disk provided as the manifest says. Nil: nothing
// is to be said about any disk.
func locators(c creation, datastore types.ManagedObjectReference) []types.VirtualMachineRelocateSpecDiskLocator {
	kind := providers.WantedTraits(c.vm)[providers.FieldRootDiskType]
	if kind == "" || c.from == nil || c.linked {
		return nil
	}
	for _, dev := range c.from.Hardware.Device {
		if disk, ok := dev.(*types.VirtualDisk); ok {
			return []types.VirtualMachineRelocateSpecDiskLocator{{
				DiskId: disk.Key, Datastore: datastore, DiskBackingInfo: diskBacking(kind, ""),
			}}
		}
	}
	return nil
}
