package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

func (a *app) suspendCommand() *cobra.Command {
	var until, reason string
	c := &cobra.Command{
		Use:     "suspend [vm]",
		GroupID: groupAct,
		Short:   "Leave a VM alone, or everything, until it is resumed",
		Long: `Leave a VM alone, or everything when none is named: nothing is created, changed,
powered or deleted. It is still read, and drift is still reported. Every status
and plan shows what is suspended, by whom, until when and why.

A suspension survives a restart. It lies in the state directory, and is lost
with it.`,
		Example: `  vmsteward suspend --reason "storage move, ask Ada" --until 4h
  vmsteward suspend web-1 --until 2026-12-01T06:00:00Z
  vmsteward resume`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeVMs,
		RunE: func(c *cobra.Command, args []string) error {
			end, err := deadline(until, a.now())
			if err != nil {
				return err
			}
			return a.withOneVM(c.Context(), args, func(svc daemon.Service, vm manifest.Key) error {
				if err := svc.Suspend(c.Context(), daemon.SuspendRequest{VM: vm, Until: end, Reason: reason}); err != nil {
					return err
				}
				fmt.Fprintf(a.out, "%s is suspended%s; %q ends it\n", scope(vm), untilText(end), "vmsteward resume"+argument(vm))
				return nil
			})
		},
	}
	c.Flags().StringVar(&until, "until", "", "when it ends by itself: a `time` such as 2026-12-01T06:00:00Z, or how long from now, such as 4h")
	c.Flags().StringVar(&reason, "reason", "", "`why`, for whoever wonders")
	a.localFlag(c)
	return c
}

func (a *app) resumeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:               "resume [vm]",
		GroupID:           groupAct,
		Short:             "End a suspension",
		Long:              "End the suspension of a VM, or every one when none is named. A pass follows.\nWhat is ended is listed: by whom it was suspended, until when and why.",
		Example:           "  vmsteward resume\n  vmsteward resume web-1",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeVMs,
		RunE: func(c *cobra.Command, args []string) error {
			return a.withOneVM(c.Context(), args, func(svc daemon.Service, vm manifest.Key) error {
				return a.resume(c.Context(), svc, vm)
			})
		},
	}
	a.localFlag(c)
	return c
}

// resume ends suspensions, and says which and what is left.
func (a *app) resume(ctx context.Context, svc daemon.Service, vm manifest.Key) error {
	st, err := svc.Status(ctx)
	if err != nil {
		return err
	}
	var ended []daemon.Suspension
	everything := false
	for _, s := range st.Suspended {
		if vm == plan.Everything || s.VM == vm {
			ended = append(ended, s)
		} else if s.VM == plan.Everything {
			everything = true
		}
	}
	if len(ended) > 0 {
		if err := svc.Resume(ctx, daemon.ResumeRequest{VM: vm}); err != nil {
			return err
		}
	}
	for _, s := range ended {
		fmt.Fprintf(a.out, "%s is resumed; it was %s\n", scope(s.VM), printable(s.String()))
	}
	switch {
	case len(ended) == 0 && vm == plan.Everything:
		fmt.Fprintln(a.out, "nothing was suspended")
	case len(ended) == 0:
		fmt.Fprintf(a.out, "%s was not suspended\n", vm)
	}
	if everything {
		fmt.Fprintln(a.out, "everything still is suspended; \"vmsteward resume\" ends it")
	}
	return nil
}

// withOneVM opens the steward and finds the VM that is named; none is named by
// the zero Key.
func (a *app) withOneVM(ctx context.Context, args []string, do func(daemon.Service, manifest.Key) error) error {
	svc, err := a.service(ctx)
	if err != nil {
		return err
	}
	defer svc.Close()
	if len(args) == 0 {
		return do(svc, manifest.Key{})
	}
	views, err := svc.VMs(ctx)
	if err != nil {
		return err
	}
	keys, err := chooseVMs(views, args)
	if err != nil {
		return err
	}
	return do(svc, keys[0])
}

// deadline reads an instant, or a time from now.
func deadline(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(d).UTC().Truncate(time.Second), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, usage("write 4h or 2026-12-01T06:00:00Z", "--until %q is neither a time nor a duration", text)
	}
	return t.UTC(), nil
}

func untilText(end time.Time) string {
	if end.IsZero() {
		return ""
	}
	return " until " + end.Local().Format("2006-01-02 15:04 MST")
}

// scope names a VM, or everything.
func scope(vm manifest.Key) string {
	if vm == (manifest.Key{}) {
		return "everything"
	}
	return vm.String()
}

func argument(vm manifest.Key) string {
	if vm == (manifest.Key{}) {
		return ""
	}
	return " " + vm.String()
}
