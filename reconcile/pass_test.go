package reconcile

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// bubble runs a test on virtual time in a world of its own.
func bubble(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newWorld(t)) })
}

// settled is a world where web exists and runs as wanted.
func settled(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	bubble(t, func(t *testing.T, w *world) {
		w.src.put("web.yaml", vmText("web", ""))
		w.want("web is made", "create lab/default/web", "power default/web start")
		w.want("and is as wanted")
		test(t, w)
	})
}

func TestCommitBecomesVMAndNothingIsLeftToDo(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.src.put("web.yaml", vmText("web", ""))
		rep := w.want("a new manifest is created and started", "create lab/default/web", "power default/web start")
		if got := outcome(rep, "web"); got.Outcome != Applied {
			t.Errorf("%+v", got)
		}
		rep = w.want("the second pass has nothing to do")
		if n := w.store.count(); n != 2 || !rep.Plan.InSync() || !rep.RetryAt.IsZero() {
			t.Errorf("%d journal writes, want one for the VM and one for the pass; in sync %t, retry at %s", n, rep.Plan.InSync(), rep.RetryAt)
		}
		w.restart()
		w.want("a new process has nothing to do")
		w.pass()
		if n := w.store.count(); n != 0 {
			t.Errorf("%d journal writes in an idle pass", n)
		}
	})
}

func TestEachChangeIsExactlyItsCalls(t *testing.T) {
	settled(t, func(t *testing.T, w *world) {
		w.hv.SetNature(memory.Nature{ShutdownTakes: 10 * time.Second})
		w.src.put("web.yaml", vmText("web", "  resources: {cpu: 4}\n"))
		w.want("growth within the head-room", "reconfigure default/web live cpu=4")
		w.src.put("web.yaml", vmText("web", "  resources: {cpu: 16}\n"))
		w.want("growth beyond it", "power default/web shutdown", "reconfigure default/web cpu=16", "power default/web start")
		disks := "  resources: {cpu: 16}\n  disks: [{name: data, sizeGiB: 5}]\n"
		w.src.put("web.yaml", vmText("web", disks))
		w.want("a disk more", "reconfigure default/web live +disk[data]=5")
		w.src.put("web.yaml", vmText("web", strings.ReplaceAll(disks, "sizeGiB: 5", "sizeGiB: 8")))
		w.want("a disk grows", "reconfigure default/web live disk[data]=8")
		w.src.put("web.yaml", vmText("web", strings.ReplaceAll(disks, "sizeGiB: 5", "sizeGiB: 8")+"  powerState: OffGraceful\n"))
		w.want("it is stopped", "power default/web shutdown")
		w.want("and stays so")
		w.src.put("web.yaml", vmText("web", strings.ReplaceAll(disks, "sizeGiB: 5", "sizeGiB: 8")))
		w.want("it is started", "power default/web start")
		w.src.put("other.yaml", vmText("other", ""))
		w.want("another", "create lab/default/other", "power default/other start")
		w.src.remove("web.yaml")
		w.want("it is retired", "power default/web shutdown", "reconfigure default/web retired=true")
		w.want("and kept")
		time.Sleep(25 * time.Hour)
		w.want("until its grace period is over", "delete default/web")
		w.want("and is gone")
		if got := w.hv.Outside().Volumes(); len(got) != 1 {
			t.Errorf("volumes: %v", got)
		}
	})
}

func TestRestoringTheFileRestoresTheVM(t *testing.T) {
	for _, drift := range []plan.DriftMode{plan.Enforce, plan.ReportOnly} {
		settled(t, func(t *testing.T, w *world) {
			w.policy.Drift = drift
			w.src.put("other.yaml", vmText("other", ""))
			w.pass()
			w.src.remove("web.yaml")
			w.want("it is retired", "power default/web shutdown", "reconfigure default/web retired=true")
			w.src.put("web.yaml", vmText("web", ""))
			w.want("and restored", "reconfigure default/web retired=false", "power default/web start")
			if drifts := w.out.with("drift", "field"); len(drifts) > 0 {
				t.Errorf("our own retiring is called drift: %v", drifts)
			}
		})
	}
}

