package seedserver

import (
	"fmt"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/seed"
)

// disks compares the disks by the names that we gave them. A disk that the
// desired VM does not name stays.
func (d *difference) disks(want *seed.Want) {
	if want.RootGiB == 0 && len(want.Disks) == 0 {
		return
	}
	if !d.vm.Config.DisksKnown {
		d.unknown = append(d.unknown, "disks")
		return
	}
	found := make(map[string]providers.Disk)
	for _, disk := range d.vm.Config.Disks {
		if disk.Name != "" {
			found[disk.Name] = disk
		}
	}
	d.root(found, want)
	for _, w := range want.Disks {
		if have, there := found[w.Name]; there {
			d.grow(have, w.SizeGiB)
			continue
		}
		d.change.AddDisks = append(d.change.AddDisks, w)
		d.allow(providers.FieldDisk, "a new disk "+w.Name, true)
	}
}

// root grows the boot disk. One that is larger than its class says is left: it
// is as large as the image that it was made from.
func (d *difference) root(found map[string]providers.Disk, want *seed.Want) {
	if want.RootGiB == 0 {
		return
	}
	root, there := found[providers.RootDiskName]
	switch {
	case !there || !root.SizeGiB.Known:
		d.unknown = append(d.unknown, "root disk")
	case root.SizeGiB.Value > want.RootGiB && !want.RootNamed:
		d.remarks = append(d.remarks, seed.Remark{
			Field: "desired_json.Class.DiskDefaults.SizeGiB",
			Why:   fmt.Sprintf("the root disk has %d GiB, and is not made smaller", root.SizeGiB.Value),
		})
	default:
		d.grow(root, want.RootGiB)
	}
}

func (d *difference) grow(have providers.Disk, sizeGiB int) {
	what := fmt.Sprintf("disk %s of %d GiB", have.Name, sizeGiB)
	switch {
	case !have.SizeGiB.Known:
		d.unknown = append(d.unknown, "size of disk "+have.Name)
	case have.SizeGiB.Value > sizeGiB:
		d.smaller = append(d.smaller, fmt.Sprintf("%s has %d GiB, %d are desired", have.Name, have.SizeGiB.Value, sizeGiB))
	case have.SizeGiB.Value < sizeGiB:
		d.change.GrowDisks = append(d.change.GrowDisks, providers.DiskSize{Name: have.Name, SizeGiB: sizeGiB})
		d.allow(providers.FieldDiskSize, what, true)
	}
}
