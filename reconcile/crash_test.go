package reconcile

import (
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/reconcile/journal"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// death ends the process at a chosen point: everything that reaches the
// journal or an effect from then on goes no further, as after kill -9.
type death struct {
	at   int // the point, from 1; 0: never
	met  atomic.Int64
	dead atomic.Bool
}

// point is one place where the process may end.
func (d *death) point() {
	if d.at > 0 && d.met.Add(1) >= int64(d.at) {
		d.dead.Store(true)
		runtime.Goexit()
	}
}

// doomed lets the process end at the nth point of a pass: before and after
// each write to the journal, and after each effect within a call.
func (w *world) doomed(n int) (died bool) {
	d := &death{at: n}
	w.store.before = func(int) error { d.point(); return nil }
	w.store.after = func(int) { d.point() }
	w.hv.OnStep(func(memory.Step) error { d.point(); return nil })
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = w.engine.Pass(w.t.Context(), w.opts)
	}()
	<-over
	w.store.before, w.store.after = nil, nil
	w.hv.OnStep(nil)
	return d.dead.Load()
}

// crashes runs a story once for each point of its crucial pass.
func crashes(t *testing.T, story func(t *testing.T, w *world, crucial func())) {
	t.Helper()
	for _, forgetful := range []bool{false, true} {
		n, died := 0, true
		for died {
			n++
			bubble(t, func(t *testing.T, w *world) {
				w.hv.SetNature(memory.Nature{ShutdownTakes: 5 * time.Second})
				story(t, w, func() {
					w.hv.ForgetCalls()
					died = w.doomed(n)
					if forgetful {
						w.store.Store = journal.NewMemory()
					}
					w.restart()
				})
			})
			if t.Failed() {
				t.Fatalf("with the process ended at point %d, journal lost %t", n, forgetful)
			}
		}
		if n < 8 {
			t.Errorf("only %d points", n)
		}
		t.Logf("%d points, journal lost: %t", n-1, forgetful)
	}
}

// recover passes until all is quiet and returns every call since the crash.
func (w *world) recover() []string {
	w.t.Helper()
	all := w.hv.Calls()
	for range 10 {
		rep, calls := w.pass()
		all = append(all, calls...)
		if len(calls) == 0 && len(rep.Results) == 0 {
			return all
		}
		time.Sleep(10 * time.Second)
	}
	w.t.Fatalf("no rest:\n%s", w.out)
	return nil
}

