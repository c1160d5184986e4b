package vcsim

import (
	"reflect"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// act is a task about a VM: it checks something, and carries the call out with
// nobody in between.
func (l *law) act(ctx *simulator.Context, ref types.ManagedObjectReference, method string,
	check func(*simulator.VirtualMachine) types.BaseMethodFault, call func(*simulator.VirtualMachine) soap.HasFault,
) soap.HasFault {
	vm, fault := machine(ctx, ref)
	if fault != nil {
		return refuse(fault)
	}
	task := l.begin(ctx, ref, method, func() (types.AnyType, types.BaseMethodFault) {
		var res soap.HasFault
		var fault types.BaseMethodFault
		ctx.WithLock(vm, func() {
			if fault = check(vm); fault == nil {
				res = call(vm)
			}
		})
		if fault != nil {
			return nil, fault
		}
		return result(ctx, res)
	})
	return taskBody(method, task)
}

// begin runs work as a task of its own. The simulator holds an object's lock
// while a task of it runs, and nobody could look at the object; a vCenter lets
// one look. after is called when it has ended, however it has.
func (l *law) begin(ctx *simulator.Context, entity types.ManagedObjectReference, method string,
	work func() (types.AnyType, types.BaseMethodFault), after ...func(),
) types.ManagedObjectReference {
	l.s.tasks.Add(1)
	stand := types.ManagedObjectReference{Type: lawType, Value: l.s.serial()}
	verb := strings.TrimSuffix(method, "_Task")
	task := simulator.CreateTask(stand, verb+"Task", func(*simulator.Task) (made types.AnyType, fault types.BaseMethodFault) {
		defer l.s.tasks.Done()
		defer func() {
			for _, fn := range after {
				fn()
			}
		}()
		if fault := l.s.faults.atTask(method, entity.Value); fault != nil {
			return nil, fault
		}
		l.s.alone(func() { made, fault = work() })
		return made, fault
	})
	task.Info.DescriptionId = entity.Type + "." + verb
	task.Info.EntityName = entityName(ctx, entity)
	ref := task.Run(ctx)
	ctx.Map.AtomicUpdate(ctx, task, []types.PropertyChange{{Name: "info.entity", Val: entity}})
	return ref
}

func entityName(ctx *simulator.Context, ref types.ManagedObjectReference) (name string) {
	if e, ok := ctx.Map.Get(ref).(mo.Entity); ok {
		ctx.WithLock(e, func() { name = e.Entity().Name })
	}
	return name
}

// result waits for the task that a call began, and returns how it ended.
func result(ctx *simulator.Context, res soap.HasFault) (types.AnyType, types.BaseMethodFault) {
	if f := res.Fault(); f != nil {
		return nil, f.VimFault().(types.BaseMethodFault)
	}
	ref := reflect.ValueOf(res).Elem().FieldByName("Res").Elem().FieldByName("Returnval").Interface().(types.ManagedObjectReference)
	return await(ctx, ref)
}

// await waits for a task.
func await(ctx *simulator.Context, ref types.ManagedObjectReference) (types.AnyType, types.BaseMethodFault) {
	task := ctx.Map.Get(ref).(*simulator.Task)
	other := &simulator.Context{} // ctx shares its locks with the task
	for {
		var info types.TaskInfo
		ctx.Map.WithLock(other, task, func() { info = task.Info })
		switch info.State {
		case types.TaskInfoStateSuccess:
			return info.Result, nil
		case types.TaskInfoStateError:
			return nil, info.Error.Fault
		}
		<-time.After(time.Millisecond)
	}
}

// taskBody answers a call with a task.
func taskBody(method string, task types.ManagedObjectReference) soap.HasFault {
	switch method {
	case "CreateVM_Task":
		return &methods.CreateVM_TaskBody{Res: &types.CreateVM_TaskResponse{Returnval: task}}
	case "CloneVM_Task":
		return &methods.CloneVM_TaskBody{Res: &types.CloneVM_TaskResponse{Returnval: task}}
	case "ReconfigVM_Task":
		return &methods.ReconfigVM_TaskBody{Res: &types.ReconfigVM_TaskResponse{Returnval: task}}
	case "Rename_Task":
		return &methods.Rename_TaskBody{Res: &types.Rename_TaskResponse{Returnval: task}}
	case "Destroy_Task":
		return &methods.Destroy_TaskBody{Res: &types.Destroy_TaskResponse{Returnval: task}}
	case "PowerOnVM_Task":
		return &methods.PowerOnVM_TaskBody{Res: &types.PowerOnVM_TaskResponse{Returnval: task}}
	case "PowerOffVM_Task":
		return &methods.PowerOffVM_TaskBody{Res: &types.PowerOffVM_TaskResponse{Returnval: task}}
	case "CreateSnapshot_Task":
		return &methods.CreateSnapshot_TaskBody{Res: &types.CreateSnapshot_TaskResponse{Returnval: task}}
	case "CreateSnapshotEx_Task":
		return &methods.CreateSnapshotEx_TaskBody{Res: &types.CreateSnapshotEx_TaskResponse{Returnval: task}}
	}
	return refuse(&types.NotImplemented{})
}
