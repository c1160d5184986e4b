package plan

import (
	"maps"
	"slices"
	"strconv"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// fields renders every compared field of a wanted VM in a stable order, the
// existence first, as the differences from nothing.
func fields(w *manifest.VM, caps *providers.Capabilities) []Diff {
	out := []Diff{{Field: string(providers.FieldExists), Wanted: present, Found: absent, Disruption: Nothing, Verdict: Apply}}
	eachField(w, caps, func(field, wanted string) {
		if wanted != "" {
			out = append(out, Diff{Field: field, Wanted: wanted, Found: absent, Disruption: Nothing, Verdict: Apply})
		}
	})
	return out
}

// eachField calls put with every compared field of a wanted VM except its
// existence, in a stable order, rendered as a comparison renders it; an empty
// text: the manifest does not say.
func eachField(w *manifest.VM, caps *providers.Capabilities, put func(field, wanted string)) {
	put(string(providers.FieldPower), string(w.Power))
	put(string(providers.FieldCPU), strconv.Itoa(w.CPU))
	put(string(providers.FieldMemory), mib(w.MemoryMiB))
	put(string(providers.FieldFirmware), string(w.Firmware))
	if w.Image != nil {
		put(string(providers.FieldImage), short(w.Image.Digest))
	}
	if w.RootDisk.SizeGiB > 0 {
		put(named("disks", providers.RootDiskName, "size"), gib(w.RootDisk.SizeGiB))
	}
	for _, d := range w.Disks {
		put(named("disks", d.Name, ""), gib(d.SizeGiB))
	}
	for _, n := range w.NICs {
		put(named("nics", n.Name, ""), describeNIC(caps, n))
		put(named("nics", n.Name, "mac"), n.MAC)
	}
	eachTrait(w, caps, put)
	put(string(providers.FieldCloudInit), short(w.CloudInit.Digest))
	if len(w.Tags) > 0 {
		put(string(providers.FieldTags), list(w.Tags))
	}
	if w.Autostart != nil {
		put(string(providers.FieldAutostart), strconv.FormatBool(*w.Autostart))
	}
}

func eachTrait(w *manifest.VM, caps *providers.Capabilities, put func(field, wanted string)) {
	traits := providers.WantedTraits(w)
	if len(traits) == 0 {
		return
	}
	for _, field := range slices.Sorted(maps.Keys(traits)) {
		if _, compared := caps.Ability(field); compared {
			put(string(field), traits[field])
		}
	}
}

// Base renders what a later comparison takes as applied once the item was:
// what is wanted, except for the differences that were not applied, which keep
// what was applied before.
func Base(w *manifest.VM, caps *providers.Capabilities, it *Item, before map[string]string) map[string]string {
	out := map[string]string{string(providers.FieldExists): present}
	eachField(w, caps, func(field, wanted string) {
		if wanted != "" {
			out[field] = wanted
		}
	})
	for _, d := range w.Disks {
		out[named("disks", d.Name, "size")] = gib(d.SizeGiB)
	}
	for _, n := range w.NICs {
		network, model := caps.NIC.Of(n)
		out[named("nics", n.Name, "network")] = network
		out[named("nics", n.Name, "model")] = model
	}
	out[string(providers.FieldName)] = w.Key.Name
	out[string(providers.FieldTags)] = list(w.Tags)
	out[string(providers.FieldCloudInit)] = orNone(short(w.CloudInit.Digest))
	out[string(providers.FieldRetired)] = "in use"
	for _, d := range it.Diffs {
		if d.Verdict == Apply {
			continue
		}
		if old, ok := before[d.Field]; ok {
			out[d.Field] = old
		} else {
			delete(out, d.Field)
		}
	}
	return out
}

// Whole tells whether the item leaves no difference behind, so that its Base
// is all that is wanted.
func (it *Item) Whole() bool {
	for _, d := range it.Diffs {
		if d.Verdict != Apply {
			return false
		}
	}
	return true
}
