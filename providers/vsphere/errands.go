package vsphere

import (
	"sync"
	"time"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// errands are the tasks of the vCenter that a stream has told of, so that most
// of them need not be asked for. The zero value knows none. It is safe for
// many goroutines.
type errands struct {
	mu    sync.Mutex
	tasks map[providers.TaskRef]errand
}

// errand is what was told of a task.
type errand struct {
	state   types.TaskInfoState
	percent int
	known   time.Time // when it was last told of, or looked at
}

// The properties of a task that are watched.
const (
	watchedState   = "info.state"
	watchedPercent = "info.progress"
)

// believed is for how long a task goes on of which nothing more is told: a
// stream may be silent because it is broken.
const believed = 20 * time.Second

// recentTasks selects the tasks that the vCenter counts as recent: those that
// have not ended, and those that did so some minutes ago.
func recentTasks(manager types.ManagedObjectReference) types.PropertyFilterSpec {
	return types.PropertyFilterSpec{
		ObjectSet: []types.ObjectSpec{{Obj: manager, Skip: types.NewBool(true), SelectSet: []types.BaseSelectionSpec{
			&types.TraversalSpec{Type: "TaskManager", Path: "recentTask"},
		}}},
		PropSet: []types.PropertySpec{{Type: taskType, PathSet: []string{watchedState, watchedPercent}}},
	}
}

const taskType = "Task"

// told takes in what a stream says of a task.
func (e *errands) told(u *types.ObjectUpdate) {
	e.mu.Lock()
	defer e.mu.Unlock()
	ref := providers.TaskRef(u.Obj.Value)
	if u.Kind == types.ObjectUpdateKindLeave {
		delete(e.tasks, ref)
		return
	}
	t := e.tasks[ref]
	for i := range u.ChangeSet {
		switch c := &u.ChangeSet[i]; c.Name {
		case watchedState:
			t.state, _ = c.Val.(types.TaskInfoState)
		case watchedPercent:
			percent, _ := c.Val.(int32)
			t.percent = int(percent)
		}
	}
	if e.tasks == nil {
		e.tasks = make(map[providers.TaskRef]errand)
	}
	t.known = time.Now()
	e.tasks[ref] = t
}

// of returns what is known of a task. ok is false if it has to be asked for:
// nobody told of it, or not for long, or it failed, which has a reason.
func (e *errands) of(task providers.TaskRef) (done bool, percent int, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.tasks[task]
	switch t.state {
	case types.TaskInfoStateSuccess:
		return true, 100, true
	case types.TaskInfoStateQueued, types.TaskInfoStateRunning:
		return false, t.percent, time.Since(t.known) < believed
	}
	return false, 0, false
}

// seen notes that a task was found to go on, if a stream tells of it.
func (e *errands) seen(task providers.TaskRef) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t, ok := e.tasks[task]; ok {
		t.known = time.Now()
		e.tasks[task] = t
	}
}

// lost forgets everything: nobody tells any more.
func (e *errands) lost() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tasks = nil
}
