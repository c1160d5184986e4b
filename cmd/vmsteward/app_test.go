package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// fake is a steward that answers what a test says.
type fake struct {
	look    *reconcile.Outlook
	status  *daemon.Status
	results []reconcile.Result
	err     error // of Apply
	asked   []daemon.ApplyRequest

	suspended []daemon.SuspendRequest
	resumed   []daemon.ResumeRequest
	closed    bool

	interrupt func() // during Apply
}

func (f *fake) Plan(ctx context.Context) (*reconcile.Outlook, error) {
	if f.look == nil {
		return nil, errors.New("no desired state: fetch: no route to host")
	}
	return f.look, ctx.Err()
}

func (f *fake) Apply(ctx context.Context, req daemon.ApplyRequest) (*reconcile.Report, error) {
	f.asked = append(f.asked, req)
	if f.interrupt != nil {
		f.interrupt()
		return nil, ctx.Err()
	}
	if f.err != nil {
		return nil, f.err
	}
	return &reconcile.Report{Outlook: *f.look, Results: f.results, Took: time.Second}, nil
}

func (f *fake) Status(context.Context) (*daemon.Status, error) { return f.status, nil }

func (f *fake) VMs(context.Context) ([]reconcile.View, error) { return f.look.VMs, nil }

func (f *fake) Reconcile(context.Context) error { return f.err }

func (f *fake) Suspend(_ context.Context, req daemon.SuspendRequest) error {
	f.suspended = append(f.suspended, req)
	return f.err
}

func (f *fake) Resume(_ context.Context, req daemon.ResumeRequest) error {
	f.resumed = append(f.resumed, req)
	return f.err
}

func (f *fake) Close() error {
	f.closed = true
	return nil
}

// session is one command line in front of a fake steward.
type session struct {
	out, err bytes.Buffer
	code     exitCode
}

// typed runs a command line; answer is what a person types on the terminal,
// and an empty one means that there is no terminal.
func typed(f *fake, answer string, args ...string) *session {
	return typedUnder(context.Background(), f, answer, args...)
}

func typedUnder(ctx context.Context, f *fake, answer string, args ...string) *session {
	s := &session{}
	a := &app{
		in: strings.NewReader(answer), out: &s.out, err: &s.err, inTTY: answer != "",
		getenv: func(string) string { return "" }, now: func() time.Time { return noon },
	}
	a.service = func(context.Context) (daemon.Service, error) { return f, nil }
	s.code = execute(ctx, a, args)
	return s
}

func (s *session) want(t *testing.T, code exitCode, texts ...string) {
	t.Helper()
	all := s.out.String() + s.err.String()
	if s.code != code {
		t.Errorf("want exit code %d, got %d:\n%s", code, s.code, all)
	}
	for _, text := range texts {
		if !strings.Contains(all, text) {
			t.Errorf("%q is not in:\n%s", text, all)
		}
	}
}

func outlookOf(items ...*plan.Item) *reconcile.Outlook {
	look := &reconcile.Outlook{Plan: plan.Plan{Fleet: "lab", Items: items, Summary: tally(items)}, Snapshot: reconcile.Snapshot{Source: "dir /srv", Revision: "r1"}}
	for _, it := range items {
		look.VMs = append(look.VMs, reconcile.View{VM: it.VM, Provider: it.Provider, Action: it.Action, Reason: it.Reason})
	}
	return look
}

func resultOf(it *plan.Item, o reconcile.Outcome) reconcile.Result {
	return reconcile.Result{VM: it.VM, Action: it.Action, Outcome: o, Took: time.Second}
}

func TestApplyAsks(t *testing.T) {
	for answer, agreed := range map[string]bool{"yes\n": true, " yes \n": true, "yes": true, "y\n": false, "YES\n": false, "\n": false, "no\n": false} {
		f := &fake{look: outlookOf(sceneLive()), results: []reconcile.Result{resultOf(sceneLive(), reconcile.Applied)}}
		s := typed(f, answer, "apply")
		if agreed {
			s.want(t, exitOK, "Apply these changes?", "Done: 1 applied")
			want := []daemon.ApplyRequest{{Expect: f.look.Plan.Fingerprint()}}
			if diff := cmp.Diff(want, f.asked); diff != "" {
				t.Errorf("%q (-want +got):\n%s", answer, diff)
			}
			continue
		}
		s.want(t, exitAttention, "not agreed to; nothing was changed")
		if len(f.asked) > 0 {
			t.Errorf("%q was taken as agreement", answer)
		}
	}
}

