package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// comparison collects how one machine differs from its manifest. Every
// difference is in two shapes that are built together: the Diff for people and
// the entry in change for the provider.
type comparison struct {
	w    *manifest.VM
	f    *providers.VM
	caps *providers.Capabilities
	// stubborn is true when a live change of the same differences did not
	// take effect before.
	stubborn bool
	found    []difference
}

// difference is a Diff with the means to apply it.
type difference struct {
	Diff
	apply func(*providers.Change) // nil: by power, or not at all
}

// differ adds a difference unless the provider does not compare the field.
func (c *comparison) differ(field providers.Field, d Diff, apply func(*providers.Change)) {
	ability, ok := c.caps.Change[field]
	if !ok {
		return
	}
	if d.Field == "" {
		d.Field = string(field)
	}
	if d.Disruption == "" {
		d.Disruption, d.Reason = c.cost(ability, d.Where, d.Reason)
	}
	c.found = append(c.found, difference{d, apply})
}

// cost types a change of a field with the given ability. Fields that depend
// on head-room are typed by their own comparison.
func (c *comparison) cost(a providers.Ability, where Where, reason string) (Disruption, string) {
	running := c.f.Power == providers.On || c.f.Power == providers.Suspended
	switch {
	case a == providers.Replace || a == providers.Never:
		return Replace, "only a machine made anew has it"
	case !running:
		return Nothing, reason
	case where == Definition:
		return Live, "only the definition differs, which the next start uses"
	case a == providers.Restart:
		return Restart, "it cannot be changed while the guest runs"
	case c.stubborn:
		return Restart, "the guest did not take it while running"
	}
	return Live, reason
}

// sides calls compare for the definition and, when the hypervisor keeps the
// two apart, for the running machine, and says on which side a value differs.
func sides[T comparable](f *providers.VM, want T, get func(*providers.Hardware) providers.Opt[T]) (where Where, found T, differs bool) {
	def := get(&f.Config)
	defDiffers := def.Known && def.Value != want
	if f.Running == nil {
		return Both, def.Value, defDiffers
	}
	run := get(f.Running)
	runDiffers := run.Known && run.Value != want
	switch {
	case defDiffers && runDiffers && def.Value == run.Value:
		return Both, run.Value, true
	case runDiffers && !defDiffers:
		return Running, run.Value, true
	case defDiffers && !runDiffers:
		return Definition, def.Value, true
	}
	return Both, run.Value, runDiffers
}

// compare returns every difference in a stable order.
func (c *comparison) compare() []difference {
	c.existence()
	c.cpu()
	c.memory()
	c.firmware()
	c.disks()
	c.nics()
	c.tags()
	c.autostart()
	c.origins()
	c.power()
	return c.found
}

func (c *comparison) existence() {
	if c.f.Mark.Retired.IsZero() {
		return
	}
	c.differ(providers.FieldRetired, Diff{Wanted: "in use", Found: "retired since " + stamp(c.f.Mark.Retired), Disruption: Nothing},
		func(ch *providers.Change) { ch.Retired = new(zeroTime) })
}

func (c *comparison) cpu() {
	where, found, differs := sides(c.f, c.w.CPU, func(h *providers.Hardware) providers.Opt[int] { return h.CPU })
	if !differs {
		return
	}
	d := Diff{Where: where, Wanted: strconv.Itoa(c.w.CPU), Found: strconv.Itoa(found)}
	if c.f.Running != nil && where != Definition {
		c.headroom(&d, providers.FieldCPU, int64(c.w.CPU), int64(found), opt64(c.f.Running.CPUMax), false)
	}
	c.differ(providers.FieldCPU, d, func(ch *providers.Change) { ch.CPU = &c.w.CPU })
}

func (c *comparison) memory() {
	where, found, differs := sides(c.f, c.w.MemoryMiB, func(h *providers.Hardware) providers.Opt[int64] { return h.MemoryMiB })
	if !differs {
		return
	}
	d := Diff{Where: where, Wanted: mib(c.w.MemoryMiB), Found: mib(found)}
	if c.f.Running != nil && where != Definition {
		c.headroom(&d, providers.FieldMemory, c.w.MemoryMiB, found, c.f.Running.MemoryMaxMiB, c.caps.MemoryShrinksLive)
	}
	c.differ(providers.FieldMemory, d, func(ch *providers.Change) { ch.MemoryMiB = &c.w.MemoryMiB })
}

