package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

var zeroTime time.Time

// existing judges a wanted VM that a machine with our mark stands for.
func (b *builder) existing(it Item, w *manifest.VM, l located) Item {
	facts := b.in.Facts[w.Key]
	it.ID = l.vm.ID
	it.Wanted = base(w, &l.at.Caps, l.vm.Mark.MACs)
	if p := facts.Pending; p != nil && p.Task != "" && p.Op == CreateVM {
		it.Action, it.Reason, it.Ops = Create, "its creation is under way", []Op{{Kind: CreateVM, Task: p.Task}}
		return it
	}
	found := b.differences(w, l, facts, false)
	it.Signature = signature(found)
	if facts.Stubborn && facts.Signature == it.Signature {
		found = b.differences(w, l, facts, true)
	}
	if len(found) == 0 {
		return b.inSync(it, l.vm)
	}
	for i := range found {
		it.Diffs = append(it.Diffs, found[i].Diff)
	}
	return b.update(it, w, l.vm, found, facts)
}

// differences compares and gives each difference its verdict. When the same
// differences outlived a live change, stubborn ones are typed as restarts.
func (b *builder) differences(w *manifest.VM, l located, facts Facts, stubborn bool) []difference {
	c := comparison{w: w, f: l.vm, caps: &l.at.Caps, stubborn: stubborn}
	found := c.compare()
	for i := range found {
		b.judge(&found[i].Diff, facts)
	}
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

// Base is what a later comparison takes as applied once the item was: what is
// wanted, except for the differences that were not applied, which keep what
// was applied before.
func (it *Item) Base(before map[string]string) map[string]string {
	out := maps.Clone(it.Wanted)
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

func (b *builder) inSync(it Item, f *providers.VM) Item {
	it.Action, it.Reason = None, "as wanted"
	if f.Power == providers.Unknown {
		it.Reason = "as wanted, as far as can be seen: its power state is unknown"
	}
	return it
}

// judge gives a difference its verdict.
func (b *builder) judge(d *Diff, facts Facts) {
	d.Verdict = Apply
	d.Drift = drifted(d, facts.Applied)
	pol := b.in.Policy
	switch {
	case d.Disruption == Replace:
		d.Verdict = Refuse
		d.Reason += "; remove the VM from the repository and add it again to have it made anew"
	case d.Disruption == Destroy:
		d.Verdict = Refuse
	case pol.Drift == ReportOnly && d.Drift:
		d.Verdict, d.Reason = Tell, "drift is only reported on this host"
	case pol.Drift == ReportOnly && facts.Applied == nil:
		d.Verdict, d.Reason = Tell, "drift is only reported on this host, and nothing is known of what was applied before"
	case d.Disruption.Exceeds(pol.MaxDisruption):
		d.Verdict = Defer
		d.Reason = because(d.Reason, fmt.Sprintf("disruption.max is %s; %s would allow it", pol.MaxDisruption, d.Disruption))
	case d.Disruption == Restart && pol.Window.Restricted && !pol.Window.Open:
		d.Verdict = Defer
		d.Reason = because(d.Reason, windowText(pol.Window))
	}
}

// drifted tells whether somebody else made the difference: the same was wanted
// when the VM was last as wanted.
func drifted(d *Diff, applied map[string]string) bool {
	if applied == nil {
		return false
	}
	before, known := applied[d.Field]
	return known && before == d.Wanted || !known && d.Wanted == absent
}

func because(reason, more string) string {
	if reason == "" {
		return more
	}
	return reason + "; " + more
}

func windowText(w Window) string {
	if w.Opens.IsZero() {
		return "it waits for a disruption window, and none is coming"
	}
	return "it waits for the disruption window at " + stamp(w.Opens)
}

// update turns judged differences into calls.
func (b *builder) update(it Item, w *manifest.VM, f *providers.VM, found []difference, facts Facts) Item {
	apply := slices.DeleteFunc(slices.Clone(found), func(d difference) bool { return d.Verdict != Apply })
	if len(apply) == 0 {
		it.Action, it.Reason = unapplied(it.Diffs)
		return it
	}
	if held, ok := b.held(it, facts); ok {
		return held
	}
	s := sequence{w: w, f: f, facts: facts, now: b.in.Now}
	for _, d := range apply {
		s.take(d)
		if d.Disruption.Exceeds(it.Disruption) {
			it.Disruption = d.Disruption
		}
	}
	it.Action, it.Ops = Update, s.ops()
	it.Reason = updateReason(it.Diffs)
	return it
}

func unapplied(diffs []Diff) (Action, string) {
	for _, d := range diffs {
		if d.Verdict == Tell {
			return Report, "it was changed outside, and drift is only reported"
		}
	}
	return Hold, "what differs cannot be applied now"
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

// signature identifies a set of differences that can be applied, whatever
// applying them costs.
func signature(found []difference) string {
	h := sha256.New()
	for _, d := range found {
		if d.Verdict == Apply || d.Verdict == Defer {
			fmt.Fprintf(h, "%s\x00%s\x00%s\n", d.Field, d.Wanted, d.Found)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