func TestApplyOffATerminalNeedsYes(t *testing.T) {
	f := &fake{look: outlookOf(sceneLive())}
	typed(f, "", "apply").want(t, exitAttention, "not agreed to: there is no terminal to ask on", "hint: ")
	typed(f, "yes\n", "apply", "-o", "json").want(t, exitAttention, "no terminal to ask on")
	if len(f.asked) > 0 {
		t.Error("a pass was run")
	}
}

func TestApplyYesTakesThePlanAsItIs(t *testing.T) {
	f := &fake{look: outlookOf(sceneLive(), sceneRestart()), results: []reconcile.Result{resultOf(sceneLive(), reconcile.Applied)}}
	typed(f, "", "apply", "--yes", "web-1").want(t, exitOK, "Done: 1 applied")
	want := []daemon.ApplyRequest{{Only: []manifest.Key{vmKey("web-1")}}}
	if diff := cmp.Diff(want, f.asked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !f.closed {
		t.Error("the service was not closed")
	}
}

func TestApplyNothingToDoAsksNothing(t *testing.T) {
	f := &fake{look: outlookOf(sceneInSync())}
	typed(f, "no\n", "apply").want(t, exitOK, "No changes. Everything is as wanted (1 VM).")
	if len(f.asked) > 0 {
		t.Error("a pass was run")
	}
	f = &fake{look: outlookOf(sceneInSync(), sceneConflict())}
	typed(f, "no\n", "apply").want(t, exitPartly, "nothing to do now", "1 in conflict")
}

func TestApplyRefusesAMovedPlan(t *testing.T) {
	f := &fake{look: outlookOf(sceneLive()), err: reconcile.ErrPlanMoved}
	typed(f, "yes\n", "apply").want(t, exitAttention, "the plan has changed since it was shown; no call was made", "hint: run the command again")
}

func TestApplyCodes(t *testing.T) {
	kept := sceneItem("old", plan.Hold, plan.Nothing, "it was retired")
	kept.Digest = ""
	tests := []struct {
		name  string
		items []*plan.Item
		ends  reconcile.Outcome
		want  exitCode
	}{
		{"applied", nil, reconcile.Applied, exitOK},
		{"failed", nil, reconcile.Failed, exitPartly},
		{"still different", nil, reconcile.Different, exitPartly},
		{"could not be read", nil, reconcile.Unproven, exitPartly},
		{"goes on", nil, reconcile.Waiting, exitPartly},
		{"endpoint gone", nil, reconcile.NotTried, exitPartly},
		{"another is held", []*plan.Item{sceneHeld()}, reconcile.Applied, exitPartly},
		{"another is in conflict", []*plan.Item{sceneConflict()}, reconcile.Applied, exitPartly},
		{"a retired one is kept", []*plan.Item{kept}, reconcile.Applied, exitOK},
		{"drift is reported", []*plan.Item{sceneReported()}, reconcile.Applied, exitOK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{look: outlookOf(append(tt.items, sceneLive())...), results: []reconcile.Result{resultOf(sceneLive(), tt.ends)}}
			typed(f, "", "apply", "--yes").want(t, tt.want, "Done: ")
		})
	}
	typed(&fake{}, "", "apply", "--yes").want(t, exitFailed, "vmsteward: no desired state")
	f := &fake{look: outlookOf(sceneLive()), err: daemon.ErrReadOnly}
	typed(f, "", "apply", "--yes").want(t, exitNoDaemon, "hint: ")
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	f := &fake{look: outlookOf(sceneLive()), interrupt: cancel}
	s := typedUnder(ctx, f, "", "apply", "--yes")
	s.want(t, exitInterrupted, "calls that were begun go on; the next pass picks them up", "vmsteward: interrupted")
	for _, args := range [][]string{{"plan"}, {"drift"}, {"apply", "--yes"}} {
		typedUnder(ctx, f, "", args...).want(t, exitInterrupted, "vmsteward: interrupted")
	}
}

func TestPlanCodes(t *testing.T) {
	same, differs, stuck := outlookOf(sceneInSync()), outlookOf(sceneLive()), outlookOf(sceneHeld())
	typed(&fake{look: differs}, "", "plan").want(t, exitOK, "1 to change live")
	typed(&fake{look: same}, "", "plan", "--detailed-exitcode").want(t, exitOK, "No changes.")
	typed(&fake{look: differs}, "", "plan", "--detailed-exitcode").want(t, exitChanges)
	typed(&fake{look: stuck}, "", "plan", "--detailed-exitcode").want(t, exitChanges)
	typed(&fake{}, "", "plan", "--detailed-exitcode").want(t, exitFailed, "vmsteward: no desired state")
	typed(&fake{look: same}, "", "plan", "-o", "yaml").want(t, exitUsage, `output format "yaml"`, "hint: it is one of text, json")
}

