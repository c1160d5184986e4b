package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/reconcile"
)

func (a *app) applyCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:     "apply [vm...]",
		GroupID: groupAct,
		Short:   "Show the plan, ask, and do it now",
		Long: `Show the plan, ask, and run one pass now, on all VMs or on the named ones
only.

What was agreed to is what is done: if the plan has changed by then, no call
is made. With --yes nothing is asked, and the pass does what it finds needed.
Off a terminal --yes is required.

Policy holds here as in every pass: what the host's configuration keeps back
is kept back. Interrupted, calls that were begun go on; the next pass picks
them up.

Exit code: 0 everything that could be done was done; 1 the pass failed as a
whole; 3 not agreed to, or the plan had changed; 4 a VM failed, is held, in
conflict or still at work, or the source is stale: it could not be read, and
its last good state is what was applied.`,
		Example: `  vmsteward apply
  vmsteward apply prod/web-01 prod/web-02
  vmsteward apply --yes -o json`,
		ValidArgsFunction: a.completeVMs,
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.formats(outputText, outputJSON); err != nil {
				return err
			}
			if !yes && (!a.inTTY || a.json()) {
				return noTerminal()
			}
			return a.apply(c.Context(), args, yes)
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	a.localFlag(c)
	return c
}

// noTerminal says that there is nobody who could agree.
func noTerminal() error {
	return &failure{
		code: exitAttention, err: errors.New("not agreed to: there is no terminal to ask on"),
		hint: `look at "vmsteward plan", then run "vmsteward apply --yes"`,
	}
}

func (a *app) apply(ctx context.Context, names []string, yes bool) error {
	look, only, err := a.lookAt(ctx, names)
	if err != nil {
		return err
	}
	part := restrict(look, only)
	if !a.json() {
		if err := a.showPlan(part, false); err != nil {
			return err
		}
		if part.Plan.Empty() {
			return ends(a.verdict(&reconcile.Report{Outlook: *part}))
		}
		fmt.Fprintln(a.out)
	}
	req := daemon.ApplyRequest{Only: only}
	if !yes {
		req.Expect = look.Plan.Fingerprint()
		if err := a.agree(ctx, describeChanges(&part.Plan)); err != nil {
			return err
		}
	}
	svc, err := a.service(ctx)
	if err != nil {
		return err
	}
	defer svc.Close()
	return a.carryOut(ctx, svc, req)
}

// agree asks on the terminal. Only "yes" is yes.
func (a *app) agree(ctx context.Context, what string) error {
	s := a.style()
	fmt.Fprintf(a.out, "%s %s. Only 'yes' is accepted: ", s.bold("Apply these changes?"), what)
	answer, err := readLine(ctx, a.in)
	if err != nil {
		fmt.Fprintln(a.out)
		return err
	}
	if strings.TrimSpace(answer) != "yes" {
		return &failure{code: exitAttention, err: errors.New("not agreed to; nothing was changed")}
	}
	fmt.Fprintln(a.out)
	return nil
}

// carryOut runs the pass and shows how it went.
func (a *app) carryOut(ctx context.Context, svc daemon.Service, req daemon.ApplyRequest) error {
	stop := a.ticker("applying")
	rep, err := svc.Apply(ctx, req)
	stop()
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(a.err, "calls that were begun go on; the next pass picks them up")
		return ctx.Err()
	case errors.Is(err, reconcile.ErrPlanMoved):
		return &failure{code: exitAttention, err: fmt.Errorf("%w; no call was made", err), hint: "run the command again to see the plan as it is now"}
	case err != nil:
		return err
	}
	part := *rep
	part.Outlook = *restrict(&rep.Outlook, req.Only)
	a.tellStale(&part.Outlook)
	if a.json() {
		if err := printJSON(a.out, &part); err != nil {
			return err
		}
	} else {
		renderReport(a.out, &part, planView{style: a.style(), now: a.now()})
	}
	return ends(a.verdict(&part))
}

// verdict is how a pass went, for a script.
func (a *app) verdict(rep *reconcile.Report) exitCode {
	for _, res := range rep.Results {
		if res.Outcome != reconcile.Applied {
			return exitPartly
		}
	}
	if slices.ContainsFunc(rep.Plan.Items, needsPerson) {
		return exitPartly
	}
	if rep.JournalError != "" || rep.Snapshot.Stale != "" {
		return exitPartly
	}
	return exitOK
}

// ticker shows on a terminal that work goes on, until stop is called.
func (a *app) ticker(what string) (stop func()) {
	if !a.errTTY || a.getenv("TERM") == "dumb" || a.json() {
		return func() {}
	}
	begun := a.now()
	return every(time.Second, func() {
		fmt.Fprintf(a.err, "\r%s ... %s ", what, span(a.now().Sub(begun).Truncate(time.Second)))
	}, func() { fmt.Fprint(a.err, "\r\x1b[K") })
}

// readLine reads one line and gives up when the context ends.
func readLine(ctx context.Context, in io.Reader) (string, error) {
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer, 1)
	// The read cannot be called off; it ends with the process.
	go func() {
		text, err := bufio.NewReader(in).ReadString('\n')
		got <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case a := <-got:
		if a.err != nil && a.text == "" {
			return "", nil // the end of the input is no agreement
		}
		return a.text, nil
	}
}
