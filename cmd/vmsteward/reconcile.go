package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/vmsteward/vmsteward/daemon"
)

func (a *app) reconcileCommand() *cobra.Command {
	var wait bool
	c := &cobra.Command{
		Use:     "reconcile [vm…]",
		GroupID: groupAct,
		Short:   "Have the daemon run a pass now",
		Long: `Have the running daemon look at the source and the hypervisors now, and do what
it finds to do, without showing the plan first. With --wait, or when VMs are
named, the command returns when the pass is complete and shows how it went;
naming VMs restricts what is done to them.

Exit code with --wait: as that of "vmsteward apply".`,
		Example: `  vmsteward reconcile
  vmsteward reconcile web-1 --wait`,
		ValidArgsFunction: a.completeVMs,
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.formats(outputText, outputJSON); err != nil {
				return err
			}
			return a.reconcile(c.Context(), args, wait)
		},
	}
	c.Flags().BoolVar(&wait, "wait", false, "return when the pass is complete")
	return c
}

func (a *app) reconcile(ctx context.Context, args []string, wait bool) error {
	svc, err := a.service(ctx)
	if err != nil {
		return err
	}
	defer svc.Close()
	if len(args) == 0 && !wait {
		if err := svc.Reconcile(ctx); err != nil {
			return err
		}
		fmt.Fprintln(a.out, `a pass was asked for; "vmsteward status" shows how it goes`)
		return nil
	}
	var req daemon.ApplyRequest
	if len(args) > 0 {
		views, err := svc.VMs(ctx)
		if err != nil {
			return err
		}
		if req.Only, err = chooseVMs(views, args); err != nil {
			return err
		}
	}
	return a.carryOut(ctx, svc, req)
}
