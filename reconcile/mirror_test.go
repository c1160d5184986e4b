package reconcile

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// followed is a world whose engine follows its hypervisor.
type followed struct {
	*world
	mu    sync.Mutex
	woken []string
	end   func()
}

func follow(w *world) *followed {
	f := &followed{world: w}
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.engine.Watch(ctx, func(reason string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.woken = append(f.woken, reason)
		})
	}()
	f.end = func() { cancel(); <-done }
	synctest.Wait()
	return f
}

// reasons returns what woke a pass since it was last asked.
func (f *followed) reasons() string {
	time.Sleep(2 * pulseEvery)
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	all := strings.Join(f.woken, "; ")
	f.woken = nil
	return all
}

// reads runs a pass and returns how often the endpoint was read in full and
// how many VMs were read alone, for observing.
func (f *followed) reads() (lists, described int) {
	f.t.Helper()
	f.pass()
	counts := f.hv.Counts()
	return counts["list"], counts["describe"]
}

// TestPassReadsWhatChanged counts what passes read of an endpoint that tells
// of its changes.
func TestPassReadsWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, name := range []string{"a", "b", "c", "d"} {
			w.src.put(name+".yaml", vmText(name, ""))
		}
		w.pass()
		f := follow(w)
		defer f.end()
		w.opts.Changed = true
		check := func(reason string, lists, described int) {
			t.Helper()
			l, d := f.reads()
			if diff := cmp.Diff([]int{lists, described}, []int{l, d}); diff != "" {
				t.Errorf("%s: full reads and VMs read alone (-want +got):\n%s", reason, diff)
			}
		}
		f.reasons()
		check("what was before it is followed is not known", 1, 0)
		check("nothing changed, nothing is read", 0, 0)

		if err := w.hv.Outside().SetMemory("b", 512, true); err != nil {
			t.Fatal(err)
		}
		if got := f.reasons(); !strings.Contains(got, "tells of a change") {
			t.Errorf("an outside change woke: %q", got)
		}
		check("one changed: it is read, corrected and verified", 0, 2)
		f.reasons()
		check("our own correction is read again", 0, 1)

		w.opts.Changed = false
		check("a scheduled pass reads everything", 1, 0)
		w.opts.Changed = true
		if err := w.hv.Outside().Undefine("c"); err != nil {
			t.Fatal(err)
		}
		f.reasons()
		w.want("a VM that went is made again", "create lab/default/c", "power default/c start")
		f.reasons()
		w.want("and then is there")
		if _, err := w.hv.Outside().AddForeign(memory.Foreign{Name: "stranger"}); err != nil {
			t.Fatal(err)
		}
		f.reasons()
		check("a stranger that came is read", 0, 1)
	})
}

// TestLostStreamMeansFullReads loses the stream of changes: what happens
// meanwhile is found by a full read.
func TestLostStreamMeansFullReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.src.put("a.yaml", vmText("a", ""))
		w.pass()
		f := follow(w)
		defer f.end()
		w.opts.Changed = true
		f.reasons()
		f.reads()
		w.hv.LoseStreams()
		if err := w.hv.Outside().Destroy("a"); err != nil {
			t.Fatal(err)
		}
		if got := f.reasons(); !strings.Contains(got, "not followed any more") {
			t.Errorf("a lost stream woke: %q", got)
		}
		if lists, _ := f.reads(); lists != 1 {
			t.Errorf("%d full reads after the stream was lost, want 1", lists)
		}
		if calls := w.hv.Calls(); len(calls) != 1 || calls[0] != "power default/a start" {
			t.Errorf("what happened unseen led to %v", calls)
		}
		time.Sleep(time.Minute)
		f.reasons()
		f.reads()
		if lists, _ := f.reads(); lists != 0 {
			t.Errorf("%d full reads once it is followed again, want none", lists)
		}
	})
}

// TestSuspendedVMsAreLeftAlone suspends one VM, then everything, and lets the
// suspension run out.
func TestSuspendedVMsAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, name := range []string{"a", "b"} {
			w.src.put(name+".yaml", vmText(name, ""))
		}
		w.pass()
		destroy := func() {
			for _, name := range []string{"a", "b"} {
				if err := w.hv.Outside().Destroy(name); err != nil {
					t.Fatal(err)
				}
			}
		}
		until := time.Now().Add(time.Hour)
		if err := w.engine.Suspend(manifest.Key{Namespace: "default", Name: "a"}, plan.Suspension{Until: until, Reason: "disk swap"}); err != nil {
			t.Fatal(err)
		}
		destroy()
		rep := w.want("the other one is corrected", "power default/b start")
		if !rep.RetryAt.Equal(until) {
			t.Errorf("the next look is at %s, want %s", rep.RetryAt, until)
		}
		if err := w.engine.Suspend(plan.Everything, plan.Suspension{}); err != nil {
			t.Fatal(err)
		}
		destroy()
		w.want("nothing is done at all")
		time.Sleep(2 * time.Hour)
		w.want("one suspension is over, the other is not")
		w.restart()
		w.want("a restart forgets no suspension")
		if err := w.engine.Resume(plan.Everything); err != nil {
			t.Fatal(err)
		}
		w.want("resumed", "in any order", "power default/a start", "power default/b start")
	})
}

// TestMirrorKnowsAListAgain gives a mirror the same list twice, before and
// after single machines were read.
func TestMirrorKnowsAListAgain(t *testing.T) {
	list := &providers.Inventory{Complete: true, VMs: []providers.VM{{ID: "a", Power: providers.On}, {ID: "b", Power: providers.On}}}
	m := &mirror{}
	first := m.keep(list)
	lame := *list
	lame.Complete = false
	if again := m.keep(&lame); &again.VMs[0] != &first.VMs[0] || again.Complete || !first.Complete {
		t.Errorf("the same list: the same machines are copied, or it is not said that it is not complete")
	}
	m.put([]string{"a"}, []*providers.VM{{ID: "a", Power: providers.Off}})
	if again := m.keep(list); again.VMs[0].Power != providers.On {
		t.Errorf("the same list after one machine was read alone: it is %s", again.VMs[0].Power)
	}
	shorter := &providers.Inventory{Complete: true, VMs: list.VMs[:1]}
	if again := m.keep(shorter); len(again.VMs) != 1 {
		t.Errorf("a list that begins alike has %d machines", len(again.VMs))
	}
}
