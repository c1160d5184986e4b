package vsphere

import (
	"context"
	"errors"
	"strings"

	collector "github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// taskPrefix begins the names that vCenter gives its tasks; anything else is
// work of ours.
const taskPrefix = "task-"

// IsTaskComplete implements providers.Provider.
func (p *Provider) IsTaskComplete(ctx context.Context, task providers.TaskRef) (bool, error) {
	if id, ok := strings.CutPrefix(string(task), shutdownTask); ok {
		return p.isOff(ctx, id)
	}
	if rest, ok := strings.CutPrefix(string(task), upgradeTask); ok {
		return p.isUpgraded(ctx, rest)
	}
	if isImport(task) {
		return p.images.complete(ctx, p, task)
	}
	if !strings.HasPrefix(string(task), taskPrefix) {
		return ctx.Err() == nil, ctx.Err()
	}
	if done, percent, ok := p.errands.of(task); ok && ctx.Err() == nil {
		if done {
			p.progress.Forget(task)
		} else {
			p.progress.Note(task, percent)
		}
		return done, nil
	}
	var info types.TaskInfo
	known := true
	err := p.do(ctx, "task", string(task), func(ctx context.Context, c *vim25.Client) (err error) {
		info, known, err = readTask(ctx, c, task)
		return err
	})
	if err != nil || !known {
		return err == nil, err
	}
	switch info.State {
	case types.TaskInfoStateSuccess:
		p.progress.Forget(task)
		return true, nil
	case types.TaskInfoStateError:
		p.progress.Forget(task)
		return true, translate(operation(&info), info.EntityName, taskFailure(&info))
	}
	p.errands.seen(task)
	p.progress.Note(task, int(info.Progress))
	return false, nil
}

// readTask reads a task. One that the server does not know, or knows no more,
// is not known.
func readTask(ctx context.Context, c *vim25.Client, task providers.TaskRef) (info types.TaskInfo, known bool, err error) {
	ref := types.ManagedObjectReference{Type: "Task", Value: string(task)}
	var t mo.Task
	err = collector.DefaultCollector(c).RetrieveOne(ctx, ref, []string{"info"}, &t)
	if isFault[*types.ManagedObjectNotFound](err) {
		return info, false, nil
	}
	return t.Info, true, err
}

// taskFailure is the error of a task that ended badly; nil for one that wanted
// what is so already.
func taskFailure(info *types.TaskInfo) error {
	if info.Error == nil {
		return errors.New("the task failed without a reason")
	}
	if state, ok := info.Error.Fault.(*types.InvalidPowerState); ok && state.RequestedState == state.ExistingState {
		return nil
	}
	return &taskError{info.Error}
}

// taskError is the failure of a task.
type taskError struct{ *types.LocalizedMethodFault }

// Error implements error.
func (e *taskError) Error() string { return e.LocalizedMessage }

// Fault lets translate see the fault.
func (e *taskError) Fault() types.BaseMethodFault { return e.LocalizedMethodFault.Fault }

// operation names a task in the words of the contract: what it is that failed,
// for the one who reads the error.
func operation(info *types.TaskInfo) string {
	name := strings.TrimSuffix(info.Name, "_Task")
	if word, ok := operations[name]; ok {
		return word
	}
	return orElse(name, "task")
}

var operations = map[string]string{
	"CloneVM": "create", "CreateVM": "create", "ReconfigVM": "reconfigure", "Rename": "reconfigure",
	"UpgradeVM": "reconfigure", "PowerOnVM": "power", "PowerOffVM": "power", "Destroy": "delete",
	"CreateSnapshot": "snapshot", "CreateSnapshotEx": "snapshot", "RevertToSnapshot": "snapshot", "RemoveSnapshot": "snapshot",
}

// begun is the reference of a task that was begun.
func begun(task types.ManagedObjectReference) providers.TaskRef {
	return providers.TaskRef(task.Value)
}
