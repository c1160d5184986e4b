package vcsim

import (
	"bytes"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// RevertToSnapshotTask carries the method out. The simulator notes only which
// snapshot the VM has gone on from; a vCenter brings its configuration back,
// and the state of power that the snapshot holds.
func (l *law) RevertToSnapshotTask(ctx *simulator.Context, req *types.RevertToSnapshot_Task) soap.HasFault {
	snapshot, ok := ctx.Map.Get(req.This).(*simulator.VirtualMachineSnapshot)
	if !ok {
		return refuse(&types.ManagedObjectNotFound{Obj: req.This})
	}
	vm, fault := machine(ctx, snapshot.Vm)
	if fault != nil {
		return refuse(fault)
	}
	task := l.begin(ctx, snapshot.Vm, "RevertToSnapshot_Task", func() (types.AnyType, types.BaseMethodFault) {
		res, fault := result(ctx, snapshot.RevertToSnapshotTask(ctx, req))
		if fault == nil {
			ctx.WithLock(vm, func() { fault = restore(ctx, vm, snapshot) })
		}
		return res, fault
	})
	return &methods.RevertToSnapshot_TaskBody{Res: &types.RevertToSnapshot_TaskResponse{Returnval: task}}
}

// restore brings back what a snapshot holds; the VM's lock is held.
func restore(ctx *simulator.Context, vm *simulator.VirtualMachine, snapshot *simulator.VirtualMachineSnapshot) types.BaseMethodFault {
	var text bytes.Buffer
	config := &types.VirtualMachineConfigInfo{}
	if types.NewJSONEncoder(&text).Encode(snapshot.Config) != nil || types.NewJSONDecoder(&text).Decode(config) != nil {
		return &types.SnapshotFault{}
	}
	config.ChangeVersion = time.Now().UTC().Format(time.RFC3339Nano)
	power := types.VirtualMachinePowerStatePoweredOff
	if vm.Snapshot != nil {
		power = stateIn(vm.Snapshot.RootSnapshotList, snapshot.Self)
	}
	ctx.Update(vm, []types.PropertyChange{
		{Name: "config", Val: config},
		{Name: "config.changeVersion", Val: config.ChangeVersion},
		{Name: "runtime.powerState", Val: power},
		{Name: "summary.runtime.powerState", Val: power},
	})
	return nil
}

// stateIn returns the state of power of a snapshot of a tree.
func stateIn(tree []types.VirtualMachineSnapshotTree, ref types.ManagedObjectReference) types.VirtualMachinePowerState {
	for _, s := range tree {
		if s.Snapshot == ref {
			return s.State
		}
		if state := stateIn(s.ChildSnapshotList, ref); state != "" {
			return state
		}
	}
	return ""
}