func opt64(o providers.Opt[int]) providers.Opt[int64] {
	return providers.Opt[int64]{Value: int64(o.Value), Known: o.Known}
}

// headroom types the change of an amount of a running machine.
func (c *comparison) headroom(d *Diff, field providers.Field, want, found int64, limit providers.Opt[int64], shrinks bool) {
	if c.caps.Change[field] != providers.LiveInHeadroom {
		return
	}
	switch {
	case want < found && !shrinks:
		d.Disruption, d.Reason = Restart, "it cannot be taken from a running guest"
	case want > found && (!limit.Known || want > limit.Value):
		d.Disruption, d.Reason = Restart, "the running machine was started without room for it"
	case c.stubborn:
		d.Disruption, d.Reason = Restart, "the guest did not take it while running"
	default:
		d.Disruption = Live
	}
}

func (c *comparison) firmware() {
	f := c.f.Config.Firmware
	if f.Known && c.w.Firmware != "" && f.Value != c.w.Firmware {
		c.differ(providers.FieldFirmware, Diff{Wanted: string(c.w.Firmware), Found: string(f.Value)}, nil)
	}
}

func (c *comparison) tags() {
	if !c.f.Tags.Known {
		return
	}
	found := slices.Sorted(slices.Values(c.f.Tags.Value))
	if !slices.Equal(found, c.w.Tags) {
		c.differ(providers.FieldTags, Diff{Wanted: list(c.w.Tags), Found: list(found), Disruption: Nothing},
			func(ch *providers.Change) { ch.Tags = new(append([]string{}, c.w.Tags...)) })
	}
}

func (c *comparison) autostart() {
	if c.w.Autostart == nil || !c.f.Autostart.Known || c.f.Autostart.Value == *c.w.Autostart {
		return
	}
	c.differ(providers.FieldAutostart, Diff{
		Wanted: strconv.FormatBool(*c.w.Autostart), Found: strconv.FormatBool(c.f.Autostart.Value), Disruption: Nothing,
	}, func(ch *providers.Change) { ch.Autostart = c.w.Autostart })
}

// origins compares what a machine is made from: its image and first-boot data.
func (c *comparison) origins() {
	if c.w.Image != nil && c.f.Mark.Image != "" && c.f.Mark.Image != c.w.Image.Digest {
		c.differ(providers.FieldImage, Diff{Wanted: short(c.w.Image.Digest), Found: short(c.f.Mark.Image),
			Disruption: Replace, Reason: "a disk keeps the image that it was made from"}, nil)
	}
	if c.f.Mark.CloudInit != c.w.CloudInit.Digest {
		c.differ(providers.FieldCloudInit, Diff{Wanted: orNone(short(c.w.CloudInit.Digest)), Found: orNone(short(c.f.Mark.CloudInit)),
			Disruption: Replace, Reason: "a guest reads its first-boot data once"}, nil)
	}
}

func (c *comparison) power() {
	d := Diff{Field: string(providers.FieldPower), Wanted: string(c.w.Power), Found: string(c.f.Power)}
	switch {
	case d.Wanted == d.Found, c.f.Power == providers.Unknown:
		return
	case c.w.Power == manifest.PowerOff:
		d.Disruption = Restart
		d.Reason = "the guest stops"
	default:
		d.Disruption = Nothing
	}
	c.found = append(c.found, difference{d, nil})
}

func mib(n int64) string {
	if n%1024 == 0 && n > 0 {
		return strconv.FormatInt(n/1024, 10) + " GiB"
	}
	return strconv.FormatInt(n, 10) + " MiB"
}

func gib(n int) string { return strconv.Itoa(n) + " GiB" }

func list(s []string) string {
	if len(s) == 0 {
		return "none"
	}
	return strings.Join(s, ", ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// short renders a digest for people.
func short(digest string) string {
	_, hex, ok := strings.Cut(digest, ":")
	if !ok {
		hex = digest
	}
	return hex[:min(12, len(hex))]
}

func named(kind, name, field string) string {
	if field == "" {
		return fmt.Sprintf("%s[%s]", kind, name)
	}
	return fmt.Sprintf("%s[%s].%s", kind, name, field)
}
