package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

func TestRenderPlan(t *testing.T) {
	empty := &reconcile.Outlook{Plan: plan.Plan{Fleet: "lab"}, Snapshot: reconcile.Snapshot{Source: "dir /srv", Revision: "r1"}}
	quiet := &reconcile.Outlook{Plan: plan.Plan{Fleet: "lab", Items: []*plan.Item{sceneInSync()}}, Snapshot: empty.Snapshot}
	quiet.Plan.Summary = tally(quiet.Plan.Items)
	stuck := &reconcile.Outlook{Plan: plan.Plan{Fleet: "lab", Items: []*plan.Item{sceneDeferred(), sceneConflict()}}, Snapshot: empty.Snapshot}
	stuck.Plan.Summary = tally(stuck.Plan.Items)
	tests := []struct {
		name string
		look *reconcile.Outlook
		view planView
	}{
		{"all-80", sceneOutlook(), planView{style: style{width: 80}}},
		{"all-80-colour", sceneOutlook(), planView{style: style{width: 80, colour: true}}},
		{"all-unwrapped", sceneOutlook(), planView{}},
		{"all-60-everything", sceneOutlook(), planView{style: style{width: 60}, all: true}},
		{"no-vm", empty, planView{style: style{width: 80}}},
		{"in-sync", quiet, planView{style: style{width: 80}}},
		{"nothing-now", stuck, planView{style: style{width: 80}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.view.now = noon
			var b bytes.Buffer
			renderPlan(&b, tt.look, tt.view)
			golden(t, "plan/"+tt.name+".txt", b.String())
			if w := tt.view.width; w > 0 {
				fits(t, b.String(), w)
			}
		})
	}
}

// fits checks that no line is wider than the terminal, but for one long word.
func fits(t *testing.T, text string, width int) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if columns(line) > width && len(strings.Fields(escapes.ReplaceAllString(line, ""))) > 2 {
			t.Errorf("%d columns wide, of %d: %q", columns(line), width, line)
		}
	}
}

func TestColourChangesNoText(t *testing.T) {
	for _, width := range []int{0, 40, 80, 120} {
		var plain, coloured bytes.Buffer
		renderPlan(&plain, sceneOutlook(), planView{style: style{width: width}, now: noon})
		renderPlan(&coloured, sceneOutlook(), planView{style: style{width: width, colour: true}, now: noon})
		if got := escapes.ReplaceAllString(coloured.String(), ""); got != plain.String() {
			t.Errorf("width %d: colours change the text", width)
		}
	}
}

func TestForeignTextCannotSteerTheTerminal(t *testing.T) {
	look := sceneOutlook()
	look.Snapshot.Title = "all good\x1b[2J\x1b[H\r\n"
	look.Plan.Items[0].Reason = "it \x1b]0;owned\x07 does not exist"
	look.Plan.Items[1].Diffs[0].Found = "\x1b[31m4\u202e GiB"
	look.Plan.Notes = []string{"note\x9b31m"}
	var b bytes.Buffer
	renderPlan(&b, look, planView{now: noon})
	if i := strings.IndexFunc(b.String(), func(r rune) bool { return r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u202e') }); i >= 0 {
		t.Errorf("control character at %d: %q", i, b.String()[max(0, i-20):i+20])
	}
}

func TestRenderReport(t *testing.T) {
	look := sceneOutlook()
	result := func(name string, a plan.Action, o reconcile.Outcome) reconcile.Result {
		return reconcile.Result{VM: vmKey(name), Provider: kvm("kvm-a"), Action: a, Outcome: o, Took: 1234 * time.Millisecond}
	}
	failed := result("web-1", plan.Update, reconcile.Failed)
	failed.Kind, failed.Error, failed.Ops = "QuotaExceeded", "reconfigure prod/web-1: pool default has 3 GiB left, 10 GiB are needed", []plan.OpKind{plan.ShutDown}
	different := result("web-2", plan.Update, reconcile.Different)
	different.Remaining = []string{"cpu: wanted 4, found 2"}
	unproven := result("web-3", plan.Update, reconcile.Unproven)
	unproven.Error = "describe prod/web-3: connection reset"
	rep := &reconcile.Report{Outlook: *look, Took: 12 * time.Second, JournalError: "no space left on device", Results: []reconcile.Result{
		result("db-1", plan.Create, reconcile.Applied), result("new-1", plan.Create, reconcile.Waiting),
		result("old-2", plan.Delete, reconcile.NotTried), failed, different, unproven,
	}}
	for name, s := range map[string]style{"report/all-80": {width: 80}, "report/all-80-colour": {width: 80, colour: true}} {
		var b bytes.Buffer
		renderReport(&b, rep, planView{style: s, now: noon})
		golden(t, name+".txt", b.String())
		fits(t, b.String(), 80)
	}
}

func TestRenderDrift(t *testing.T) {
	look := sceneOutlook()
	look.Plan.Items = append(look.Plan.Items, func() *plan.Item {
		it := sceneDeferred()
		it.VM = vmKey("zz")
		it.Diffs[0].Drift = true
		return it
	}())
	for name, s := range map[string]style{"drift/all-80": {width: 80}, "drift/all-unwrapped": {}} {
		var b bytes.Buffer
		renderDrift(&b, driftOf(look), planView{style: s, now: noon})
		golden(t, name+".txt", b.String())
		if s.width > 0 {
			fits(t, b.String(), s.width)
		}
	}
}
