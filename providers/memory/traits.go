package memory

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// traitAbilities are those of every trait. A key of extraConfig and a limit
// can be set while the machine runs.
func traitAbilities() map[providers.Field]providers.Ability {
	all := map[providers.Field]providers.Ability{providers.FieldExtraConfig: providers.Live}
	for _, f := range []providers.Field{
		providers.FieldCPULimit, providers.FieldCPUReservation, providers.FieldCPUShares,
		providers.FieldMemoryLimit, providers.FieldMemoryReservation,
	} {
		all[f] = providers.Live
	}
	for _, f := range []providers.Field{
		providers.FieldCPUHotAdd, providers.FieldMemoryHotAdd, providers.FieldSecureBoot, providers.FieldTPM,
		providers.FieldVTd, providers.FieldVBS, providers.FieldNestedVirt, providers.FieldDiskType, providers.FieldDiskBus,
		providers.FieldDiskController, providers.FieldDiskSharing, providers.FieldNICSlot,
	} {
		all[f] = providers.Restart
	}
	return all
}

// plain are the traits of a machine for which none was set. It is shared, and
// nobody writes to it.
var plain = providers.Traits{
	providers.FieldCPUHotAdd: "false", providers.FieldMemoryHotAdd: "false", providers.FieldSecureBoot: "false",
	providers.FieldTPM: "false", providers.FieldVTd: "false", providers.FieldVBS: "false", providers.FieldNestedVirt: "false",
}

// showTraits returns the traits to report where those were set.
func showTraits(set providers.Traits) providers.Traits {
	if len(set) == 0 {
		return plain
	}
	all := maps.Clone(plain)
	maps.Copy(all, set)
	return all
}

// traitsEdit sets traits of the definition, and with live those of the machine
// that runs.
func traitsEdit(c call, want providers.Traits, live bool) edit {
	return edit{
		name: "traits",
		check: func(_ *state, m *machine) error {
			for _, f := range slices.Sorted(maps.Keys(want)) {
				if err := checkTrait(c, m, f, want[f], live); err != nil {
					return err
				}
			}
			return nil
		},
		apply: func(_ *state, m *machine) {
			for _, h := range m.shapes(live) {
				setTraits(h, want)
			}
		},
	}
}

func checkTrait(c call, m *machine, f providers.Field, text string, live bool) error {
	caps := providers.Capabilities{Change: abilities()}
	ability, known := caps.Ability(f)
	switch {
	case !known || !hasPart(&m.Config, f):
		return c.fail(providers.NotSupported, "there is nothing to set "+string(f)+" of")
	case !providers.ValidTrait(f, text):
		return c.fail(providers.InvalidSpec, fmt.Sprintf("%s cannot be %q", f, text))
	case live && m.Running != nil && ability != providers.Live && showTraits(m.Running.Traits)[f] != text:
		return c.fail(providers.NotSupported, string(f)+" cannot be set while the machine runs")
	}
	return nil
}

// hasPart tells whether the machine has the disk or the interface that a trait
// is about.
func hasPart(h *providers.Hardware, f providers.Field) bool {
	switch {
	case strings.HasPrefix(string(f), "disks["):
		return disk(h, f.Name()) != nil
	case strings.HasPrefix(string(f), "nics["):
		return slices.ContainsFunc(h.NICs, isNIC(providers.NICRef{Name: f.Name()}))
	}
	return true
}

// setTraits gives the hardware traits. The map is replaced: others may hold it.
func setTraits(h *providers.Hardware, want providers.Traits) {
	if len(want) == 0 {
		return
	}
	all := make(providers.Traits, len(h.Traits)+len(want))
	maps.Copy(all, h.Traits)
	for f, text := range want {
		all[f] = text
		if text == "" {
			delete(all, f)
		}
	}
	h.Traits = all
	if text, ok := want[providers.FieldCPUHotAdd]; ok {
		h.CPUMax.Value = h.CPU.Value * room(text == "true")
	}
	if text, ok := want[providers.FieldMemoryHotAdd]; ok {
		h.MemoryMaxMiB.Value = h.MemoryMiB.Value * int64(room(text == "true"))
	}
}

// room is how many times its size a machine can grow to.
func room(hotAdd bool) int {
	if hotAdd {
		return headroom
	}
	return 1
}

// diskTraits and nicTraits are what the manifest asks of a part that is added.
func diskTraits(d manifest.Disk) providers.Traits {
	return providers.WantedTraits(&manifest.VM{Disks: []manifest.Disk{d}, Declared: []string{"VirtualMachine.spec.disks[].type"}})
}

func nicTraits(n manifest.NIC) providers.Traits {
	return providers.WantedTraits(&manifest.VM{NICs: []manifest.NIC{n}})
}

// dropTraits forgets what was set of a part that is no more.
func dropTraits(h *providers.Hardware) {
	gone := func(f providers.Field, _ string) bool { return !hasPart(h, f) }
	for f := range h.Traits {
		if gone(f, "") {
			h.Traits = maps.Clone(h.Traits)
			maps.DeleteFunc(h.Traits, gone)
			return
		}
	}
}

// SetTrait sets one trait of the definition, and with live of the machine that
// runs. An empty text takes a key of extraConfig away.
func (o Outside) SetTrait(vm string, f providers.Field, text string, live bool) error {
	return o.change(vm, func(_ *state, m *machine) {
		for _, h := range m.shapes(live) {
			setTraits(h, providers.Traits{f: text})
		}
	})
}
