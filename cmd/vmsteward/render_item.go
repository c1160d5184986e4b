package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// item writes the block of one VM.
func (v planView) item(w io.Writer, it *plan.Item) {
	m := markOf(it)
	head := fmt.Sprintf("%3s ", m)
	name := v.bold(it.VM.String())
	place := ""
	if it.Provider != (manifest.Key{}) {
		place = v.faint("on " + it.Provider.String())
	}
	line := v.tint(m, head) + name + "  " + v.tint(m, verb(it)) + "  " + place
	fmt.Fprintln(w, strings.TrimRight(line, " "))
	const indent = "      "
	fmt.Fprintln(w, v.hang(indent, printable(why(it))))
	v.fields(w, fieldsOf(it))
	if calls := opsText(it.Ops); calls != "" {
		fmt.Fprintln(w, v.hang(indent+v.faint("calls: "), calls))
	}
	v.warnings(w, indent, it.Warnings)
}

// verb says what becomes of a VM.
func verb(it *plan.Item) string {
	switch it.Action {
	case plan.None:
		return "as wanted"
	case plan.Update:
		switch it.Disruption {
		case plan.Live:
			return "change live"
		case plan.Nothing:
			return "change"
		}
		return "change with restart"
	case plan.Retire:
		return "retire"
	case plan.Delete:
		return "delete, with its disks"
	case plan.Sweep:
		return "clean up"
	case plan.Hold:
		return "held"
	case plan.Conflict:
		return "conflict"
	case plan.Report:
		return "reported only"
	}
	return string(it.Action)
}

// why is the reason, and what the guest feels, as sentences.
func why(it *plan.Item) string {
	text := sentence(it.Reason)
	if it.Action == plan.Update && it.Disruption == plan.Restart {
		switch first, last := it.Ops[0].Kind, it.Ops[len(it.Ops)-1].Kind; {
		case last == plan.Start:
			text += " The guest is shut down and started again."
		case first == plan.Stop:
			text += " The guest is switched off hard."
		case first == plan.ShutDown:
			text += " The guest is shut down."
		}
	}
	return text
}

// field is one difference, ready to be aligned.
type field struct {
	mark  mark
	name  string
	value []string // one part, or found and wanted
	notes string
}

// fields writes differences in aligned columns. What does not fit beside goes
// below.
func (v planView) fields(w io.Writer, fields []field) {
	nameWidth, valueWidth := 0, 0
	for _, f := range fields {
		nameWidth = max(nameWidth, columns(f.name))
		if n := columns(strings.Join(f.value, " -> ")); n <= mostValue {
			valueWidth = max(valueWidth, n)
		}
	}
	for _, f := range fields {
		v.field(w, f, nameWidth, valueWidth)
	}
}

// mostValue is the widest value that notes stand beside.
const mostValue = 34

func (v planView) field(w io.Writer, f field, nameWidth, valueWidth int) {
	lead := "      " + v.tint(f.mark, string(f.mark)) + " " + pad(f.name, nameWidth) + "  "
	below := strings.Repeat(" ", columns(lead))
	value := strings.Join(f.value, " -> ")
	room := v.room(columns(lead))
	switch {
	case room > 0 && columns(value) > room && len(f.value) == 2:
		fmt.Fprintln(w, v.hang(lead, f.value[0]))
		fmt.Fprintln(w, v.hang(below+"-> ", f.value[1]))
	case f.notes != "" && columns(value) <= valueWidth && (room == 0 || columns(f.notes)+valueWidth+gutter <= room):
		fmt.Fprintln(w, lead+pad(value, valueWidth+gutter)+v.faint(f.notes))
		return
	default:
		fmt.Fprintln(w, strings.TrimRight(v.hang(lead, value), " "))
	}
	if f.notes != "" {
		for _, line := range wrap(f.notes, room) {
			fmt.Fprintln(w, below+v.faint(line))
		}
	}
}

// fieldsOf prepares the differences of an item. The existence of a VM that is
// to be created is said by its head, and not again.
func fieldsOf(it *plan.Item) []field {
	var out []field
	for _, d := range it.Diffs {
		creates := it.Action == plan.Create
		if d.Field == "exists" && d.Reason == "" {
			continue
		}
		f := field{mark: fieldMark(it, d), name: printable(d.Field), value: []string{printable(d.Wanted)}}
		if !creates {
			f.value = []string{printable(d.Found), printable(d.Wanted)}
			f.notes = notes(d)
		}
		out = append(out, f)
	}
	return out
}

func fieldMark(it *plan.Item, d plan.Diff) mark {
	if it.Action == plan.Create {
		return "+"
	}
	return verdictMark(d)
}

// notes are the cost of a change, who made the difference, where it is, and
// why it is not applied.
func notes(d plan.Diff) string {
	var parts []string
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	if d.Drift {
		add("drift")
	}
	switch d.Verdict {
	case plan.Defer:
		add("deferred")
	case plan.Refuse:
		add("refused")
	case plan.Tell:
	default:
		if d.Disruption != plan.Nothing {
			add(string(d.Disruption))
		}
	}
	switch d.Where {
	case plan.Definition:
		if d.Reason == "" {
			add("in its definition")
		}
	case plan.Running:
		add("in the running machine")
	}
	text := strings.Join(parts, ", ")
	switch {
	case d.Reason == "":
		return text
	case text == "":
		return printable(d.Reason)
	}
	return text + ": " + printable(d.Reason)
}

// verdictMark is the symbol of one difference.
func verdictMark(d plan.Diff) mark {
	switch d.Verdict {
	case plan.Defer:
		return "?"
	case plan.Refuse:
		return "!"
	case plan.Tell:
		return "="
	}
	return "~"
}
