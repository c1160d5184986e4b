package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vmsteward/vmsteward/cmd/vmsteward/demo"
	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/reconcile"
)

func (a *app) demoCommand() *cobra.Command {
	var pause time.Duration
	c := &cobra.Command{
		Use:     "demo",
		GroupID: groupRest,
		Short:   "Watch commits become VMs, on a vCenter and a repository of its own",
		Long: `Watch commits become VMs. The demo makes a Git repository and a hypervisor of
its own in a temporary folder, runs the real daemon on them, and makes one
commit after another: VMs are created, changed, powered, changed behind the
daemon's back, retired, restored and deleted. The hypervisor is a simulated
vCenter inside this process, spoken to over TLS as a real one; nothing on this
machine is touched, and nothing is left behind.`,
		Example: `  vmsteward demo
  vmsteward demo --pause 0s      without pauses to read`,
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt)
			defer stop()
			return a.demo(ctx, pause)
		},
	}
	c.Flags().DurationVar(&pause, "pause", 2*time.Second, "`time` to read between two steps")
	return c
}

// demo runs every step and checks that each ends as it says.
func (a *app) demo(ctx context.Context, pause time.Duration) error {
	world, err := demo.New(daemon.NewLogger(daemon.LogConfig{Format: "text", Level: "info"}, a.out, a.style().colour), buildVersion(), pause)
	if err != nil {
		return err
	}
	defer world.Close()
	s := a.style()
	for i, step := range demo.Steps() {
		fmt.Fprintf(a.out, "\n%s\n", s.bold(fmt.Sprintf("── %d. %s", i+1, step.Title)))
		fmt.Fprintln(a.out, s.faint(indent(strings.TrimSpace(step.Shown))))
		if err := rest(ctx, pause/2); err != nil {
			return err
		}
		views, err := world.Play(ctx, step)
		if err != nil {
			return fmt.Errorf("demo: %s: %w", step.Title, err)
		}
		a.showDemo(views, s)
		if err := rest(ctx, pause); err != nil {
			return err
		}
	}
	fmt.Fprintf(a.out, "\n%s Next: write a configuration (%q), and see %q.\n",
		s.bold("That was all."), "vmsteward help config", "vmsteward plan --help")
	return nil
}

func (a *app) showDemo(views []reconcile.View, s style) {
	if len(views) == 0 {
		fmt.Fprintln(a.out, "   no VMs")
		return
	}
	renderVMs(a.out, views, false, s)
}

func indent(text string) string {
	return "   " + strings.ReplaceAll(text, "\n", "\n   ")
}

// rest waits for the reader.
func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