func TestOutsideChanges(t *testing.T) {
	mac := providers.Owner{Fleet: "lab", VM: manifest.Key{Namespace: "default", Name: "web"}}.MAC("52:54:00", "lan")
	for _, row := range []struct {
		act   func(memory.Outside) error
		drift string // vm|field|wanted|found
		fix   []string
	}{
		{func(o memory.Outside) error { return o.SetCPU("web", 3, true) }, "default/web|cpu|2|3",
			[]string{"power default/web shutdown", "reconfigure default/web cpu=2", "power default/web start"}},
		{func(o memory.Outside) error { return o.SetMemory("web", 512, false) }, "default/web|memory|1 GiB|512 MiB",
			[]string{"reconfigure default/web memory=1024"}},
		{func(o memory.Outside) error { return o.Destroy("web") }, "default/web|power|On|Off", []string{"power default/web start"}},
		{func(o memory.Outside) error { return o.Suspend("web") }, "default/web|power|On|Suspended", []string{"power default/web start"}},
		{func(o memory.Outside) error { return o.Undefine("web") }, "default/web|exists|present|absent",
			[]string{"create lab/default/web", "power default/web start"}},
		{func(o memory.Outside) error {
			return o.AttachNIC("web", providers.NIC{MAC: "aa:00:00:00:00:01", Network: "x", Model: "e1000"})
		}, "default/web|nics[aa:00:00:00:00:01]|absent|e1000 on x", []string{"reconfigure default/web live -nic[aa:00:00:00:00:01]"}},
		{func(o memory.Outside) error { return o.DetachNIC("web", providers.NICRef{Name: "lan"}) }, "default/web|nics[lan]|virtio on lan|absent",
			[]string{"reconfigure default/web live +nic[lan]=lan"}},
		{func(o memory.Outside) error { return o.ChangeMAC("web", "lan", "52:54:00:11:22:33") }, "default/web|nics[lan].mac|" + mac + "|52:54:00:11:22:33",
			[]string{"power default/web shutdown", "reconfigure default/web +nic[lan]=lan", "power default/web start"}},
		{func(o memory.Outside) error { return o.MoveNIC("web", "lan", "dmz") }, "default/web|nics[lan].network|lan|dmz",
			[]string{"reconfigure default/web live +nic[lan]=lan"}},
		{func(o memory.Outside) error { return o.SetTags("web", "x") }, "default/web|tags|none|x", []string{"reconfigure default/web live tags="}},
	} {
		settled(t, func(t *testing.T, w *world) {
			if err := row.act(w.hv.Outside()); err != nil {
				t.Fatal(err)
			}
			w.policy.Drift = plan.ReportOnly
			w.want("under report it is not touched")
			line := []string{"INFO|" + row.drift}
			if diff := cmp.Diff(line, w.out.with("drift", "vm", "field", "wanted", "found")); diff != "" {
				t.Errorf("the line (-want +got):\n%s", diff)
			}
			w.want("still not")
			if got := w.out.with("drift", "vm", "field", "wanted", "found"); !cmp.Equal(got, []string{"DEBUG|" + row.drift}) {
				t.Errorf("the second pass says it again: %v", got)
			}
			w.policy.Drift = plan.Enforce
			w.want(row.drift, row.fix...)
			if diff := cmp.Diff(line, w.out.with("drift", "vm", "field", "wanted", "found")); diff != "" {
				t.Errorf("the line under enforce (-want +got):\n%s", diff)
			}
			w.want("and all is well")
			if got := w.out.with("drift"); len(got) > 0 {
				t.Errorf("drift is said after its correction: %v", got)
			}
		})
	}
}

func TestForeignVMIsNeverTouched(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		if _, err := w.hv.Outside().AddForeign(memory.Foreign{Name: "web", On: true}); err != nil {
			t.Fatal(err)
		}
		w.src.put("web.yaml", vmText("web", ""))
		rep := w.want("a name is no mark")
		if rep.Plan.Summary.Conflicts != 1 {
			t.Errorf("%+v", rep.Plan.Summary)
		}
		if got := w.out.with("decision", "action"); !cmp.Equal(got, []string{"WARN|conflict"}) {
			t.Errorf("%v", got)
		}
		w.want("again")
		if got := w.out.with("decision", "action"); !cmp.Equal(got, []string{"DEBUG|conflict"}) {
			t.Errorf("%v", got)
		}
		w.src.remove("web.yaml")
		w.src.put("other.yaml", vmText("other", ""))
		w.want("nor is it pruned", "create lab/default/other", "power default/other start")
	})
}

