package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/vmsteward/vmsteward/providers"
)

// judge gives a difference its verdict, given the rendering of what was
// applied before; nil: it is not known.
func (b *builder) judge(d *difference, f *providers.VM, facts *Facts, before map[string]string) {
	d.Verdict = Apply
	mine := unfinished(d, f, facts)
	d.Drift = !mine && drifted(d, before)
	pol := b.in.Policy
	switch {
	case d.Disruption == Replace:
		d.Verdict = Refuse
		d.Reason = because(d.Reason, "remove the VM from the repository and add it again to have it made anew")
	case d.Disruption == Destroy:
		d.Verdict = Refuse
	case pol.Drift == ReportOnly && d.Drift:
		d.Verdict, d.Reason = Tell, "drift is only reported on this host"
	case pol.Drift == ReportOnly && before == nil && facts.Pending == nil && !mine:
		d.Verdict, d.Reason = Tell, "drift is only reported on this host, and nothing is known of what was applied before"
	case f.Power == providers.Unknown:
		d.Verdict, d.Reason = Defer, because(d.Reason, "the power state of the machine is unknown")
	case d.Disruption.Exceeds(pol.MaxDisruption):
		d.Verdict = Defer
		d.Reason = because(d.Reason, fmt.Sprintf("disruption.max is %s; %s would allow it", pol.MaxDisruption, d.Disruption))
	case d.Disruption == Restart && pol.Window.Restricted && !pol.Window.Open:
		d.Verdict = Defer
		d.Reason = because(d.Reason, windowText(pol.Window))
	}
}

// spare puts off what would stop a paused guest that is left paused: what is
// in its memory would be lost.
func spare(found []difference, f *providers.VM) {
	left := f.Power == providers.Suspended && slices.ContainsFunc(found, func(d difference) bool {
		return d.Field == string(providers.FieldPower) && d.Verdict != Apply
	})
	for i := range found {
		if d := &found[i]; left && d.Verdict == Apply && d.Disruption == Restart {
			d.Verdict, d.Reason = Defer, because(d.Reason, "the guest is paused, and is left so")
		}
	}
}

// unfinished tells whether a difference is of our own making: the power state
// in the midst of calls that did not end, and what retiring changed.
func unfinished(d *difference, f *providers.VM, facts *Facts) bool {
	retired := !f.Mark.Retired.IsZero()
	switch providers.Field(d.Field) {
	case providers.FieldRetired, providers.FieldAutostart:
		return retired
	case providers.FieldPower:
		return retired || facts.Pending != nil
	}
	return false
}

// drifted tells whether somebody else made the difference: the same was wanted
// when the VM was last as wanted.
func drifted(d *difference, applied map[string]string) bool {
	if applied == nil {
		return false
	}
	before, known := applied[d.Field]
	return d.given || known && before == d.Wanted || !known && d.Wanted == absent
}

// keepWhole holds the differences of an interface together: it is replaced as
// a whole, so none of them is applied where one is only reported.
func keepWhole(found []difference) {
	for i := range found {
		if found[i].nic == "" || found[i].Verdict != Tell {
			continue
		}
		for j := range found {
			if d := &found[j]; d.nic == found[i].nic && d.Verdict == Apply {
				d.Verdict = Defer
				d.Reason = because(d.Reason, "an interface is replaced as a whole, and other differences of it are only reported")
			}
		}
	}
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

// signature identifies a set of differences that can be applied, whatever
// applying them costs and whatever was found instead.
func signature(found []difference) string {
	diffs := make([]Diff, 0, len(found))
	for _, d := range found {
		if d.Verdict == Apply || d.Verdict == Defer {
			diffs = append(diffs, d.Diff)
		}
	}
	return signatureOf(diffs...)
}

func signatureOf(diffs ...Diff) string {
	h := sha256.New()
	for _, d := range diffs {
		fmt.Fprintf(h, "%s\x00%s\n", d.Field, d.Wanted)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
