package reconcile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/reconcile/journal"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

var annexKey = manifest.Key{Name: "annex"}

// annex gives the world a second hypervisor.
func (w *world) annex() *memory.Hypervisor {
	hv := memory.NewHypervisor()
	w.more = []Endpoint{{Key: annexKey, Provider: hv.Connect(providers.Settings{Fleet: "lab", Key: annexKey})}}
	w.restart()
	return hv
}

func inAnnex(text string) string {
	return strings.Replace(text, "providerRef: {name: lab}", "providerRef: {name: annex}", 1)
}

// TestHostReboots has a VM found off after each of five reboots of its host,
// months apart: it is started each time.
func TestHostReboots(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.src.put("a.yaml", vmText("a", ""))
		w.pass()
		for range 5 {
			w.want("in sync")
			time.Sleep(30 * 24 * time.Hour)
			if err := w.hv.Outside().Destroy("a"); err != nil {
				t.Fatal(err)
			}
			w.restart()
			w.want("off after a reboot", "power default/a start")
		}
	})
}

// TestPruneBrakeHoldsThroughAnOutage removes more VMs at once than may be
// removed, while one of two hypervisors cannot be read: the brake is not passed
// piecemeal.
func TestPruneBrakeHoldsThroughAnOutage(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.policy.Prune = plan.Prune{Mode: plan.PruneDelete, Grace: 24 * time.Hour, MaxCount: 5, MaxPercent: 100}
		annex := w.annex()
		for i := range 6 {
			w.src.put(fmt.Sprintf("a%d.yaml", i), vmText(fmt.Sprintf("a%d", i), ""))
			w.src.put(fmt.Sprintf("b%d.yaml", i), inAnnex(vmText(fmt.Sprintf("b%d", i), "")))
		}
		w.pass()
		for i := range 4 {
			w.src.remove(fmt.Sprintf("a%d.yaml", i))
			w.src.remove(fmt.Sprintf("b%d.yaml", i))
		}
		annex.Cut()
		w.restart()
		w.want("eight are too many, also when only four can be seen")
		annex.Restore()
		w.restart()
		w.want("and when all can be seen")
	})
}

// TestUnreadProviderMayHaveTheVM loses the journal and a hypervisor while a VM
// is moved from it: no second one is made.
func TestUnreadProviderMayHaveTheVM(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.src.put("a.yaml", vmText("a", ""))
		w.pass()
		annex := w.annex()
		w.store = &spyStore{Store: journal.NewMemory()}
		w.src.put("a.yaml", inAnnex(vmText("a", "")))
		w.hv.Cut()
		w.restart()
		rep, _ := w.pass()
		if calls := annex.Calls(); len(calls) != 0 {
			t.Errorf("a second VM: %v\n%+v", calls, rep.Plan.Items)
		}
		w.hv.Restore()
		w.restart()
		w.want("it lives where it was, and is not moved")
		w.src.put("b.yaml", inAnnex(vmText("b", "")))
		w.hv.Cut()
		w.restart()
		w.pass()
		if calls := annex.Calls(); len(calls) != 2 {
			t.Errorf("an outage of a hypervisor whose VMs are known blocks a new VM elsewhere: %v", calls)
		}
	})
}

// TestRestartsAreRationed edits the class of twenty VMs.
func TestRestartsAreRationed(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		for i := range 20 {
			w.src.put(fmt.Sprintf("%d.yaml", i), vmText(fmt.Sprintf("vm%02d", i), ""))
		}
		w.pass()
		w.policy.MaxRestarts = 5
		w.src.put("common.yaml", strings.Replace(common, "memory: 1Gi", "memory: 2Gi", 1))
		for turn := range 4 {
			rep, _ := w.pass()
			if len(rep.Results) != 5 || rep.Applied() != 5 {
				t.Errorf("turn %d: %d VMs restarted, want 5", turn+1, len(rep.Results))
			}
			if wait := time.Until(rep.RetryAt); turn < 3 && (rep.RetryAt.IsZero() || wait > time.Minute) {
				t.Errorf("turn %d: the next is at %s", turn+1, rep.RetryAt)
			}
			time.Sleep(time.Minute)
		}
		w.want("all have it")
	})
}

// TestOneVMBlamesNoOther has the calls about one VM fail in ways that could be
// taken for the endpoint's.
func TestOneVMBlamesNoOther(t *testing.T) {
	for _, kind := range []providers.Kind{providers.Unauthorized, providers.Timeout, providers.Conflict, providers.Unrecognised} {
		t.Run(string(kind), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.slots = 1
				w.restart()
				for i := range 8 {
					w.src.put(fmt.Sprintf("%d.yaml", i), vmText(fmt.Sprintf("vm%d", i), ""))
				}
				w.hv.Inject(memory.Fault{Op: "power", VM: manifest.Key{Namespace: "default", Name: "vm0"}, Kind: kind, Times: -1})
				rep, _ := w.pass()
				if rep.Applied() != 7 {
					t.Errorf("%d of the 7 others were applied: %+v", rep.Applied(), rep.Results)
				}
			})
		})
	}
}
