package plan

import (
	"fmt"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// absent is how a thing that is not there is written.
const absent = "absent"

// disks compares the boot disk and the disks beside it. A disk is never made
// smaller and never taken away: both lose data.
func (c *comparison) disks() {
	if !c.f.Config.DisksKnown {
		return
	}
	if c.w.RootDisk.SizeGiB > 0 {
		c.diskSize(providers.RootDiskName, c.w.RootDisk.SizeGiB)
	}
	wanted := map[string]bool{providers.RootDiskName: true}
	for _, d := range c.w.Disks {
		wanted[d.Name] = true
		if !hasDisk(&c.f.Config, d.Name) || c.f.Running != nil && !hasDisk(c.f.Running, d.Name) {
			c.differ(providers.FieldDisk, Diff{
				Field: named("disks", d.Name, ""), Wanted: gib(d.SizeGiB), Found: absent,
			}, func(ch *providers.Change) { ch.AddDisks = append(ch.AddDisks, d) })
			continue
		}
		c.diskSize(d.Name, d.SizeGiB)
	}
	for _, h := range c.hardware() {
		for _, d := range h.Disks {
			c.extraDisk(d, wanted)
		}
	}
}

// hardware returns the sides of the machine, the definition first.
func (c *comparison) hardware() []*providers.Hardware {
	if c.f.Running == nil {
		return []*providers.Hardware{&c.f.Config}
	}
	return []*providers.Hardware{&c.f.Config, c.f.Running}
}

// extraDisk reports a disk that the manifest does not have, once.
func (c *comparison) extraDisk(d providers.Disk, wanted map[string]bool) {
	id := d.Name
	if id == "" {
		id = d.Origin
	}
	if id == "" || wanted[id] {
		return
	}
	wanted[id] = true
	c.differ(providers.FieldDisk, Diff{
		Field: named("disks", id, ""), Wanted: absent, Found: "present",
		Disruption: Destroy, Reason: "a disk is not taken away automatically, because its data would be lost; detach it by hand",
	}, nil)
}

func hasDisk(h *providers.Hardware, name string) bool { return findDisk(h, name) != nil }

func findDisk(h *providers.Hardware, name string) *providers.Disk {
	for i := range h.Disks {
		if h.Disks[i].Name == name {
			return &h.Disks[i]
		}
	}
	return nil
}

func (c *comparison) diskSize(name string, want int) {
	size := func(h *providers.Hardware) providers.Opt[int] {
		if d := findDisk(h, name); d != nil {
			return d.SizeGiB
		}
		return providers.Opt[int]{}
	}
	where, found, differs := sides(c.f, want, size)
	if !differs {
		return
	}
	d := Diff{Field: named("disks", name, "size"), Where: where, Wanted: gib(want), Found: gib(found)}
	if found > want {
		d.Disruption, d.Reason = Destroy, "a disk cannot be made smaller without losing data"
		c.differ(providers.FieldDiskSize, d, nil)
		return
	}
	c.differ(providers.FieldDiskSize, d, func(ch *providers.Change) {
		ch.GrowDisks = append(ch.GrowDisks, providers.DiskSize{Name: name, SizeGiB: want})
	})
}

// nics compares the interfaces, by the name that each was given.
func (c *comparison) nics() {
	if !c.f.Config.NICsKnown {
		return
	}
	wanted := make(map[string]bool, len(c.w.NICs))
	for _, n := range c.w.NICs {
		wanted[n.Name] = true
		c.nic(n)
	}
	seen := make(map[providers.NICRef]bool)
	for _, h := range c.hardware() {
		for _, n := range h.NICs {
			ref := providers.NICRef{Name: n.Name, MAC: n.MAC}
			if n.Name != "" && wanted[n.Name] || seen[ref] {
				continue
			}
			seen[ref] = true
			c.extraNIC(n)
		}
	}
}

func (c *comparison) extraNIC(n providers.NIC) {
	ref, id := providers.NICRef{Name: n.Name}, n.Name
	if n.Name == "" {
		ref, id = providers.NICRef{MAC: n.MAC}, n.MAC
	}
	c.differ(providers.FieldNIC, Diff{
		Field: named("nics", id, ""), Where: c.nicSide(n), Wanted: absent, Found: fmt.Sprintf("%s on %s", n.Model, n.Network),
	}, func(ch *providers.Change) { ch.RemoveNICs = append(ch.RemoveNICs, ref) })
}

// nicSide tells on which side of the machine an interface is.
func (c *comparison) nicSide(n providers.NIC) Where {
	if c.f.Running == nil {
		return Both
	}
	has := func(h *providers.Hardware) bool {
		for _, o := range h.NICs {
			if o.Name == n.Name && o.MAC == n.MAC {
				return true
			}
		}
		return false
	}
	switch def, run := has(&c.f.Config), has(c.f.Running); {
	case def && !run:
		return Definition
	case run && !def:
		return Running
	}
	return Both
}

func (c *comparison) nic(n manifest.NIC) {
	put := func(ch *providers.Change) { c.putNIC(ch, n) }
	missing := sideOf(c.f, func(h *providers.Hardware) bool { return findNIC(h, n.Name) == nil })
	if missing.differs {
		c.differ(providers.FieldNIC, Diff{
			Field: named("nics", n.Name, ""), Where: missing.where, Wanted: describeNIC(c.caps, n), Found: absent,
		}, put)
		return
	}
	network, model := nicNames(c.caps, n)
	c.nicField(providers.FieldNICNetwork, n.Name, "network", network, func(f *providers.NIC) string { return f.Network }, put)
	c.nicField(providers.FieldNICModel, n.Name, "model", model, func(f *providers.NIC) string { return f.Model }, put)
	c.nicField(providers.FieldNICMAC, n.Name, "mac", c.wantedMAC(n), func(f *providers.NIC) string { return f.MAC }, put)
}

// putNIC adds the interface to the change once, whatever differs about it, with
// the address that it was given.
func (c *comparison) putNIC(ch *providers.Change, n manifest.NIC) {
	for _, have := range ch.AddNICs {
		if have.Name == n.Name {
			return
		}
	}
	n.MAC = c.wantedMAC(n)
	ch.AddNICs = append(ch.AddNICs, n)
}

// wantedMAC is the manifest's address, or the one that was given at creation.
func (c *comparison) wantedMAC(n manifest.NIC) string {
	return wantedMAC(n, c.f.Mark.MACs)
}

func wantedMAC(n manifest.NIC, given map[string]string) string {
	if n.MAC != "" {
		return n.MAC
	}
	return given[n.Name]
}

func nicNames(caps *providers.Capabilities, n manifest.NIC) (network, model string) {
	if caps.NIC == nil {
		return "", ""
	}
	return caps.NIC(n)
}

func describeNIC(caps *providers.Capabilities, n manifest.NIC) string {
	network, model := nicNames(caps, n)
	switch {
	case network == "":
		return "present"
	case model == "":
		return network
	}
	return model + " on " + network
}

func (c *comparison) nicField(field providers.Field, name, label, want string, get func(*providers.NIC) string, put func(*providers.Change)) {
	if want == "" {
		return
	}
	where, found, differs := sides(c.f, want, func(h *providers.Hardware) providers.Opt[string] {
		if n := findNIC(h, name); n != nil && get(n) != "" {
			return providers.Known(get(n))
		}
		return providers.Opt[string]{}
	})
	if differs {
		c.differ(field, Diff{Field: named("nics", name, label), Where: where, Wanted: want, Found: found}, put)
	}
}

func findNIC(h *providers.Hardware, name string) *providers.NIC {
	for i := range h.NICs {
		if h.NICs[i].Name == name {
			return &h.NICs[i]
		}
	}
	return nil
}

// side is where a yes-or-no fact differs.
type side struct {
	where   Where
	differs bool
}

func sideOf(f *providers.VM, wrong func(*providers.Hardware) bool) side {
	where, _, differs := sides(f, false, func(h *providers.Hardware) providers.Opt[bool] { return providers.Known(wrong(h)) })
	return side{where, differs}
}
