package plan

import (
	"slices"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// disks compares the boot disk and the disks beside it. A disk is never made
// smaller and never taken away: both lose data.
func (c *comparison) disks() {
	if !c.f.Config.DisksKnown {
		return
	}
	if c.w.RootDisk.SizeGiB > 0 {
		c.diskSize(providers.RootDiskName, c.w.RootDisk.SizeGiB)
	}
	for i := range c.w.Disks {
		c.disk(&c.w.Disks[i])
	}
	for i := range c.f.Config.Disks {
		c.extraDisk(&c.f.Config.Disks[i])
	}
	if c.f.Running == nil || !c.f.Running.DisksKnown {
		return
	}
	for i := range c.f.Running.Disks {
		d := &c.f.Running.Disks[i]
		same := func(o providers.Disk) bool { return diskID(&o) == diskID(d) }
		if !slices.ContainsFunc(c.f.Config.Disks, same) {
			c.extraDisk(d)
		}
	}
}

func (c *comparison) disk(w *manifest.Disk) {
	where, _, missing := sides(c.f, false, func(h *providers.Hardware) providers.Opt[bool] {
		return providers.Opt[bool]{Value: findDisk(h, w.Name) == nil, Known: h.DisksKnown}
	})
	if !missing {
		c.diskSize(w.Name, w.SizeGiB)
		return
	}
	c.differ(providers.FieldDisk, difference{
		Diff:  Diff{Field: named("disks", w.Name, ""), Where: where, Wanted: gib(w.SizeGiB), Found: absent},
		apply: func(ch *providers.Change) { ch.AddDisks = append(ch.AddDisks, *w) },
	})
}

// extraDisk reports a disk that the manifest does not have.
func (c *comparison) extraDisk(d *providers.Disk) {
	id := diskID(d)
	if id == "" || d.Name == providers.RootDiskName ||
		slices.ContainsFunc(c.w.Disks, func(w manifest.Disk) bool { return w.Name == d.Name }) {
		return
	}
	c.differ(providers.FieldDisk, difference{Diff: Diff{
		Field: named("disks", id, ""), Wanted: absent, Found: "present",
		Disruption: Destroy, Reason: "a disk is not taken away automatically, because its data would be lost; detach it by hand",
	}})
}

// diskID is the name that we gave a disk, or else where it is.
func diskID(d *providers.Disk) string {
	if d.Name == "" {
		return d.Origin
	}
	return d.Name
}

func findDisk(h *providers.Hardware, name string) *providers.Disk {
	for i := range h.Disks {
		if h.Disks[i].Name == name {
			return &h.Disks[i]
		}
	}
	return nil
}

func (c *comparison) diskSize(name string, want int) {
	largest := 0
	where, found, differs := sides(c.f, want, func(h *providers.Hardware) providers.Opt[int] {
		d := findDisk(h, name)
		if d == nil || !d.SizeGiB.Known {
			return providers.Opt[int]{}
		}
		largest = max(largest, d.SizeGiB.Value)
		return d.SizeGiB
	})
	if !differs {
		return
	}
	d := difference{Diff: Diff{Field: named("disks", name, "size"), Where: where, Wanted: gib(want), Found: gib(found)}}
	if largest > want {
		d.Found, d.Disruption, d.Reason = gib(largest), Destroy, "a disk cannot be made smaller without losing data"
	} else {
		c.expansion(&d.Diff, name)
		d.apply = func(ch *providers.Change) {
			ch.GrowDisks = append(ch.GrowDisks, providers.DiskSize{Name: name, SizeGiB: want})
		}
	}
	c.differ(providers.FieldDiskSize, d)
}
