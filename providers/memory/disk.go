package memory

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// disk returns the disk of that name, nil when there is none.
func disk(h *providers.Hardware, name string) *providers.Disk {
	for i := range h.Disks {
		if h.Disks[i].Name == name {
			return &h.Disks[i]
		}
	}
	return nil
}

func growEdit(c call, g providers.DiskSize, live bool) edit {
	return edit{
		name: "grow " + g.Name,
		check: func(_ *state, m *machine) error {
			d := disk(&m.Config, g.Name)
			switch {
			case g.Name == "" || d == nil:
				return c.missing("disk " + g.Name)
			case g.SizeGiB < d.SizeGiB.Value:
				return c.fail(providers.InvalidSpec, fmt.Sprintf("disk %s cannot shrink from %d to %d GiB",
					g.Name, d.SizeGiB.Value, g.SizeGiB))
			}
			return nil
		},
		apply: func(s *state, m *machine) {
			for _, h := range m.shapes(live) {
				if d := disk(h, g.Name); d != nil && d.SizeGiB.Value < g.SizeGiB {
					*d = makeDisk(d.Name, d.Origin, g.SizeGiB)
					s.addVolume(d.Origin, d.SizeBytes.Value, "")
				}
			}
		},
	}
}

// addDiskEdit adds a disk with a volume of its own. One of that name that is
// there is left as it is, unless it is too small to be meant.
func addDiskEdit(c call, want manifest.Disk, live bool) edit {
	return edit{
		name: "disk " + want.Name,
		check: func(_ *state, m *machine) error {
			switch d := disk(&m.Config, want.Name); {
			case want.Name == "" || want.SizeGiB < 1:
				return c.fail(providers.InvalidSpec, "a disk needs a name and a size")
			case d != nil && d.SizeGiB.Value < want.SizeGiB:
				return c.fail(providers.InvalidSpec, "disk "+want.Name+" is there with a smaller size")
			}
			return nil
		},
		apply: func(s *state, m *machine) {
			for _, h := range m.shapes(live) {
				if disk(h, want.Name) != nil {
					continue
				}
				d := makeDisk(want.Name, volumeName(m.Mark.Owner, want.Name), want.SizeGiB)
				s.addVolume(d.Origin, d.SizeBytes.Value, "")
				h.Disks = append(h.Disks, d)
				setTraits(h, diskTraits(want))
			}
		},
	}
}

// changeText words a change for the call log, each part after a space.
func changeText(ch providers.Change) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, " "+format, args...) }
	if ch.Live {
		say("live")
	}
	if ch.CPU != nil {
		say("cpu=%d", *ch.CPU)
	}
	if ch.MemoryMiB != nil {
		say("memory=%d", *ch.MemoryMiB)
	}
	for _, f := range slices.Sorted(maps.Keys(ch.Traits)) {
		say("%s=%s", f, ch.Traits[f])
	}
	for _, g := range ch.GrowDisks {
		say("disk[%s]=%d", g.Name, g.SizeGiB)
	}
	for _, d := range ch.AddDisks {
		say("+disk[%s]=%d", d.Name, d.SizeGiB)
	}
	for _, r := range ch.RemoveNICs {
		say("-nic[%s]", nicText(r))
	}
	for _, n := range ch.AddNICs {
		network, _ := nicNames.Of(n)
		say("+nic[%s]=%s", n.Name, network)
	}
	if ch.Tags != nil {
		say("tags=%s", strings.Join(slices.Sorted(slices.Values(*ch.Tags)), ","))
	}
	if ch.Autostart != nil {
		say("autostart=%t", *ch.Autostart)
	}
	if ch.Retired != nil {
		say("retired=%t", !ch.Retired.IsZero())
	}
	return b.String()
}
