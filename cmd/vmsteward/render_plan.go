package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// planView is how a plan is shown.
type planView struct {
	style
	all bool      // VMs that are as wanted and warnings, too
	now time.Time // for "5m ago"
}

// renderPlan writes a plan for people: what would be done to which VM, why,
// and what it costs, and at the end one line that sums it up.
func renderPlan(w io.Writer, look *reconcile.Outlook, v planView) {
	v.header(w, look)
	shown := 0
	used := map[mark]bool{}
	for _, it := range look.Plan.Items {
		if v.shows(it) {
			used[markOf(it)] = true
			shown++
		}
	}
	if shown > 0 {
		v.legend(w, used)
	}
	for _, it := range look.Plan.Items {
		if v.shows(it) {
			fmt.Fprintln(w)
			v.item(w, it)
		}
	}
	v.remarks(w, look)
	fmt.Fprintln(w)
	fmt.Fprintln(w, v.hang("", v.bold(summaryLine(&look.Plan))))
}

// shows tells whether a VM has a block of its own.
func (v planView) shows(it *plan.Item) bool {
	return v.all || it.Action != plan.None || len(it.Diffs) > 0
}

// mark is the symbol in front of a VM.
type mark string

// marks lists the symbols in the order of the legend.
var marks = []struct {
	mark    mark
	meaning string
}{
	{"+", "create"},
	{"~", "change live"},
	{"-/~", "change with restart"},
	{"(-)", "retire: off, and kept for a while"},
	{"-", "delete"},
	{"=", "reported only"},
	{"?", "held"},
	{"!", "conflict"},
	{".", "as wanted"},
}

func markOf(it *plan.Item) mark {
	switch it.Action {
	case plan.Create:
		return "+"
	case plan.Update:
		if it.Disruption.Exceeds(plan.Live) {
			return "-/~"
		}
		return "~"
	case plan.Retire:
		return "(-)"
	case plan.Delete, plan.Sweep:
		return "-"
	case plan.Report:
		return "="
	case plan.Hold:
		return "?"
	case plan.Conflict:
		return "!"
	}
	return "."
}

// tint colours a text as the mark.
func (v planView) tint(m mark, text string) string {
	switch m {
	case "+":
		return v.good(text)
	case "~", "?", "(-)":
		return v.note(text)
	case "-/~", "-", "!":
		return v.bad(text)
	case "=":
		return v.odd(text)
	}
	return v.faint(text)
}

// legend explains the symbols in use, each entry in one line.
func (v planView) legend(w io.Writer, used map[mark]bool) {
	const between = "   "
	line := ""
	for _, m := range marks {
		if !used[m.mark] {
			continue
		}
		entry := v.tint(m.mark, string(m.mark)) + " " + m.meaning
		switch {
		case line == "":
			line = "\n" + entry
		case v.width > 0 && columns(line)-1+columns(between+entry) > v.width:
			fmt.Fprint(w, line)
			line = "\n" + entry
		default:
			line += between + entry
		}
	}
	fmt.Fprintln(w, line)
}

// header says what was weighed.
func (v planView) header(w io.Writer, look *reconcile.Outlook) {
	s := look.Snapshot
	t := table{style: v.style, prose: true}
	t.row(v.faint("fleet"), v.bold(printable(look.Plan.Fleet)))
	t.row(v.faint("source"), printable(s.Source))
	t.row(v.faint("revision"), revisionText(s, v.now))
	t.print(w)
	if s.Stale != "" {
		fmt.Fprintln(w, v.hang(v.bad("stale")+"     ", printable(s.Stale)+"; this is the last good state"))
	}
}

// revisionText is the revision with its title, author and age.
func revisionText(s reconcile.Snapshot, now time.Time) string {
	text := printable(shortRevision(s.Revision))
	if s.Title != "" {
		text += ` "` + printable(s.Title) + `"`
	}
	if s.Author != "" {
		text += " by " + printable(s.Author)
	}
	if !s.Time.IsZero() {
		text += ", " + ago(s.Time, now)
	}
	return text
}

// remarks are about the pass as a whole, and stand where the eye ends.
func (v planView) remarks(w io.Writer, look *reconcile.Outlook) {
	for i, n := range slices.Concat(look.Plan.Notes, look.Snapshot.Notes) {
		if i == 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, v.hang(v.bad("note:")+" ", sentence(printable(n))))
	}
	v.findings(w, untold(look))
	v.allWarnings(w, look.Plan.Items)
}

// untold are the findings that no VM's reason quotes.
func untold(look *reconcile.Outlook) []manifest.Finding {
	return slices.DeleteFunc(slices.Clone(look.Findings), func(f manifest.Finding) bool {
		text := f.String()
		return slices.ContainsFunc(look.Plan.Items, func(it *plan.Item) bool {
			return it.Action == plan.Hold && strings.Contains(it.Reason, text)
		})
	})
}

// findings shows the errors of the manifests, and counts the warnings.
func (v planView) findings(w io.Writer, all []manifest.Finding) {
	warnings := 0
	first := true
	for _, f := range all {
		if f.Severity == manifest.Warning {
			warnings++
			if !v.all {
				continue
			}
		}
		if first {
			fmt.Fprintln(w)
			first = false
		}
		fmt.Fprintln(w, v.hang("", v.finding(f)))
	}
	if warnings > 0 && !v.all {
		fmt.Fprintf(w, "\n%s\n", v.faint(plural(warnings, "warning")+" about manifests; --all shows them"))
	}
}

// finding is one line, coloured by its severity.
func (s style) finding(f manifest.Finding) string {
	word, tinted := string(f.Severity)+":", s.note
	if f.Severity == manifest.Error {
		tinted = s.bad
	}
	return strings.Replace(printable(f.String()), word, tinted(word), 1)
}

// summaryLine sums a plan up in one line.
func summaryLine(p *plan.Plan) string {
	if p.InSync() {
		if p.Summary.Wanted == 0 {
			return "No changes. No VM is wanted, and none is there."
		}
		return fmt.Sprintf("No changes. Everything is as wanted (%s).", plural(p.Summary.Wanted, "VM"))
	}
	s := p.Summary
	text := "Plan: nothing to do now"
	if !p.Empty() {
		text = fmt.Sprintf("Plan: %d to create, %d to change live, %d to change with restart, %d to retire, %d to delete",
			s.Create, s.Update, s.Restart, s.Retire, s.Delete)
	}
	text += fmt.Sprintf("; %d in sync", s.InSync)
	for _, part := range []struct {
		n    int
		word string
	}{{s.Held, "held"}, {s.Conflicts, "in conflict"}, {s.Deferred, "deferred"}, {s.Reported, "reported only"}, {s.Drifted, "changed outside"}} {
		if part.n > 0 {
			text += fmt.Sprintf("; %d %s", part.n, part.word)
		}
	}
	return text + "."
}
