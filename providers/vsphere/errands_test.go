package vsphere

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

// TestErrands is about when a task has to be asked for though a stream tells
// of tasks.
func TestErrands(t *testing.T) {
	const task = "task-7"
	says := func(e *errands, state types.TaskInfoState, percent int32) {
		e.told(&types.ObjectUpdate{
			Kind: types.ObjectUpdateKindModify, Obj: types.ManagedObjectReference{Type: taskType, Value: task},
			ChangeSet: []types.PropertyChange{{Name: watchedState, Val: state}, {Name: watchedPercent, Val: percent}},
		})
	}
	running := func(e *errands) { says(e, types.TaskInfoStateRunning, 40) }
	for _, r := range []struct {
		reason   string
		set      func(*errands)
		done, ok bool
		percent  int
	}{
		{"nobody told of it", func(*errands) {}, false, false, 0},
		{"it waits for its turn", func(e *errands) { says(e, types.TaskInfoStateQueued, 0) }, false, true, 0},
		{"it goes on", running, false, true, 40},
		{"it has come further", func(e *errands) {
			running(e)
			e.told(&types.ObjectUpdate{
				Kind: types.ObjectUpdateKindModify, Obj: types.ManagedObjectReference{Type: taskType, Value: task},
				ChangeSet: []types.PropertyChange{{Name: watchedPercent, Val: int32(80)}},
			})
		}, false, true, 80},
		{"it has succeeded", func(e *errands) { running(e); says(e, types.TaskInfoStateSuccess, 100) }, true, true, 100},
		{"it has failed, and why is asked", func(e *errands) { running(e); says(e, types.TaskInfoStateError, 40) }, false, false, 0},
		{"it has long been silent", func(e *errands) { running(e); time.Sleep(believed) }, false, false, 40},
		{"it was silent, and found to go on", func(e *errands) { running(e); time.Sleep(believed); e.seen(task) }, false, true, 40},
		{"it was found to go on by one whom nobody tells", func(e *errands) { e.seen(task) }, false, false, 0},
		{"the vCenter forgets it", func(e *errands) {
			says(e, types.TaskInfoStateSuccess, 100)
			e.told(&types.ObjectUpdate{Kind: types.ObjectUpdateKindLeave, Obj: types.ManagedObjectReference{Type: taskType, Value: task}})
		}, false, false, 0},
		{"the stream is lost", func(e *errands) { running(e); e.lost() }, false, false, 0},
	} {
		t.Run(r.reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var e errands
				r.set(&e)
				done, percent, ok := e.of(task)
				if done != r.done || ok != r.ok || percent != r.percent {
					t.Errorf("done %t, %d %%, known %t; want %t, %d %%, %t", done, percent, ok, r.done, r.percent, r.ok)
				}
			})
		})
	}
}
