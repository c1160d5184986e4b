package vcsim

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// CreateVMTask carries the method out.
func (l *law) CreateVMTask(ctx *simulator.Context, req *types.CreateVM_Task) soap.HasFault {
	folder, ok := ctx.Map.Get(req.This).(*simulator.Folder)
	if !ok {
		return refuse(&types.ManagedObjectNotFound{Obj: req.This})
	}
	if fault := plausible(&req.Config); fault != nil {
		return refuse(fault)
	}
	release, fault := l.newcomer(ctx, folder, req.Config.Name, &req.Config)
	if fault != nil {
		return refuse(fault)
	}
	task := l.begin(ctx, req.This, "CreateVM_Task", func() (types.AnyType, types.BaseMethodFault) {
		var res soap.HasFault
		ctx.WithLock(folder, func() { res = folder.CreateVMTask(ctx, req) })
		return result(ctx, res)
	}, release)
	return &methods.CreateVM_TaskBody{Res: &types.CreateVM_TaskResponse{Returnval: task}}
}

// newcomer holds the name and the UUID of a VM that is to be made. A vCenter
// knows a name once in a folder and an instance UUID once.
func (l *law) newcomer(ctx *simulator.Context, folder *simulator.Folder, name string, config *types.VirtualMachineConfigSpec) (func(), types.BaseMethodFault) {
	uuid := ""
	if config != nil {
		uuid = config.InstanceUuid
	}
	if uuid != "" && len(l.index.find(uuid, true)) > 0 {
		return nil, &types.InvalidArgument{InvalidProperty: "config.instanceUuid"}
	}
	if fault := unused(ctx, folder, name); fault != nil {
		return nil, fault
	}
	release, ok := l.index.take(folder.Self.Value+"/"+name, uuid)
	if !ok {
		return nil, &types.DuplicateName{Name: name, Object: folder.Self}
	}
	if fault := unused(ctx, folder, name); fault != nil { // it was made meanwhile
		release()
		return nil, fault
	}
	return release, nil
}

// unused refuses a name that the folder has already.
func unused(ctx *simulator.Context, folder *simulator.Folder, name string) (fault types.BaseMethodFault) {
	var children []types.ManagedObjectReference
	ctx.WithLock(folder, func() { children = append(children, folder.ChildEntity...) })
	if e := ctx.Map.FindByName(name, children); e != nil {
		return &types.DuplicateName{Name: name, Object: e.Reference()}
	}
	return nil
}

// RenameTask carries the method out, for VMs.
func (l *law) RenameTask(ctx *simulator.Context, req *types.Rename_Task) soap.HasFault {
	if _, fault := machine(ctx, req.This); fault != nil {
		return refuse(&types.NotSupported{})
	}
	if fault := l.renamed(ctx, req.This, req.NewName); fault != nil {
		return refuse(fault)
	}
	return l.act(ctx, req.This, "Rename_Task", anything, func(vm *simulator.VirtualMachine) soap.HasFault {
		return vm.RenameTask(ctx, req)
	})
}

// renamed refuses a new name that another in the VM's folder has.
func (l *law) renamed(ctx *simulator.Context, ref types.ManagedObjectReference, name string) types.BaseMethodFault {
	vm, fault := machine(ctx, ref)
	if fault != nil {
		return fault
	}
	var parent types.ManagedObjectReference
	same := false
	ctx.WithLock(vm, func() { parent, same = *vm.Parent, vm.Name == name })
	folder, ok := ctx.Map.Get(parent).(*simulator.Folder)
	if !ok || same || name == "" {
		return nil
	}
	return unused(ctx, folder, name)
}

// DestroyTask carries the method out, for VMs. The simulator's task does not
// wait for the VM's files to go; a vCenter's does.
func (l *law) DestroyTask(ctx *simulator.Context, req *types.Destroy_Task) soap.HasFault {
	vm, fault := machine(ctx, req.This)
	if fault != nil {
		return refuse(fault)
	}
	task := l.begin(ctx, req.This, "Destroy_Task", func() (types.AnyType, types.BaseMethodFault) {
		var res soap.HasFault
		ctx.WithLock(vm, func() { res = vm.DestroyTask(ctx, req) })
		out, fault := result(ctx, res)
		l.deleted(ctx)
		return out, fault
	})
	return taskBody("Destroy_Task", task)
}

// deleted waits until the files are gone that are being deleted.
func (l *law) deleted(ctx *simulator.Context) {
	manager := ctx.Map.Get(*l.s.admin.ServiceContent.TaskManager).(*simulator.TaskManager)
	var recent []types.ManagedObjectReference
	ctx.WithLock(manager, func() { recent = append(recent, manager.RecentTask...) })
	for _, ref := range recent {
		task, ok := ctx.Map.Get(ref).(*simulator.Task)
		if ok && task.Info.DescriptionId == "FileManager.deleteDatastoreFile" {
			_, _ = await(ctx, ref)
		}
	}
}
