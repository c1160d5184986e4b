package daemon_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
	"github.com/vmsteward/vmsteward/reconcile"
)

// TestEveryCallMayFail lets each method that a pass calls fail, once for every
// way to fail, while VMs are created, changed and removed. Every pass ends, and
// says of each VM that is not as wanted why; afterwards the wanted VMs are
// there, each once, and nothing of the others.
func TestEveryCallMayFail(t *testing.T) {
	t.Parallel()
	troubles := []struct {
		name string
		vcsim.Rule
	}{
		{"no permission", vcsim.Rule{Fault: &types.NoPermission{}}},
		{"not authenticated", vcsim.Rule{Fault: &types.NotAuthenticated{}}},
		{"gone", vcsim.Rule{Fault: &types.ManagedObjectNotFound{}}},
		{"busy", vcsim.Rule{Fault: &types.TaskInProgress{}}},
		{"session ended", vcsim.Rule{EndSessions: true}},
		{"cut before", vcsim.Rule{Drop: true}},
		{"cut after", vcsim.Rule{Drop: true, Lost: true}},
		{"unavailable", vcsim.Rule{Status: 503}},
		{"slow", vcsim.Rule{Delay: 50 * time.Millisecond}},
	}
	c := newCenter(t, vcsim.Options{})
	c.policy = "prune: {mode: delete, grace: 0s, maxCount: 100, maxPercent: 100, allowEmpty: true}"
	r := &roundabout{center: c}
	r.turn(vcsim.Rule{}, "")
	r.turn(vcsim.Rule{}, "") // which removes, too
	methods := r.methods()
	t.Logf("a pass calls %v", methods)
	for _, tr := range troubles {
		for _, m := range methods {
			r.turn(tr.Rule, m)
			if t.Failed() {
				t.Fatalf("%s of %s", tr.name, m)
			}
		}
	}
}

// roundabout is a fleet of three VMs in which each turn creates one, changes
// one, and removes one.
type roundabout struct {
	*center
	turns int
	last  []vmFile
}

// methods are what was called in the last turn.
func (r *roundabout) methods() []string {
	var out []string
	for m := range r.sim.Calls() {
		out = append(out, m)
	}
	slices.Sort(out)
	return out
}

// keptJournals is the n-th turn that keeps its journal, and with it the pauses
// after a failure.
const keptJournals = 16

// turn makes one turn while the first call of a method, and the first that
// follows in each pass, fares ill.
func (r *roundabout) turn(trouble vcsim.Rule, method string) {
	r.t.Helper()
	r.turns++
	vm := func(n int) vmFile {
		return vmFile{Name: fmt.Sprintf("r-%03d", n), CPU: 1 + r.turns%3, Power: []string{"On", `"Off"`}[n%2]}
	}
	now := []vmFile{vm(r.turns), vm(r.turns + 1), vm(r.turns + 2)}
	var gone []string
	for _, old := range r.last {
		if !slices.ContainsFunc(now, func(v vmFile) bool { return v.Name == old.Name }) {
			gone = append(gone, "vms/"+old.Name+".yaml")
		}
	}
	r.commit(now, gone...)
	r.last = now
	r.sim.ResetCalls()
	r.troubledPass(trouble, method)
	if r.turns%keptJournals != 0 {
		// Without a journal nothing is waited for that failed a moment ago.
		must(r.t, os.RemoveAll(filepath.Join(r.dir, "state", "journal.db")))
	}
	r.converge(fmt.Sprintf("after %s fared ill", method))
	r.wantNow()
}

// troubledPass runs one pass in which one call fares ill.
func (r *roundabout) troubledPass(trouble vcsim.Rule, method string) {
	r.t.Helper()
	if method != "" {
		trouble.Method = method
		r.sim.Fail(trouble)
		defer r.sim.Heal()
	}
	svc, err := daemon.NewLocal(r.config(), daemon.Options{Log: slog.New(slog.NewJSONHandler(r.log, nil))})
	must(r.t, err)
	defer svc.Close() // a logout may fare ill, too
	rep, err := svc.Apply(r.t.Context(), daemon.ApplyRequest{})
	must(r.t, err)
	for _, res := range rep.Results {
		if res.Outcome == reconcile.Failed && res.Error == "" {
			r.t.Errorf("%s failed in silence", res.VM)
		}
	}
	for _, it := range rep.Plan.Items {
		if it.Reason == "" {
			r.t.Errorf("%s is %s, and nobody says why", it.VM, it.Action)
		}
	}
}

// wantNow wants exactly the VMs of this turn, in their power states.
func (r *roundabout) wantNow() {
	r.t.Helper()
	var want, on []string
	for _, v := range r.last {
		want = append(want, v.Name)
		if v.Power == "On" {
			on = append(on, v.Name)
		}
	}
	all, running := r.names()
	if diff := cmp.Diff(want, all); diff != "" {
		r.t.Errorf("VMs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(on, running); diff != "" {
		r.t.Errorf("VMs that run (-want +got):\n%s", diff)
	}
}
