package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/vmsteward/vmsteward/providers"
)

// traits compares what a machine has in many small properties with those that
// the manifest writes. A key of extraConfig that the manifest does not have
// any more is taken away.
func (c *comparison) traits() {
	found := c.f.Config.Traits
	if found == nil || !c.traitsDiffer(found) {
		return
	}
	wanted := providers.WantedTraits(c.w)
	var differ, extra []providers.Field // few, of many
	for field, want := range wanted {
		if value, known := found[field]; value != want && (known || field.Template() == providers.FieldExtraConfig) {
			differ = append(differ, field)
		}
	}
	for field := range found {
		if _, ok := wanted[field]; !ok && field.Template() == providers.FieldExtraConfig {
			extra = append(extra, field)
		}
	}
	slices.Sort(differ)
	slices.Sort(extra)
	for _, field := range differ {
		c.trait(field, wanted[field], found[field])
	}
	for _, field := range extra {
		c.trait(field, "", found[field])
	}
}

// traitsDiffer tells at little cost whether any trait may differ.
func (c *comparison) traitsDiffer(found providers.Traits) bool {
	differ, keys := false, 0
	providers.EachWantedTrait(c.w, func(field providers.Field, want string) {
		value, known := found[field]
		extra := isExtra(field)
		if extra {
			keys++
		}
		differ = differ || (known || extra) && value != want
	})
	for field := range found {
		if isExtra(field) {
			keys--
		}
	}
	return differ || keys != 0
}

func isExtra(field providers.Field) bool {
	return strings.HasPrefix(string(field), "extraConfig[")
}

// trait adds the difference of one property, and how to set it. A key that
// nobody asks for any more is taken away without a restart: the guest that has
// it now has it until its next one.
func (c *comparison) trait(field providers.Field, want, found string) {
	d := Diff{Field: string(field), Wanted: cmp.Or(want, absent), Found: cmp.Or(found, absent)}
	if want == "" && c.runs() {
		d.Disruption = Live
	}
	c.differ(field, difference{
		Diff: d,
		apply: func(ch *providers.Change) {
			if ch.Traits == nil {
				ch.Traits = make(providers.Traits)
			}
			ch.Traits[field] = want
		},
	})
}

// expansion types the growth of a disk of a running machine that the manifest
// lets grow only while the machine is off.
func (c *comparison) expansion(d *Diff, name string) {
	if !c.runs() || d.Where == Definition || !c.growsOffline(name) {
		return
	}
	d.Disruption, d.Reason = Restart, "its expandPolicy is Offline"
}

// growsOffline tells whether the manifest writes that the disk grows only
// while the machine is off.
func (c *comparison) growsOffline(name string) bool {
	if _, written := slices.BinarySearch(c.w.Declared, "VirtualMachine.spec.disks[].expandPolicy"); !written {
		return false
	}
	for i := range c.w.Disks {
		if c.w.Disks[i].Name == name {
			return !c.w.Disks[i].ExpandOnline
		}
	}
	return false
}
