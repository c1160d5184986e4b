package providertest

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// alteration is one kind of change and the facts that it must lead to. Paths
// of hardware are relative to "config." and "running."; the others are whole.
type alteration struct {
	name  string
	field providers.Field
	// change returns the change for a VM, and the facts to hold afterwards;
	// "" is a fact that must be gone, "*" any value.
	change func(e *Env, vm *providers.VM) (providers.Change, map[string]string)
	may    []string // prefixes of further paths that may change with it
	// shape prepares the VM that is altered, where the usual one will not do.
	shape func(*manifest.VM)
	// property says that the facts are not hardware's: they hold at once,
	// whether the VM runs or not.
	property  bool
	elsewhere bool // needs the Elsewhere hook
	refused   bool // the target cannot carry it
	offOnly   bool // makes no sense for a VM that runs
	noDefine  bool // has no meaning for the definition of a VM that runs
}

func alterationChecks() []Check {
	var all []Check
	for _, a := range alterations() {
		all = append(all, Check{
			Name: "reconfigure-" + a.name,
			Promise: "Reconfigure applies " + a.name + " and nothing else: off, to the definition of a VM that runs, " +
				"and live; the second time changes nothing.",
			Run: func(ctx context.Context, e *Env) error { return e.alter(ctx, a) },
		})
	}
	return all
}

// alter tries an alteration in every way that the target can.
func (e *Env) alter(ctx context.Context, a alteration) error {
	if e.need(e.changeable(a.field), "ability to change "+string(a.field)) && e.need(!a.refused, "VM that "+a.name+" can be set of") &&
		e.need(!a.elsewhere || e.Elsewhere != nil, "Elsewhere hook") {
		a.whileOff(ctx, e)
		a.definition(ctx, e)
		a.live(ctx, e)
	}
	return e.Err()
}

// whileOff tries the alteration on a VM that is off.
func (a alteration) whileOff(ctx context.Context, e *Env) {
	ref, before := e.madeAs(ctx, "off", a.shape)
	if e.failed() {
		return
	}
	a.apply(ctx, e, ref, before, false, "config.")
	e.delete(ctx, ref)
}

// definition tries it on the definition of a VM that runs, which the next
// start uses.
func (a alteration) definition(ctx context.Context, e *Env) {
	if a.offOnly || a.noDefine || e.failed() {
		return
	}
	ref, before := e.runningAs(ctx, "definition", a.shape)
	if before.Running == nil {
		return // the hypervisor makes no difference
	}
	want := a.apply(ctx, e, ref, before, false, "config.")
	if a.property {
		return
	}
	e.power(ctx, ref, providers.PowerStop)
	e.power(ctx, ref, providers.PowerStart)
	e.holds("the next start", factsOf(e.describe(ctx, ref)), prefixed("running.", want))
}

// live tries it on a VM that runs, now and at its next start.
func (a alteration) live(ctx context.Context, e *Env) {
	ability := e.can(a.field)
	guest := a.field == providers.FieldNIC || a.field == providers.FieldMemory
	if a.offOnly || e.failed() || e.NoGuest && guest || ability != providers.Live && ability != providers.LiveInHeadroom {
		return
	}
	ref, before := e.runningAs(ctx, "live", a.shape)
	if !e.failed() && !e.NoGuest && e.Booted != nil {
		e.ok("booted hook", e.Booted(ctx, ref.ID))
	}
	if before.Running == nil {
		a.apply(ctx, e, ref, before, true, "config.")
		return
	}
	a.apply(ctx, e, ref, before, true, "config.", "running.")
}

// apply changes the VM twice and compares it with what it was. It returns the
// facts of the alteration.
func (a alteration) apply(ctx context.Context, e *Env, ref providers.Ref, before *providers.VM, live bool, shapes ...string) map[string]string {
	if e.failed() {
		return nil
	}
	ch, want := a.change(e, before)
	ch.Live = live
	doing := fmt.Sprintf("%s (live = %t, VM %s)", a.name, live, before.Power)
	if a.property {
		shapes = []string{""}
	}
	except := a.may
	facts := map[string]string{}
	for _, shape := range shapes {
		maps.Copy(facts, prefixed(shape, want))
		for _, more := range a.may {
			except = append(except, shape+more)
		}
	}
	for path := range facts {
		except = append(except, strings.TrimSuffix(path, ".*"))
	}
	e.reconfigure(ctx, ref, ch)
	after := e.describe(ctx, ref)
	e.holds(doing, factsOf(after), facts)
	e.unchanged(doing+", beyond what was asked,", before, after, except...)
	e.reconfigure(ctx, ref, ch)
	e.untouched(ctx, doing+" for the second time", ref, after)
	return want
}

// prefixed puts a word before every path.
func prefixed(shape string, want map[string]string) map[string]string {
	all := make(map[string]string, len(want))
	for path, value := range want {
		all[shape+path] = value
	}
	return all
}
