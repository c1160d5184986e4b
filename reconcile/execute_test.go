package reconcile

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vmsteward/vmsteward/providers/memory"
)

// many is more VMs than a crew has room for.
const many = atWork + 150

func newMany(t *testing.T) *world {
	w := newWorld(t)
	for i := range many {
		name := fmt.Sprintf("vm-%03d", i)
		w.src.put(name+".yaml", vmText(name, ""))
	}
	return w
}

// TestACrewIsInTheMidstOfItsCalls counts how many VMs a pass that has much to
// do begins with.
func TestACrewIsInTheMidstOfItsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMany(t)
		var begun atomic.Int32
		written := make(chan struct{})
		w.store.before = func(int) error {
			begun.Add(1)
			<-written
			return nil
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.pass()
		}()
		synctest.Wait()
		// The first write is that of the endpoints that were read.
		written <- struct{}{}
		synctest.Wait()
		if n := begun.Load() - 1; n != atWork {
			t.Errorf("%d VMs are in the midst of their calls, want %d", n, atWork)
		}
		close(written)
		<-done
		if n := len(w.engine.Latest().Results); n != many {
			t.Errorf("%d VMs were made, want %d", n, many)
		}
	})
}

// TestWhoWaitsStepsAside has a hypervisor that takes a minute for each VM, and
// for all of them at once.
func TestWhoWaitsStepsAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newMany(t)
		w.hv.SetNature(memory.Nature{Late: time.Minute})
		begun := time.Now()
		w.pass()
		if took := time.Since(begun); took > 90*time.Second {
			t.Errorf("%d VMs took %s, one takes a minute", many, took)
		}
		if n := w.engine.Latest().Applied(); n != many {
			t.Errorf("%d VMs were made, want %d", n, many)
		}
	})
}
