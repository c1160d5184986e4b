package plan

import (
	"reflect"
	"slices"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// sequence orders the calls that remove a set of differences.
type sequence struct {
	b     *builder
	w     *manifest.VM
	f     *providers.VM
	facts *Facts
	apply []difference
}

// ops returns the calls. A guest that must stop is asked first; a change that
// needs it stopped is made while it is; it is started again only if it is
// wanted on and ran, or if starting it is among what is applied.
func (s sequence) ops() []Op {
	power := slices.ContainsFunc(s.apply, func(d difference) bool { return d.Field == string(providers.FieldPower) })
	start := power && s.w.Power == manifest.PowerOn
	stop := power && s.w.Power == manifest.PowerOff
	restart := slices.ContainsFunc(s.apply, func(d difference) bool {
		return d.Disruption == Restart && d.Field != string(providers.FieldPower)
	})
	switch {
	case s.f.Power == providers.Off:
		return then(s.reconfigure(false, Both, Definition, Running), start)
	case restart || stop:
		// The definition is what a later start uses: what differs in the
		// running machine alone ends with it.
		ops := append(s.halt(stop && !restart), s.reconfigure(false, Both, Definition)...)
		return then(ops, !stop)
	}
	var ops []Op
	if start { // suspended: a guest takes a change while it runs
		ops = then(ops, true)
	}
	ops = append(ops, s.reconfigure(true, Both, Running)...)
	return append(ops, s.reconfigure(false, Definition)...)
}

func then(ops []Op, start bool) []Op {
	if start {
		ops = append(ops, Op{Kind: Start})
	}
	return ops
}

// reconfigure returns the call that applies the differences of some sides,
// none if there are none.
func (s sequence) reconfigure(live bool, where ...Where) []Op {
	var change providers.Change
	for _, d := range s.apply {
		if d.apply != nil && slices.Contains(where, d.Where) {
			d.apply(&change)
		}
	}
	if reflect.ValueOf(change).IsZero() {
		return nil
	}
	change.Live = live
	return []Op{{Kind: Reconfigure, Change: &change}}
}

// halt stops the guest: gracefully, unless the manifest wants it off hard.
func (s sequence) halt(off bool) []Op {
	if off && !s.w.Shutdown.Graceful {
		return []Op{{Kind: Stop}}
	}
	return s.b.halt(s.w.Shutdown.Timeout, s.f, s.facts)
}

// halt stops a guest gracefully. A shutdown that is under way is picked up and
// not asked for again; one that nobody can know to have been asked for is.
func (b *builder) halt(timeout time.Duration, f *providers.VM, facts *Facts) []Op {
	if f.Power == providers.Suspended {
		return []Op{{Kind: Stop}}
	}
	if timeout <= 0 {
		timeout = defaultShutdown
	}
	p := facts.Pending
	if p == nil || p.Op != ShutDown || p.Task == "" {
		return []Op{{Kind: ShutDown, Timeout: timeout}}
	}
	left := p.Deadline.Sub(b.now())
	if left <= 0 {
		return []Op{{Kind: Stop}}
	}
	return []Op{{Kind: ShutDown, Task: p.Task, Timeout: min(left, timeout)}}
}

// defaultShutdown is how long a guest may take when no manifest says.
const defaultShutdown = 60 * time.Second
