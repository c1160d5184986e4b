package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

func (a *app) planCommand() *cobra.Command {
	var detailed, all bool
	var vms []string
	c := &cobra.Command{
		Use:     "plan",
		GroupID: groupLook,
		Short:   "Show what would be done to which VM, and why",
		Long: `Show what the next pass would do to which VM, why, and what it costs the
guest. Nothing is changed.

Each VM that is not as wanted has a block: its symbol, what becomes of it, the
reason, the fields as found -> wanted, and the calls in their order. "drift"
marks a field that was changed outside: what is wanted is still what was last
applied. Fields that policy keeps back say what would allow them.

Exit code: 0 when the plan could be made. With --detailed-exitcode 0 when
everything is as wanted, 1 on an error or when the source could not be read,
2 when something differs.`,
		Example: `  vmsteward plan
  vmsteward plan --vm prod/web-01
  vmsteward plan --all                  also what is as wanted, every warning
  vmsteward plan --detailed-exitcode    0 as wanted, 1 error, 2 differs
  vmsteward plan -o json | jq '.plan.summary'`,
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := a.formats(outputText, outputJSON); err != nil {
				return err
			}
			look, err := a.look(c.Context(), vms)
			if err != nil {
				return err
			}
			if err := a.showPlan(look, all); err != nil {
				return err
			}
			if detailed {
				return detailedCode(look)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 when something differs")
	c.Flags().BoolVarP(&all, "all", "a", false, "show VMs that are as wanted, and every warning")
	c.Flags().StringSliceVar(&vms, "vm", nil, "only these VMs, as `namespace/name`")
	_ = c.RegisterFlagCompletionFunc("vm", a.completeVMs) // fails only for an unknown flag
	a.localFlag(c)
	return c
}

// detailedCode tells a script whether something differs. What an old state of
// the source says is no answer.
func detailedCode(look *reconcile.Outlook) error {
	switch {
	case look.Snapshot.Stale != "":
		return &failure{code: exitFailed, err: errors.New("the source could not be read; this is the plan of its last good state")}
	case !look.Plan.InSync():
		return ends(exitChanges)
	}
	return nil
}

// look has a plan made and keeps the named VMs; none named: all.
func (a *app) look(ctx context.Context, names []string) (*reconcile.Outlook, error) {
	look, keys, err := a.lookAt(ctx, names)
	if err != nil {
		return nil, err
	}
	return restrict(look, keys), nil
}

// lookAt has a plan made and finds the named VMs in it. It lets go of what it
// opened: nothing is locked while a person reads.
func (a *app) lookAt(ctx context.Context, names []string) (*reconcile.Outlook, []manifest.Key, error) {
	svc, err := a.service(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer svc.Close()
	look, err := svc.Plan(ctx)
	if err != nil {
		return nil, nil, err
	}
	keys, err := chooseVMs(look.VMs, names)
	return look, keys, err
}

// tellStale says that what is shown rests on an old state of the source.
func (a *app) tellStale(look *reconcile.Outlook) {
	if stale := look.Snapshot.Stale; stale != "" {
		fmt.Fprintf(a.err, "the source is stale: %s; this is its last good state\n", printable(stale))
	}
}

func (a *app) showPlan(look *reconcile.Outlook, all bool) error {
	if a.json() {
		return printJSON(a.out, look)
	}
	renderPlan(a.out, look, planView{style: a.style(), all: all, now: a.now()})
	return nil
}

// restrict keeps the judgements on some VMs, and counts anew.
func restrict(look *reconcile.Outlook, keys []manifest.Key) *reconcile.Outlook {
	if len(keys) == 0 {
		return look
	}
	part := *look
	part.Plan.Items = slices.DeleteFunc(slices.Clone(look.Plan.Items), func(it *plan.Item) bool { return !slices.Contains(keys, it.VM) })
	part.VMs = slices.DeleteFunc(slices.Clone(look.VMs), func(v reconcile.View) bool { return !slices.Contains(keys, v.VM) })
	part.Findings = slices.DeleteFunc(slices.Clone(look.Findings), func(f manifest.Finding) bool {
		return f.Kind == manifest.KindVirtualMachine && !slices.Contains(keys, f.Object)
	})
	part.Plan.Summary = tally(part.Plan.Items)
	return &part
}

// tally counts a part of a plan as the plan counts itself.
func tally(items []*plan.Item) plan.Summary {
	var s plan.Summary
	for _, it := range items {
		if it.Digest != "" {
			s.Wanted++
		}
		if slices.ContainsFunc(it.Diffs, func(d plan.Diff) bool { return d.Verdict == plan.Defer || d.Verdict == plan.Refuse }) {
			s.Deferred++
		}
		if slices.ContainsFunc(it.Diffs, func(d plan.Diff) bool { return d.Drift }) {
			s.Drifted++
		}
		*counter(&s, it)++
	}
	return s
}

func counter(s *plan.Summary, it *plan.Item) *int {
	switch markOf(it) {
	case "+":
		return &s.Create
	case "~":
		return &s.Update
	case "-/~":
		return &s.Restart
	case "(-)":
		return &s.Retire
	case "-":
		return &s.Delete
	case "=":
		return &s.Reported
	case "?":
		return &s.Held
	case "!":
		return &s.Conflicts
	}
	return &s.InSync
}

// needsPerson tells whether a wanted VM is not as wanted and no call is made
// for it, or something is in its way. A machine that only waits for the end of
// its grace period needs nobody.
func needsPerson(it *plan.Item) bool {
	wanted := it.Digest != "" || it.ID == ""
	return it.Action == plan.Conflict || it.Action == plan.Hold && wanted
}

// describeChanges sums up what agreeing to a plan means.
func describeChanges(p *plan.Plan) string {
	calls := 0
	for _, it := range p.Items {
		if len(it.Ops) > 0 {
			calls++
		}
	}
	text := plural(calls, "VM")
	var costs []string
	for _, c := range []struct {
		n    int
		what string
	}{{p.Summary.Restart, "with restart"}, {p.Summary.Retire, "retired"}, {p.Summary.Delete, "deleted for good"}} {
		if c.n > 0 {
			costs = append(costs, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	if len(costs) > 0 {
		text += " (" + strings.Join(costs, ", ") + ")"
	}
	return text
}
