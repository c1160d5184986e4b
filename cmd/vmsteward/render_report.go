package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// renderReport writes how a pass went: one line per VM that calls were made
// for, what is left and why, and one line that sums it up.
func renderReport(w io.Writer, rep *reconcile.Report, v planView) {
	t := table{style: v.style}
	t.head("VM", "ACTION", "RESULT", "TOOK")
	for _, res := range rep.Results {
		t.row(printable(res.VM.String()), string(res.Action), v.outcome(res.Outcome), span(res.Took))
	}
	if len(rep.Results) > 0 {
		t.print(w)
	}
	v.troubles(w, rep.Results)
	v.leftOver(w, rep.Plan.Items)
	if rep.JournalError != "" {
		fmt.Fprintf(w, "\n%s\n", v.hang(v.bad("note:")+" ", "The journal could not be written: "+printable(rep.JournalError)))
	}
	if len(rep.Results) > 0 {
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, v.hang("", v.bold(reportLine(rep))))
}

func (v planView) outcome(o reconcile.Outcome) string {
	switch o {
	case reconcile.Applied:
		return v.good(string(o))
	case reconcile.Waiting:
		return v.note(string(o))
	}
	return v.bad(string(o))
}

// troubles tells of each VM that does not read as wanted what is known.
func (v planView) troubles(w io.Writer, all []reconcile.Result) {
	for _, res := range all {
		text := ""
		switch res.Outcome {
		case reconcile.Applied:
			continue
		case reconcile.Waiting:
			text = "its work goes on" + donePct(res.DonePct) + "; a later pass picks it up"
		case reconcile.Different:
			text = "every call succeeded, and it still differs: " + strings.Join(res.Remaining, "; ")
		case reconcile.Unproven:
			text = "every call succeeded, and it could not be read afterwards: " + res.Error
		case reconcile.NotTried:
			text = "its provider could not be reached; the next pass tries"
			if res.Error != "" {
				text += ": " + res.Error
			}
		default:
			text = res.Error
			if res.Kind != "" {
				text = res.Kind + ": " + text
			}
		}
		if len(res.Ops) > 0 && res.Outcome == reconcile.Failed {
			text += " (before that: " + opKinds(res.Ops) + ")"
		}
		fmt.Fprintf(w, "\n%s\n%s\n", v.bold(printable(res.VM.String())), v.hang("      ", printable(text)))
	}
}

// donePct says how far work has come, if anybody knows.
func donePct(percent *int) string {
	if percent == nil {
		return ""
	}
	return fmt.Sprintf(" and is %d %% done", *percent)
}

func opKinds(kinds []plan.OpKind) string {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = string(k)
	}
	return strings.Join(words, ", ")
}

// leftOver names the VMs that no call was made for and that need a person.
func (v planView) leftOver(w io.Writer, items []*plan.Item) {
	for _, it := range items {
		if !needsPerson(it) {
			continue
		}
		m := markOf(it)
		fmt.Fprintf(w, "\n%s  %s\n%s\n", v.bold(printable(it.VM.String())), v.tint(m, verb(it)), v.hang("      ", sentence(printable(it.Reason))))
		v.fields(w, fieldsOf(it))
	}
}

// reportLine sums a pass up in one line.
func reportLine(rep *reconcile.Report) string {
	count := map[reconcile.Outcome]int{}
	for _, res := range rep.Results {
		count[res.Outcome]++
	}
	parts := []string{fmt.Sprintf("%d applied", count[reconcile.Applied])}
	add := func(n int, word string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, word))
		}
	}
	add(count[reconcile.Failed], "failed")
	add(count[reconcile.Different], "still different")
	add(count[reconcile.Unproven], "unproven")
	add(count[reconcile.NotTried], "not tried")
	add(count[reconcile.Waiting], "going on")
	s := rep.Plan.Summary
	text := "Done: " + strings.Join(parts, ", ") + fmt.Sprintf("; %d in sync before", s.InSync)
	for _, more := range []struct {
		n    int
		word string
	}{{s.Held, "held"}, {s.Conflicts, "in conflict"}, {s.Deferred, "deferred"}, {s.Reported, "reported only"}} {
		if more.n > 0 {
			text += fmt.Sprintf("; %d %s", more.n, more.word)
		}
	}
	return text + "; took " + span(rep.Took) + "."
}