// inventory returns every machine with how often it was booted, and fails for
// a volume that no machine has.
func (w *world) inventory() map[string]int {
	w.t.Helper()
	inv, err := w.hv.Connect(providers.Settings{Fleet: "lab", Key: labKey}).List(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	boots, used := map[string]int{}, map[string]bool{}
	for _, vm := range inv.VMs {
		boots[vm.Name] = w.hv.Outside().Boots(vm.ID)
		for _, d := range vm.Config.Disks {
			used[d.Origin] = true
		}
	}
	for _, v := range w.hv.Outside().Volumes() {
		if !used[v] {
			w.t.Errorf("%s is an orphan", v)
		}
	}
	return boots
}

// count returns how many calls begin so and had an effect.
func count(calls []string, prefix string) int {
	n := 0
	for _, c := range calls {
		if strings.HasPrefix(c, prefix) && !strings.Contains(c, ": unchanged") {
			n++
		}
	}
	return n
}

const twoDisks = "  disks: [{name: data, sizeGiB: 5}]\n"

func TestCrashWhileCreating(t *testing.T) {
	crashes(t, func(t *testing.T, w *world, crucial func()) {
		for _, n := range []string{"a", "b", "c"} {
			w.src.put(n+".yaml", vmText(n, twoDisks))
		}
		crucial()
		w.recover()
		if diff := cmp.Diff(map[string]int{"a": 1, "b": 1, "c": 1}, w.inventory()); diff != "" {
			t.Errorf("machines and their boots (-want +got):\n%s", diff)
		}
	})
}

func TestCrashWhileRestarting(t *testing.T) {
	for _, drift := range []plan.DriftMode{plan.Enforce, plan.ReportOnly} {
		crashes(t, func(t *testing.T, w *world, crucial func()) {
			w.src.put("web.yaml", vmText("web", ""))
			w.quiet()
			w.policy.Drift = drift
			w.src.put("web.yaml", vmText("web", bigger))
			crucial()
			if recs, err := w.store.Records(); err != nil || len(recs) == 0 {
				w.policy.Drift = plan.Enforce // under report, nothing is done without a base
			}
			calls := w.recover()
			if diff := cmp.Diff(map[string]int{"web": 2}, w.inventory()); diff != "" {
				t.Errorf("machines and their boots (-want +got):\n%s\n%v", diff, calls)
			}
			for _, what := range []string{"power default/web shutdown", "reconfigure default/web"} {
				if n := count(calls, what); n != 1 {
					t.Errorf("%s happened %d times: %v", what, n, calls)
				}
			}
			if n := count(calls, "power default/web stop"); n != 0 {
				t.Errorf("the plug was pulled: %v", calls)
			}
		})
	}
}

func TestCrashWhileRetiringAndDeleting(t *testing.T) {
	for _, deleting := range []bool{false, true} {
		crashes(t, func(t *testing.T, w *world, crucial func()) {
			for _, n := range []string{"a", "b", "stays"} {
				w.src.put(n+".yaml", vmText(n, twoDisks))
			}
			w.quiet()
			w.policy.Prune.MaxPercent = 90
			w.src.remove("a.yaml")
			w.src.remove("b.yaml")
			if deleting {
				w.quiet()
				time.Sleep(25 * time.Hour)
			}
			crucial()
			recs, err := w.store.Records()
			calls := w.recover()
			if err == nil && len(recs) == 0 {
				w.excuse() // without a journal, volumes may hold data, and are reported
			}
			want := map[string]int{"a": 1, "b": 1, "stays": 1}
			if deleting {
				want = map[string]int{"stays": 1}
			} else if n := count(calls, "power default/a shutdown"); n != 1 {
				t.Errorf("a was asked %d times: %v", n, calls)
			}
			if diff := cmp.Diff(want, w.inventory()); diff != "" {
				t.Errorf("machines and their boots (-want +got):\n%s\n%v", diff, calls)
			}
		})
	}
}

// excuse removes volumes that are reported as what a person has to decide on.
func (w *world) excuse() {
	w.t.Helper()
	rep, _ := w.pass()
	for _, it := range rep.Plan.Items {
		if it.Action == plan.Report {
			for _, v := range w.hv.Outside().Volumes() {
				if strings.Contains(it.Reason, v) {
					w.hv.Outside().RemoveVolume(v)
				}
			}
		}
	}
}

// TestCreationThatIsNotWantedAnyMore ends the process while it creates, and
// removes the manifest before the next one begins.
func TestCreationThatIsNotWantedAnyMore(t *testing.T) {
	for n := 1; ; n++ {
		died := false
		bubble(t, func(t *testing.T, w *world) {
			w.policy.Prune.Grace = 0
			w.src.put("stays.yaml", vmText("stays", ""))
			w.quiet()
			w.src.put("web.yaml", vmText("web", twoDisks))
			died = w.doomed(n)
			w.restart()
			w.src.remove("web.yaml")
			w.recover()
			if got := slices.Sorted(maps.Keys(w.inventory())); !cmp.Equal(got, []string{"stays"}) {
				t.Errorf("ended at point %d: %v\n%v", n, got, w.hv.Calls())
			}
		})
		if !died || t.Failed() {
			return
		}
	}
}

// TestCreationThatFailedHalfway leaves volumes behind, which go when the VM is
// not wanted any more, whatever the attempts after the first met.
func TestCreationThatFailedHalfway(t *testing.T) {
	for _, kind := range []providers.Kind{providers.QuotaExceeded, providers.Unavailable, providers.InvalidSpec} {
		bubble(t, func(t *testing.T, w *world) {
			w.src.put("stays.yaml", vmText("stays", ""))
			w.quiet()
			w.hv.OnStep(func(memory.Step) error { return &providers.Error{Op: "create", Kind: kind, Err: errors.New("no")} })
			w.src.put("web.yaml", vmText("web", twoDisks+"  powerState: \"Off\"\n"))
			rep, _ := w.pass()
			w.hv.OnStep(nil)
			time.Sleep(max(0, time.Until(rep.RetryAt)))
			w.store.before = func(int) error { // the endpoint goes just before the call
				w.engine.gates[labKey].failed(time.Now(), errGone)
				return nil
			}
			w.pass()
			w.store.before = nil
			w.restart()
			w.src.remove("web.yaml")
			w.recover()
			if got := slices.Sorted(maps.Keys(w.inventory())); !cmp.Equal(got, []string{"stays"}) {
				t.Errorf("%s: %v", kind, got)
			}
		})
	}
}

func TestLostJournalFindsItsVMsAgain(t *testing.T) {
	settled(t, func(t *testing.T, w *world) {
		w.store.Store = journal.NewMemory()
		w.restart()
		w.want("nothing is done")
		recs, err := w.store.Records()
		if err != nil || recs[manifest.Key{Namespace: "default", Name: "web"}].Applied == nil {
			t.Errorf("%v, %v", recs, err)
		}
		w.pass()
		if n := w.store.count(); n != 0 {
			t.Errorf("%d writes", n)
		}
	})
}
