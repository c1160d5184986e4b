package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

func (a *app) driftCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "drift [vm...]",
		GroupID: groupLook,
		Short:   "Show what was changed outside, and by nobody's manifest",
		Long: `Show the differences that somebody made outside: what is wanted is what was
last applied, and the machine is not like that any more. Machines that are in
the way of a wanted VM are shown too. Changes of the manifests are not drift;
see "plan".

Exit code, as that of diff: 0 no drift, 1 drift, 2 when it cannot be told for
every VM. What is known is printed in any case.`,
		Example: `  vmsteward drift
  vmsteward drift prod/db-01
  vmsteward drift -o json`,
		ValidArgsFunction: a.completeVMs,
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.formats(outputText, outputJSON); err != nil {
				return err
			}
			return a.drift(c.Context(), args)
		},
	}
	a.localFlag(c)
	return c
}

func (a *app) drift(ctx context.Context, names []string) error {
	look, err := a.look(ctx, names)
	if err != nil {
		if codeOf(err) == exitFailed {
			return &failure{code: exitTrouble, err: err}
		}
		return err
	}
	a.tellStale(look)
	d := driftOf(look)
	if a.json() {
		if err := printJSON(a.out, d); err != nil {
			return err
		}
	} else {
		renderDrift(a.out, d, planView{style: a.style(), now: a.now()})
	}
	switch {
	case len(d.Unknown) > 0:
		return &failure{code: exitTrouble, err: errors.New("whether " + plural(len(d.Unknown), "VM") + " drifted cannot be told")}
	case len(d.VMs) > 0:
		return ends(exitDiffers)
	}
	return nil
}

// driftReport is what was changed outside.
type driftReport struct {
	FormatVersion int         `json:"formatVersion"`
	Fleet         string      `json:"fleet"`
	Revision      string      `json:"revision"`
	VMs           []plan.Item `json:"vms"` // drifted or in conflict; only their drift
	// Unknown are VMs that could not be compared, and why.
	Unknown []unknownVM `json:"unknown,omitempty"`
	Alike   int         `json:"alike"` // VMs that were compared and show no drift
	Notes   []string    `json:"notes,omitempty"`
}

type unknownVM struct {
	VM     manifest.Key `json:"vm"`
	Reason string       `json:"reason"`
}

func driftOf(look *reconcile.Outlook) *driftReport {
	d := &driftReport{
		FormatVersion: 1, Fleet: look.Plan.Fleet, Revision: look.Plan.Revision, VMs: []plan.Item{}, Notes: look.Plan.Notes,
	}
	for _, all := range look.Plan.Items {
		it := *all
		it.Diffs = slices.DeleteFunc(slices.Clone(it.Diffs), func(f plan.Diff) bool { return !f.Drift })
		switch {
		case len(it.Diffs) > 0 || it.Action == plan.Conflict:
			d.VMs = append(d.VMs, it)
		case it.Action == plan.Hold && it.ID == "" && len(all.Diffs) == 0:
			// Held before anything of it was found: it was not compared.
			d.Unknown = append(d.Unknown, unknownVM{it.VM, it.Reason})
		default:
			d.Alike++
		}
	}
	return d
}

func renderDrift(w io.Writer, d *driftReport, v planView) {
	for i := range d.VMs {
		it := &d.VMs[i]
		m, word := mark("~"), "changed outside"
		if it.Action == plan.Conflict {
			m, word = "!", "conflict"
		}
		fmt.Fprintf(w, "%s %s  %s  %s\n", v.tint(m, string(m)), v.bold(printable(it.VM.String())), v.tint(m, word), v.faint("on "+it.Provider.String()))
		if it.Action == plan.Conflict {
			fmt.Fprintln(w, v.hang("      ", sentence(printable(it.Reason))))
		}
		v.driftFields(w, it.Diffs)
		fmt.Fprintln(w)
	}
	for _, u := range d.Unknown {
		fmt.Fprintf(w, "%s %s  %s\n%s\n\n", v.note("?"), v.bold(printable(u.VM.String())), v.note("not compared"), v.hang("      ", sentence(printable(u.Reason))))
	}
	fmt.Fprintln(w, v.bold(d.summary()))
}

// driftFields says of each field what it should be and what it is.
func (v planView) driftFields(w io.Writer, diffs []plan.Diff) {
	fields := make([]field, len(diffs))
	for i, d := range diffs {
		fields[i] = field{
			mark: verdictMark(d), name: printable(d.Field), notes: putBack(d),
			value: []string{"should be " + printable(d.Wanted) + ", is " + printable(d.Found)},
		}
	}
	v.fields(w, fields)
}

// putBack says what becomes of a drifted field.
func putBack(d plan.Diff) string {
	switch {
	case d.Verdict == plan.Tell:
		return "left as it is: " + printable(d.Reason)
	case d.Verdict == plan.Defer:
		return "not put back now: " + printable(d.Reason)
	case d.Verdict == plan.Refuse:
		return "cannot be put back: " + printable(d.Reason)
	case d.Disruption == plan.Restart:
		return "the next pass puts it back, with a restart"
	}
	return "the next pass puts it back"
}

func (d *driftReport) summary() string {
	if len(d.VMs) == 0 && len(d.Unknown) == 0 {
		return fmt.Sprintf("No drift (%s compared).", plural(d.Alike, "VM"))
	}
	conflicts := 0
	for i := range d.VMs {
		if d.VMs[i].Action == plan.Conflict {
			conflicts++
		}
	}
	parts := []string{fmt.Sprintf("%d changed outside", len(d.VMs)-conflicts)}
	if conflicts > 0 {
		parts = append(parts, fmt.Sprintf("%d in conflict", conflicts))
	}
	if n := len(d.Unknown); n > 0 {
		parts = append(parts, fmt.Sprintf("%d not compared", n))
	}
	return "Drift: " + strings.Join(parts, ", ") + fmt.Sprintf("; %d alike.", d.Alike)
}
