package reconcile

import (
	"context"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
)

// reserved states nothing until its endpoint was listed, and then what says
// returns.
type reserved struct {
	*memory.Provider
	says  func() *providers.Capabilities
	heard *providers.Capabilities
}

func (r *reserved) Capabilities() *providers.Capabilities { return r.heard }

func (r *reserved) List(ctx context.Context) (*providers.Inventory, error) {
	inv, err := r.Provider.List(ctx)
	if err == nil {
		r.heard = r.says()
	}
	return inv, err
}

// reserve lets the world's provider be a reserved one, after a restart.
func (w *world) reserve() *reserved {
	r := &reserved{}
	w.wrap = func(p providers.Provider) providers.Provider {
		r.Provider = p.(*memory.Provider)
		r.says = r.Provider.Capabilities
		return r
	}
	w.restart()
	return r
}

// without returns what the provider states, except that it cannot tell a field.
func without(p *memory.Provider, f providers.Field) *providers.Capabilities {
	less := *p.Capabilities()
	less.Change = maps.Clone(less.Change)
	delete(less.Change, f)
	return &less
}

func (w *world) slotsNow() int { return cap(w.engine.gates[labKey].stated.places()) }

func TestWhatAFirstReadBringsOutIsPlannedWith(t *testing.T) {
	settled(t, func(t *testing.T, w *world) {
		w.slots = 9
		w.reserve()
		w.src.put("web.yaml", vmText("web", "  resources: {cpu: 4}\n"))
		if n := w.slotsNow(); n != defaultConcurrency {
			t.Errorf("%d calls at once before anything is stated, want %d", n, defaultConcurrency)
		}
		if look, err := w.engine.Plan(t.Context()); err != nil || len(look.Plan.Items) != 1 || len(look.Plan.Items[0].Ops) != 1 {
			t.Errorf("a plan beside a pass is made without what its own read brought out: %+v, %v", look, err)
		}
		if n := w.slotsNow(); n != defaultConcurrency {
			t.Errorf("%d calls at once after a plan beside a pass, which changes nothing", n)
		}
		w.reserve() // forgets what that plan brought out
		w.want("the same pass", "reconfigure default/web live cpu=4")
		if n := w.slotsNow(); n != 9 {
			t.Errorf("%d calls at once, want the 9 that are stated", n)
		}
		w.want("and nothing is left")
	})
}

func TestNothingIsStatedOfAnEndpointThatWasNotReached(t *testing.T) {
	settled(t, func(t *testing.T, w *world) {
		w.reserve()
		w.src.put("web.yaml", vmText("web", "  resources: {cpu: 4}\n"))
		w.hv.Cut()
		w.want("it cannot be read")
		w.hv.Restore()
		time.Sleep(time.Hour)
		w.want("it is back", "reconfigure default/web live cpu=4")
		w.hv.Cut()
		w.want("it is gone again")
		w.hv.Restore()
		time.Sleep(time.Hour)
		w.want("and as it was left")
	})
}

func TestWhatIsStatedLaterIsWeighedAnew(t *testing.T) {
	settled(t, func(t *testing.T, w *world) {
		r := w.reserve()
		less := without(r.Provider, providers.FieldCPU)
		r.says = func() *providers.Capabilities { return less }
		if err := w.hv.Outside().SetCPU("web", 1, true); err != nil {
			t.Fatal(err)
		}
		w.want("CPUs are not compared")
		w.want("nor the next time")
		r.says = r.Provider.Capabilities
		w.want("they are now", "reconfigure default/web live cpu=2")
		w.want("and are as wanted")
		w.pass()
		if n := w.store.count(); n != 0 {
			t.Errorf("%d journal writes in an idle pass", n)
		}
	})
}

// TestWhatIsComparedNowIsRemembered lets a trait be compared only later. What
// the record of the VM says was applied has it then.
func TestWhatIsComparedNowIsRemembered(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		r := w.reserve()
		less := without(r.Provider, providers.FieldCPUHotAdd)
		r.says = func() *providers.Capabilities { return less }
		w.src.put("web.yaml", vmText("web", ""))
		w.want("web is made", "create lab/default/web", "power default/web start")
		w.want("and is as wanted")
		applied := func() string {
			all, err := w.store.Records()
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range all {
				return rec.Applied[string(providers.FieldCPUHotAdd)]
			}
			return ""
		}
		if got := applied(); got != "" {
			t.Errorf("%s was applied, and is not compared", got)
		}
		r.says = r.Provider.Capabilities
		w.want("it is as wanted in this, too")
		if got := applied(); got != "true" {
			t.Errorf("the record says %q of what is compared now, want true", got)
		}
	})
}

func TestASlotIsGivenBackToWhereItWasTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(Endpoint{})
		begun, end, ended := make(chan struct{}), make(chan struct{}), make(chan error)
		go func() {
			ended <- g.call(t.Context(), time.Minute, func(context.Context) error { close(begun); <-end; return nil })
		}()
		<-begun
		old := g.stated.places()
		g.heed(&providers.Capabilities{Concurrency: 1})
		if err := g.call(t.Context(), time.Minute, func(context.Context) error { return nil }); err != nil {
			t.Error(err)
		}
		if len(old) != 1 || len(g.stated.places()) != 0 {
			t.Errorf("%d of the old slots and %d of the new are held, want the one of the call in flight", len(old), len(g.stated.places()))
		}
		close(end)
		if err := <-ended; err != nil || len(old) != 0 || len(g.stated.places()) != 0 {
			t.Errorf("%v, and %d of the old slots and %d of the new are still held", err, len(old), len(g.stated.places()))
		}
		if now := g.stated.places(); cap(now) != 1 {
			t.Errorf("%d calls at once, want the one that is stated", cap(now))
		}
		g.heed(&providers.Capabilities{Concurrency: 1, MemoryShrinksLive: true})
		if held, err := g.enter(t.Context()); err != nil || cap(held) != 1 || len(held) != 1 {
			t.Errorf("the same number makes other slots: %d of %d, %v", len(held), cap(held), err)
		}
	})
}
