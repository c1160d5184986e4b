package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// unhonoured is how a plan names fields that a provider does not act on.
const unhonoured = "not honoured by this provider: "

// split parts warnings into fields that are not honoured and the others.
func split(all []string) (ignored, other []string) {
	for _, text := range all {
		if path, ok := strings.CutPrefix(text, unhonoured); ok {
			ignored = append(ignored, printable(path))
		} else {
			other = append(other, printable(text))
		}
	}
	return ignored, other
}

// warnings writes the warnings of one VM. The fields that its provider does
// not honour are named for many VMs at once, below, unless all is asked for.
func (v planView) warnings(w io.Writer, indent string, all []string) {
	ignored, other := split(all)
	for _, text := range other {
		fmt.Fprintln(w, v.hang(indent+v.note("warning: "), text))
	}
	if len(ignored) > 0 && v.all {
		fmt.Fprintln(w, v.hang(indent+v.note("not honoured: "), strings.Join(ignored, ", ")))
	}
}

// allWarnings names each field that is not honoured once, with the number of
// VMs that set it, and counts what is not shown.
func (v planView) allWarnings(w io.Writer, items []*plan.Item) {
	if v.all {
		return
	}
	vms := map[string]int{} // that set the field and have a block
	quiet, hidden := 0, 0   // VMs without a block, and their warnings
	for _, it := range items {
		if !v.shows(it) {
			hidden += len(it.Warnings)
			quiet += min(1, len(it.Warnings))
			continue
		}
		ignored, _ := split(it.Warnings)
		for _, path := range ignored {
			vms[path]++
		}
	}
	if len(vms) > 0 {
		fmt.Fprintf(w, "\n%s set in manifests, not honoured by the provider:\n", v.note("warning:"))
		t := table{style: v.style}
		for _, path := range slices.Sorted(maps.Keys(vms)) {
			t.row("  "+path, v.faint(plural(vms[path], "VM")))
		}
		t.print(w)
	}
	if hidden > 0 {
		text := fmt.Sprintf("%s about %s in sync; --all shows them", plural(hidden, "warning"), plural(quiet, "VM"))
		fmt.Fprintf(w, "\n%s\n", v.faint(text))
	}
}
