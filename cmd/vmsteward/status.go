package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/reconcile"
)

func (a *app) statusCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "status",
		GroupID: groupLook,
		Short:   "Show how the daemon, its providers and its last pass are",
		Long: `Show how the daemon, its source, its providers and its last pass are.

Exit code: 0 when all is well; 3 when a person is needed: no daemon runs, the
last pass failed, a provider cannot be read, the source is stale, or a VM
failed, is held or in conflict.`,
		Example: `  vmsteward status
  vmsteward status -o json | jq .last`,
		Args:              noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := a.formats(outputText, outputJSON); err != nil {
				return err
			}
			return a.status(c.Context())
		},
	}
	a.localFlag(c)
	return c
}

func (a *app) status(ctx context.Context) error {
	svc, err := a.service(ctx)
	if err != nil {
		return err
	}
	defer svc.Close()
	st, err := svc.Status(ctx)
	if err != nil {
		return err
	}
	complaints := complaintsOf(st)
	if a.json() {
		if err := printJSON(a.out, st); err != nil {
			return err
		}
	} else {
		renderStatus(a.out, st, complaints, planView{style: a.style(), now: a.now()})
	}
	if len(complaints) > 0 {
		return ends(exitAttention)
	}
	return nil
}

// complaintsOf says what needs a person, one sentence each.
func complaintsOf(st *daemon.Status) []string {
	var out []string
	add := func(bad bool, format string, args ...any) {
		if bad {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	add(!st.Daemon, "no daemon runs; passes do not happen by themselves")
	add(st.LastError != "", "the last pass failed: %s", st.LastError)
	if s := st.Snapshot; s != nil {
		add(s.Stale != "", "the source is stale: %s", s.Stale)
	}
	for _, p := range st.Providers {
		add(p.Problem != "", "provider %s cannot be read: %s", p.Key, p.Problem)
	}
	if l := st.Last; l != nil {
		add(l.Failed > 0, "%s failed in the last pass", plural(l.Failed, "VM"))
		held := l.Summary.Held - l.Summary.Waiting // a grace period needs nobody
		add(held > 0, "%s held", isAre(held))
		add(l.Summary.Conflicts > 0, "%s in conflict", isAre(l.Summary.Conflicts))
	}
	return out
}

func isAre(n int) string {
	if n == 1 {
		return "1 VM is"
	}
	return fmt.Sprintf("%d VMs are", n)
}

func renderStatus(w io.Writer, st *daemon.Status, complaints []string, v planView) {
	t := table{style: v.style, prose: true}
	line := func(name, text string) {
		if text != "" {
			t.row(v.faint(name), text)
		}
	}
	line("daemon", daemonText(st, v))
	line("fleet", printable(st.Fleet))
	line("source", printable(st.Source))
	if st.Snapshot != nil {
		line("revision", revisionText(*st.Snapshot, v.now))
	}
	line("schedule", scheduleText(st, v.now))
	line("last pass", lastPassText(st.Last, v.now))
	for _, s := range st.Suspended {
		line("suspended", v.note(scope(s.VM))+", "+printable(s.String()))
	}
	t.print(w)
	renderProviders(w, st, v)
	if len(complaints) == 0 {
		fmt.Fprintf(w, "\n%s\n", v.good("All is well."))
		return
	}
	fmt.Fprintf(w, "\n%s\n", v.bold("A person is needed:"))
	for _, c := range complaints {
		fmt.Fprintln(w, v.hang("  "+v.bad("!")+" ", printable(c)))
	}
	if l := st.Last; l != nil && l.Failed+l.Summary.Held+l.Summary.Conflicts > 0 {
		fmt.Fprintln(w, v.faint(`"vmsteward plan" says which VMs, and why.`))
	}
}

func daemonText(st *daemon.Status, v planView) string {
	if !st.Daemon {
		return v.bad("not running")
	}
	text := v.good("running") + " since " + clock(st.Started, v.now) + ", version " + st.Version
	if st.Busy {
		text += ", a pass is under way"
	}
	return text
}

// clock writes an instant and how long ago it was.
func clock(t, now time.Time) string {
	return t.Local().Format("2006-01-02 15:04 MST") + " (" + ago(t, now) + ")"
}

func scheduleText(st *daemon.Status, now time.Time) string {
	if !st.Daemon || st.Next.IsZero() {
		return st.Schedule
	}
	if !st.Next.After(now) {
		return st.Schedule + ", the next pass is due"
	}
	return st.Schedule + ", the next pass " + ago(st.Next, now)
}

func lastPassText(l *reconcile.Brief, now time.Time) string {
	if l == nil {
		return "none yet"
	}
	text := ago(l.Begun, now) + ", took " + span(l.Took)
	if l.Reason != "" {
		text += " (" + printable(l.Reason) + ")"
	}
	s := l.Summary
	text += fmt.Sprintf(": of %d wanted %d were in sync, %d applied", s.Wanted, s.InSync, l.Applied)
	for _, more := range []struct {
		n    int
		word string
	}{{l.Failed, "failed"}, {s.Held, "held"}, {s.Conflicts, "in conflict"}, {s.Deferred, "deferred"}, {s.Reported, "reported only"}} {
		if more.n > 0 {
			text += fmt.Sprintf(", %d %s", more.n, more.word)
		}
	}
	return text
}

func renderProviders(w io.Writer, st *daemon.Status, v planView) {
	fmt.Fprintln(w)
	if len(st.Providers) == 0 {
		fmt.Fprintln(w, "No provider is configured on this host.")
		return
	}
	t := table{style: v.style}
	t.head("PROVIDER", "TYPE", "ENDPOINT", "STATE")
	for _, p := range st.Providers {
		state := v.good("ok")
		switch {
		case p.Problem != "":
			state = v.bad("cannot be read")
		case !st.Daemon || st.Last == nil:
			state = v.faint("not looked at")
		}
		t.row(printable(p.Key.String()), printable(p.Type), printable(p.Endpoint), state)
	}
	t.print(w)
}
