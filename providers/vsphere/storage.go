package vsphere

import (
	"cmp"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

const (
	kib = int64(1) << 10
	gib = int64(1) << 30
)

// How the space of a disk is provided, as manifests name it.
const (
	thinDisk  = "thin"
	thickDisk = "thick" // zeroed when it is first written to
	eagerDisk = "eagerzeroedthick"
)

// newDisk returns a disk of that size, to be plugged in and made by the
// server, which names its file and puts it beside the VM's.
func newDisk(sizeGiB int, kind string) *types.VirtualDisk {
	return &types.VirtualDisk{
		VirtualDevice:   types.VirtualDevice{Backing: diskBacking(kind, "")},
		CapacityInBytes: int64(sizeGiB) * gib,
		CapacityInKB:    int64(sizeGiB) * gib / kib,
	}
}

// diskBacking returns the file of a disk that is provided in a way. What does
// not say how the space is provided (what a disk spins on) is thin.
func diskBacking(kind, file string) *types.VirtualDiskFlatVer2BackingInfo {
	return &types.VirtualDiskFlatVer2BackingInfo{
		VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: file},
		DiskMode:                     string(types.VirtualDiskModePersistent),
		ThinProvisioned:              new(kind != thickDisk && kind != eagerDisk),
		EagerlyScrub:                 new(kind == eagerDisk),
	}
}

// addDisk adds a disk of the manifest, and notes in the mark that it is ours.
// One of its name that is there stays as it is.
func (d *draft) addDisk(disk manifest.Disk) error {
	switch have := d.mark.disk(disk.Name); {
	case disk.Name == "" || disk.SizeGiB < 1:
		return invalid("disk %q has no name or no size; write both", disk.Name)
	case have != nil && diskAt(d.devices, have.At) != nil:
		return nil
	}
	if err := d.hot("a disk is added"); err != nil {
		return err
	}
	c, unit, err := d.controllerFor(disk)
	if err != nil {
		return err
	}
	d.plug(newDisk(disk.SizeGiB, disk.Type), c, unit, types.VirtualDeviceConfigSpecFileOperationCreate)
	d.mark.setDisk(markDisk{Name: disk.Name, At: scsiPlace(c, unit), Made: true})
	return nil
}

// plug adds a disk at a place.
func (d *draft) plug(disk *types.VirtualDisk, c types.BaseVirtualSCSIController, unit int32, file types.VirtualDeviceConfigSpecFileOperation) {
	disk.ControllerKey, disk.UnitNumber = c.GetVirtualSCSIController().Key, &unit
	d.add(disk, file)
}

func scsiPlace(c types.BaseVirtualSCSIController, unit int32) string {
	return place{kind: busSCSI, bus: c.GetVirtualSCSIController().BusNumber, unit: unit}.String()
}

// diskNamed returns the disk that the mark gives a name, and an error if there
// is none.
func (d *draft) diskNamed(name string) (*types.VirtualDisk, error) {
	if m := d.mark.disk(name); m != nil {
		if disk := diskAt(d.devices, m.At); disk != nil {
			return disk, nil
		}
	}
	return nil, invalid("the VM has no disk %q", name)
}

// growDisk makes a disk larger.
func (d *draft) growDisk(g providers.DiskSize) error {
	disk, err := d.diskNamed(g.Name)
	if err != nil {
		return err
	}
	have, want := diskBytes(disk), int64(g.SizeGiB)*gib
	switch {
	case have == want:
		return nil
	case have > want:
		return invalid("disk %q has %d bytes and is not made smaller (%d); a disk only grows", g.Name, have, want)
	case isChild(disk):
		return cannot("disk %q does not grow while it has snapshots or shares a template's disk", g.Name)
	}
	if err := d.hot("a disk grows"); err != nil {
		return err
	}
	d.resize(disk, want)
	return nil
}

func (d *draft) resize(disk *types.VirtualDisk, bytes int64) {
	twin := copyOf(disk)
	twin.CapacityInBytes, twin.CapacityInKB = bytes, bytes/kib
	d.edit(twin)
}

// diskBytes returns the size of a disk.
func diskBytes(disk *types.VirtualDisk) int64 {
	return cmp.Or(disk.CapacityInBytes, disk.CapacityInKB*kib)
}

// isChild tells whether a disk stands in front of another: that of a snapshot,
// or of the template of a linked clone. Such a one has the other's size.
func isChild(disk *types.VirtualDisk) bool {
	switch b := disk.Backing.(type) {
	case *types.VirtualDiskFlatVer2BackingInfo:
		return b.Parent != nil
	case *types.VirtualDiskSeSparseBackingInfo:
		return b.Parent != nil
	}
	return false
}

// setDisk notes a disk in place of the one of its name.
func (m *mark) setDisk(d markDisk) {
	if have := m.disk(d.Name); have != nil {
		*have = d
		return
	}
	m.Disks = append(m.Disks, d)
}
