package plan

import (
	"slices"
	"strconv"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// comparison collects how one machine differs from its manifest. Every
// difference is in two shapes that are built together: the Diff for people and
// the entry in change for the provider. Nothing keeps hold of the comparison,
// so that one without a difference costs no memory.
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
	nic   string                  // the interface that it is about, which is replaced as a whole
	given bool                    // what is wanted is what the machine was given, not what a manifest says
	apply func(*providers.Change) // nil: by power, or not at all
}

// compare returns every difference in a stable order.
func (c *comparison) compare() []difference {
	c.existence()
	c.name()
	c.cpu()
	c.memory()
	c.firmware()
	c.disks()
	c.nics()
	c.traits()
	c.tags()
	c.autostart()
	c.image()
	c.cloudInit()
	c.power()
	return c.found
}

// runs tells whether there is, or may be, a guest that notices a change.
func (c *comparison) runs() bool { return c.f.Power != providers.Off }

// differ adds a difference unless the provider does not compare the field.
func (c *comparison) differ(field providers.Field, d difference) {
	ability, ok := c.caps.Ability(field)
	if !ok {
		return
	}
	if d.Field == "" {
		d.Field = string(field)
	}
	if d.Disruption == "" || fixed(ability) && Replace.Exceeds(d.Disruption) {
		d.Disruption, d.Reason = c.cost(ability, d.Where)
	}
	c.found = append(c.found, d)
}

// cost types a change of a field with the given ability. Fields that depend
// on head-room are typed by their own comparison.
func (c *comparison) cost(a providers.Ability, where Where) (Disruption, string) {
	switch {
	case fixed(a):
		return Replace, "only a machine made anew has it"
	case !c.runs():
		return Nothing, ""
	case where == Definition:
		return Live, "only the definition differs, which the next start uses"
	case a == providers.Restart:
		return Restart, "it cannot be changed while the guest runs"
	case c.stubborn:
		return Restart, "the guest did not take it while running"
	}
	return Live, ""
}

// fixed tells whether a machine that is there keeps what it has of a field.
func fixed(a providers.Ability) bool { return a == providers.Replace || a == providers.Never }

// sides compares the definition and, when the hypervisor keeps the two apart,
// the running machine, and says on which side a value differs.
func sides[T comparable](f *providers.VM, want T, get func(*providers.Hardware) providers.Opt[T]) (where Where, found T, differs bool) {
	def := get(&f.Config)
	defDiffers := def.Known && def.Value != want
	if f.Running == nil {
		return Both, def.Value, defDiffers
	}
	run := get(f.Running)
	runDiffers := run.Known && run.Value != want
	switch {
	case defDiffers && !runDiffers:
		return Definition, def.Value, true
	case runDiffers && !defDiffers:
		return Running, run.Value, true
	}
	return Both, run.Value, runDiffers
}

func (c *comparison) existence() {
	if c.f.Mark.Retired.IsZero() {
		return
	}
	c.differ(providers.FieldRetired, difference{
		Diff:  Diff{Wanted: "in use", Found: "retired since " + stamp(c.f.Mark.Retired), Disruption: Nothing},
		apply: func(ch *providers.Change) { ch.Retired = new(time.Time) },
	})
}

func (c *comparison) cpu() {
	w := c.w
	where, found, differs := sides(c.f, w.CPU, func(h *providers.Hardware) providers.Opt[int] { return h.CPU })
	if !differs {
		return
	}
	limit := c.present().CPUMax
	d := difference{
		Diff:  Diff{Where: where, Wanted: strconv.Itoa(c.w.CPU), Found: strconv.Itoa(found)},
		apply: func(ch *providers.Change) { ch.CPU = &w.CPU },
	}
	c.headroom(&d.Diff, providers.FieldCPU, amount{
		want: int64(c.w.CPU), found: int64(found), limit: int64(limit.Value), limited: limit.Known,
	})
	c.differ(providers.FieldCPU, d)
}

func (c *comparison) memory() {
	w := c.w
	where, found, differs := sides(c.f, w.MemoryMiB, func(h *providers.Hardware) providers.Opt[int64] { return h.MemoryMiB })
	if !differs {
		return
	}
	limit := c.present().MemoryMaxMiB
	d := difference{
		Diff:  Diff{Where: where, Wanted: mib(c.w.MemoryMiB), Found: mib(found)},
		apply: func(ch *providers.Change) { ch.MemoryMiB = &w.MemoryMiB },
	}
	c.headroom(&d.Diff, providers.FieldMemory, amount{
		want: c.w.MemoryMiB, found: found, limit: limit.Value, limited: limit.Known, shrinks: c.caps.MemoryShrinksLive,
	})
	c.differ(providers.FieldMemory, d)
}