func TestSourceFailureKeepsTheLastSnapshot(t *testing.T) {
	settled(t, func(t *testing.T, w *world) {
		w.src.remove("web.yaml")
		w.src.err = errors.New("the network is down")
		rep := w.want("nothing is pruned")
		if rep.Snapshot.Stale == "" || len(w.out.with("source failed, the last good snapshot stays in force")) != 1 {
			t.Errorf("%+v\n%s", rep.Snapshot, w.out)
		}
		if err := w.hv.Outside().Destroy("web"); err != nil {
			t.Fatal(err)
		}
		w.want("the last good one is still enforced", "power default/web start")
		if got := w.out.with("source failed, the last good snapshot stays in force"); !cmp.Equal(got, []string{"DEBUG"}) {
			t.Errorf("said again: %v", got)
		}
		w.restart()
		if _, err := w.engine.Pass(t.Context(), PassOptions{}); err == nil {
			t.Error("a process that never saw a snapshot has a desired state")
		}
	})
}

func TestIncompleteDesiredStatePrunesNothing(t *testing.T) {
	settled(t, func(t *testing.T, w *world) {
		w.src.put("web.yaml", "apiVersion: infra.virtrigaud.io/v1beta1\nkind: [")
		w.src.put("other.yaml", vmText("other", ""))
		rep := w.want("the rest is reconciled", "create lab/default/other", "power default/other start")
		if rep.Plan.Summary.Held != 1 || len(w.out.with("manifest")) == 0 {
			t.Errorf("%+v\n%s", rep.Plan.Summary, w.out)
		}
	})
}

func TestOnlyAndExpect(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.src.put("a.yaml", vmText("a", ""))
		w.src.put("b.yaml", vmText("b", ""))
		w.opts.Only = []manifest.Key{{Namespace: "default", Name: "b"}}
		w.want("only b", "create lab/default/b", "power default/b start")
		w.opts.Only = nil
		look, err := w.engine.Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.opts.Expect = look.Plan.Fingerprint()
		w.src.put("c.yaml", vmText("c", ""))
		w.hv.ForgetCalls()
		if _, err := w.engine.Pass(t.Context(), w.opts); !errors.Is(err, ErrPlanMoved) || len(w.hv.Calls()) > 0 {
			t.Errorf("%v, calls %v", err, w.hv.Calls())
		}
		w.src.remove("c.yaml")
		w.want("the plan that was agreed to", "create lab/default/a", "power default/a start")
	})
}

func TestRetiredEngineRunsNoPass(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		swapped := false
		w.engine.Retire(func() { swapped = true })
		if _, err := w.engine.Pass(t.Context(), PassOptions{}); !errors.Is(err, ErrRetired) || !swapped {
			t.Errorf("%v, swapped %t", err, swapped)
		}
	})
}

// TestAnEngineThatTakesOverKnowsTheLastPass builds an engine, lets the old one
// run a pass more, and takes over. What was applied in that pass is known: what
// is changed afterwards is drift, and not a change of the manifest.
func TestAnEngineThatTakesOverKnowsTheLastPass(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.src.put("a.yaml", vmText("a", ""))
		old := w.engine
		w.restart()
		next := w.engine
		w.engine = old
		w.want("the old one creates", "create lab/default/a", "power default/a start")
		old.Retire(func() {
			if err := next.Recall(); err != nil {
				t.Error(err)
			}
			w.engine = next
		})
		if err := w.hv.Outside().Destroy("a"); err != nil {
			t.Fatal(err)
		}
		rep := w.want("the new one corrects", "power default/a start")
		for _, it := range rep.Plan.Items {
			for _, d := range it.Diffs {
				if !d.Drift {
					t.Errorf("%s of %s is not called drift", d.Field, it.VM)
				}
			}
		}
	})
}
