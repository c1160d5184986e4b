package plan

import (
	"fmt"
	"slices"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// existing judges a wanted VM that a machine with our mark stands for.
func (b *builder) existing(it Item, w *manifest.VM, l located) Item {
	facts := b.facts(w.Key)
	it.ID, it.Found = l.vm.ID, l.vm
	if task, op := facts.task(l.at.Key); task != "" {
		return b.pickedUp(it, w, l.vm, op, task)
	}
	found := b.differences(w, l, facts, false)
	if len(found) == 0 {
		return inSync(it, l.vm)
	}
	it.Signature = signature(found)
	if facts.Stubborn && facts.Signature == it.Signature {
		found = b.differences(w, l, facts, true)
	}
	it.Diffs = make([]Diff, len(found))
	for i := range found {
		d := &found[i].Diff
		it.Diffs[i] = *d
		if d.Verdict == Defer && d.Disruption == Restart && !d.Disruption.Exceeds(b.in.Policy.MaxDisruption) {
			it.Until = b.in.Policy.Window.Opens
		}
	}
	return b.update(it, w, l.vm, found, facts)
}

// task returns the long work that is under way on the endpoint's VM and forbids
// any other. A shutdown does not: what is planned next may need the same one.
func (f *Facts) task(endpoint manifest.Key) (providers.TaskRef, OpKind) {
	if f.Pending == nil || f.Pending.Op == ShutDown || f.Provider != (manifest.Key{}) && f.Provider != endpoint {
		return "", ""
	}
	return f.Pending.Task, f.Pending.Op
}

// pickedUp awaits a creation and leaves a VM alone while any other long work
// goes on: what that did is compared once it has ended.
func (b *builder) pickedUp(it Item, w *manifest.VM, f *providers.VM, op OpKind, task providers.TaskRef) Item {
	if op != CreateVM {
		return it.hold("work that was begun goes on: %s", op)
	}
	it.Action, it.Reason, it.Ops = Create, underWay, []Op{{Kind: CreateVM, Task: task}}
	if w.Power == manifest.PowerOn && f.Power == providers.Off {
		it.Ops = append(it.Ops, Op{Kind: Start})
	}
	return it
}

// differences compares and gives each difference its verdict. When the same
// differences outlived a live change, stubborn ones are typed as restarts.
func (b *builder) differences(w *manifest.VM, l located, facts *Facts, stubborn bool) []difference {
	c := comparison{w: w, f: l.vm, caps: l.at.Caps, stubborn: stubborn}
	found := c.compare()
	if len(found) == 0 {
		return nil
	}
	before := facts.Rendered()
	for i := range found {
		b.judge(&found[i], l.vm, facts, before)
	}
	spare(found, l.vm)
	keepWhole(found)
	return found
}

// Remaining returns what still differs on a machine that was just described,
// among what the item applied, as text for people; nil when nothing does.
func Remaining(it *Item, w *manifest.VM, f *providers.VM, caps *providers.Capabilities) []string {
	left := make(map[string]bool)
	for _, d := range it.Diffs {
		left[d.Field] = d.Verdict != Apply
	}
	c := comparison{w: w, f: f, caps: caps}
	var out []string
	for _, d := range c.compare() {
		if !left[d.Field] {
			out = append(out, fmt.Sprintf("%s: wanted %s, found %s", d.Field, d.Wanted, d.Found))
		}
	}
	return out
}

func inSync(it Item, f *providers.VM) Item {
	it.Action, it.Reason = None, "as wanted"
	if f.Power == providers.Unknown {
		it.Reason = "as wanted, as far as can be seen: its power state is unknown"
	}
	return it
}

// update turns judged differences into calls.
func (b *builder) update(it Item, w *manifest.VM, f *providers.VM, found []difference, facts *Facts) Item {
	apply := slices.DeleteFunc(slices.Clone(found), func(d difference) bool { return d.Verdict != Apply })
	if len(apply) == 0 {
		return unapplied(it)
	}
	if held, ok := b.held(it, facts); ok {
		return startMeanwhile(it, held.deferAll(), f, facts)
	}
	for _, d := range apply {
		if d.Disruption.Exceeds(it.Disruption) {
			it.Disruption = d.Disruption
		}
	}
	it.Action, it.Ops, it.Reason = Update, sequence{b, w, f, facts, apply}.ops(), updateReason(it.Diffs)
	return it
}

// startMeanwhile starts a VM that is wanted on and is off, although the rest of
// what its manifest says cannot be applied as written.
func startMeanwhile(it, held Item, f *providers.VM, facts *Facts) Item {
	if facts.Failure == nil || !facts.Failure.ForDigest || f.Power != providers.Off {
		return held
	}
	for i := range it.Diffs {
		d := &it.Diffs[i]
		if d.Field != string(providers.FieldPower) || d.Wanted != string(manifest.PowerOn) || held.Diffs[i].Verdict != Defer {
			continue
		}
		d.Verdict = Apply
		it.Action, it.Ops, it.Signature = Update, []Op{{Kind: Start}}, signatureOf(*d)
		it.Reason = "it is started as it is; the rest waits for its manifest: " + facts.Failure.Text
		return it
	}
	return held
}

func unapplied(it Item) Item {
	if slices.ContainsFunc(it.Diffs, func(d Diff) bool { return d.Verdict == Tell }) {
		it.Action, it.Reason = Report, "it was changed outside, and drift is only reported"
		return it
	}
	return it.hold("what differs cannot be applied now")
}

func updateReason(diffs []Diff) string {
	drift, change := 0, 0
	for _, d := range diffs {
		switch {
		case d.Verdict != Apply:
		case d.Drift:
			drift++
		default:
			change++
		}
	}
	switch {
	case drift > 0 && change > 0:
		return "its manifest changed, and it was changed outside"
	case drift > 0:
		return "it was changed outside"
	}
	return "its manifest changed"
}

// Left is what remains to be said of the VM once everything that is applied
// was.
func (it *Item) Left() Item {
	left := *it
	left.Diffs = slices.DeleteFunc(slices.Clone(it.Diffs), func(d Diff) bool { return d.Verdict == Apply })
	left.Ops = nil
	return unapplied(left)
}