// present is the hardware that the guest has now.
func (c *comparison) present() *providers.Hardware {
	if c.f.Running != nil {
		return c.f.Running
	}
	return &c.f.Config
}

// amount is a change of how much of something a guest has.
type amount struct {
	want, found, limit int64
	limited            bool // the limit is known
	shrinks            bool // it can be taken from a running guest
}

// headroom types the change of an amount of a running machine.
func (c *comparison) headroom(d *Diff, field providers.Field, a amount) {
	if c.caps.Change[field] != providers.LiveInHeadroom || !c.runs() || d.Where == Definition {
		return
	}
	switch {
	case a.want < a.found && !a.shrinks:
		d.Disruption, d.Reason = Restart, "it cannot be taken from a running guest"
	case a.want > a.found && (!a.limited || a.want > a.limit):
		d.Disruption, d.Reason = Restart, "the running machine was started without room for it"
	}
}

func (c *comparison) firmware() {
	f := c.f.Config.Firmware
	if f.Known && c.w.Firmware != "" && f.Value != c.w.Firmware {
		c.differ(providers.FieldFirmware, difference{Diff: Diff{Wanted: string(c.w.Firmware), Found: string(f.Value)}})
	}
}

func (c *comparison) name() {
	if c.f.Name != c.w.Key.Name {
		want := c.w.Key.Name
		c.differ(providers.FieldName, difference{
			Diff:  Diff{Wanted: want, Found: c.f.Name},
			apply: func(ch *providers.Change) { ch.Name = &want },
		})
	}
}

func (c *comparison) tags() {
	w := c.w
	if !c.f.Tags.Known || slices.Equal(c.f.Tags.Value, c.w.Tags) {
		return
	}
	found := slices.Compact(slices.Sorted(slices.Values(c.f.Tags.Value)))
	if slices.Equal(found, c.w.Tags) {
		return
	}
	c.differ(providers.FieldTags, difference{
		Diff:  Diff{Wanted: list(c.w.Tags), Found: list(found), Disruption: Nothing},
		apply: func(ch *providers.Change) { ch.Tags = new(append([]string{}, w.Tags...)) },
	})
}

func (c *comparison) autostart() {
	w := c.w
	if c.w.Autostart == nil || !c.f.Autostart.Known || c.f.Autostart.Value == *c.w.Autostart {
		return
	}
	c.differ(providers.FieldAutostart, difference{
		Diff: Diff{
			Wanted: strconv.FormatBool(*c.w.Autostart), Found: strconv.FormatBool(c.f.Autostart.Value), Disruption: Nothing,
		},
		apply: func(ch *providers.Change) { ch.Autostart = w.Autostart },
	})
}

// image compares what the boot disk was made from.
func (c *comparison) image() {
	made := c.f.Mark.Image
	if c.w.Image == nil || made == "" || made == c.w.Image.Digest {
		return
	}
	c.differ(providers.FieldImage, difference{Diff: Diff{
		Wanted: short(c.w.Image.Digest), Found: short(made),
		Disruption: Replace, Reason: "a disk keeps the image that it was made from",
	}})
}

// cloudInit compares the first-boot data that the guest was given.
func (c *comparison) cloudInit() {
	given := c.f.Mark.CloudInit
	if given == c.w.CloudInit.Digest {
		return
	}
	c.differ(providers.FieldCloudInit, difference{Diff: Diff{
		Wanted: orNone(short(c.w.CloudInit.Digest)), Found: orNone(short(given)),
		Disruption: Replace, Reason: "a guest reads its first-boot data once",
	}})
}

func (c *comparison) power() {
	d := Diff{Field: string(providers.FieldPower), Wanted: string(c.w.Power), Found: string(c.f.Power), Disruption: Nothing}
	if d.Wanted == d.Found || c.f.Power == providers.Unknown {
		return
	}
	if c.w.Power == manifest.PowerOff {
		d.Disruption, d.Reason = Restart, "the guest stops"
	}
	c.found = append(c.found, difference{Diff: d})
}