// Nothing that rests on an old state of the source looks like success.
func TestAStaleSourceIsNoSuccess(t *testing.T) {
	stale := func(it *plan.Item) *reconcile.Outlook {
		look := outlookOf(it)
		look.Snapshot.Stale = "fetch: no route to host"
		return look
	}
	same, differs := stale(sceneInSync()), stale(sceneLive())
	typed(&fake{look: same}, "", "apply", "--yes").want(t, exitPartly, "no route to host")
	f := &fake{look: differs, results: []reconcile.Result{resultOf(sceneLive(), reconcile.Applied)}}
	typed(f, "", "apply", "--yes").want(t, exitPartly, "Done: 1 applied", "the source is stale: fetch: no route to host; this is its last good state\n")
	typed(f, "", "reconcile", "--wait").want(t, exitPartly, "the source is stale")
	typed(&fake{look: same}, "", "plan").want(t, exitOK)
	for _, look := range []*reconcile.Outlook{same, differs} {
		typed(&fake{look: look}, "", "plan", "--detailed-exitcode").want(t, exitFailed, "the source could not be read; this is the plan of its last good state")
	}
	typed(&fake{look: same}, "", "drift").want(t, exitOK, "the source is stale: fetch: no route to host")
	s := typed(&fake{look: differs}, "", "drift", "-o", "json")
	s.want(t, exitDiffers, "the source is stale")
	if strings.Contains(s.out.String(), "source is stale") {
		t.Errorf("it is said where a script reads:\n%s", s.out.String())
	}
}

func TestPlanOfSomeVMs(t *testing.T) {
	look := sceneOutlook()
	s := typed(&fake{look: look}, "", "plan", "--vm", "prod/web-1", "--vm", "db-1")
	s.want(t, exitOK, "Plan: 1 to create, 1 to change live, 0 to change with restart")
	if strings.Contains(s.out.String(), "web-3") || strings.Contains(s.out.String(), "vms/odd.yaml") {
		t.Errorf("others are shown:\n%s", s.out.String())
	}
	typed(&fake{look: look}, "", "plan", "--vm", "nosuch").want(t, exitFailed, `there is no VM "nosuch"`, `hint: "vmsteward get vms"`)
	twin := sceneLive()
	twin.VM.Namespace = "test"
	typed(&fake{look: outlookOf(sceneLive(), twin)}, "", "plan", "--vm", "web-1").want(t, exitUsage, "prod/web-1 and test/web-1", "hint: write namespace/name")
}

// A plan counts itself; the command line counts a part of one.
func TestTallyCountsAsPlansDo(t *testing.T) {
	built := plan.Build(plan.Input{Fleet: "lab", Now: noon, Wanted: []*manifest.VM{{Key: vmKey("a"), Digest: "d"}}, Unresolved: []plan.Unresolved{{VM: vmKey("b")}}})
	if diff := cmp.Diff(built.Summary, tally(built.Items)); diff != "" {
		t.Errorf("(-plan +tally):\n%s", diff)
	}
}

func TestJSONIsTheOutlook(t *testing.T) {
	look := sceneOutlook()
	for i := range look.Plan.Items { // a plan in JSON names every provider
		look.Plan.Items[i].Provider, look.VMs[i].Provider = kvm("kvm-a"), kvm("kvm-a")
	}
	s := typed(&fake{look: look}, "", "plan", "-o", "json")
	s.want(t, exitOK)
	var back reconcile.Outlook
	if err := json.Unmarshal(s.out.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(look, &back); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDriftCodes(t *testing.T) {
	typed(&fake{look: outlookOf(sceneInSync(), sceneCreate())}, "", "drift").want(t, exitOK, "No drift (2 VMs compared).")
	typed(&fake{look: outlookOf(sceneLive())}, "", "drift").want(t, exitDiffers, "should be 4, is 2", "Drift: 1 changed outside; 0 alike.")
	typed(&fake{look: outlookOf(sceneConflict())}, "", "drift").want(t, exitDiffers, "1 in conflict")
	typed(&fake{look: outlookOf(sceneLive(), sceneHeld())}, "", "drift").want(t, exitTrouble, "whether 1 VM drifted cannot be told", "1 changed outside")
	typed(&fake{}, "", "drift").want(t, exitTrouble, "vmsteward: no desired state")
	s := typed(&fake{look: outlookOf(sceneLive())}, "", "drift", "-o", "json")
	s.want(t, exitDiffers, `"field": "cpu"`)
	if strings.Contains(s.out.String(), "disks[data]") {
		t.Errorf("differences that are no drift are shown:\n%s", s.out.String())
	}
}
