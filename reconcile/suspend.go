package reconcile

import (
	"maps"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// suspendedState is the name of the suspensions in the journal.
const suspendedState = "suspended"

// Suspensions returns what is suspended now: by VM, and everything under the
// zero Key.
func (e *Engine) Suspensions() (map[manifest.Key]plan.Suspension, error) {
	e.suspending.Lock()
	defer e.suspending.Unlock()
	return e.suspensions()
}

func (e *Engine) suspensions() (map[manifest.Key]plan.Suspension, error) {
	all := make(map[manifest.Key]plan.Suspension)
	if err := e.opts.Journal.State(suspendedState, &all); err != nil {
		return nil, err
	}
	now := time.Now()
	maps.DeleteFunc(all, func(_ manifest.Key, s plan.Suspension) bool { return s.Over(now) })
	return all, nil
}

// Suspend has later passes leave a VM alone, or everything under the zero Key.
// It survives a restart, and is lost with the journal.
func (e *Engine) Suspend(vm manifest.Key, s plan.Suspension) error {
	return e.changeSuspensions(func(all map[manifest.Key]plan.Suspension) { all[vm] = s })
}

// Resume ends a suspension. Resuming everything ends those of single VMs too.
func (e *Engine) Resume(vm manifest.Key) error {
	return e.changeSuspensions(func(all map[manifest.Key]plan.Suspension) {
		if vm == plan.Everything {
			clear(all)
		}
		delete(all, vm)
	})
}

func (e *Engine) changeSuspensions(change func(map[manifest.Key]plan.Suspension)) error {
	e.suspending.Lock()
	defer e.suspending.Unlock()
	all, err := e.suspensions()
	if err != nil {
		return err
	}
	change(all)
	return e.opts.Journal.SetState(suspendedState, all)
}
