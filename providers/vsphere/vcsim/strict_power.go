package vcsim

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// PowerOnVMTask carries the method out.
func (l *law) PowerOnVMTask(ctx *simulator.Context, req *types.PowerOnVM_Task) soap.HasFault {
	return l.act(ctx, req.This, "PowerOnVM_Task", noTemplate, func(vm *simulator.VirtualMachine) soap.HasFault {
		return vm.PowerOnVMTask(ctx, req)
	})
}

// PowerOffVMTask carries the method out.
func (l *law) PowerOffVMTask(ctx *simulator.Context, req *types.PowerOffVM_Task) soap.HasFault {
	return l.act(ctx, req.This, "PowerOffVM_Task", noTemplate, func(vm *simulator.VirtualMachine) soap.HasFault {
		return vm.PowerOffVMTask(ctx, req)
	})
}

// CreateSnapshotTask carries the method out.
func (l *law) CreateSnapshotTask(ctx *simulator.Context, req *types.CreateSnapshot_Task) soap.HasFault {
	return l.act(ctx, req.This, "CreateSnapshot_Task", quiescible(req.Quiesce), func(vm *simulator.VirtualMachine) soap.HasFault {
		return vm.CreateSnapshotTask(ctx, req)
	})
}

// CreateSnapshotExTask carries the method out.
func (l *law) CreateSnapshotExTask(ctx *simulator.Context, req *types.CreateSnapshotEx_Task) soap.HasFault {
	return l.act(ctx, req.This, "CreateSnapshotEx_Task", quiescible(req.QuiesceSpec != nil), func(vm *simulator.VirtualMachine) soap.HasFault {
		return vm.CreateSnapshotExTask(ctx, req)
	})
}

// quiescible refuses to quiesce a guest that is not there to do it.
func quiescible(quiesce bool) func(*simulator.VirtualMachine) types.BaseMethodFault {
	return func(vm *simulator.VirtualMachine) types.BaseMethodFault {
		on := vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn
		if quiesce && on && !toolsRun(&vm.VirtualMachine) {
			return &types.ApplicationQuiesceFault{}
		}
		return nil
	}
}

// ShutdownGuest carries the method out.
func (l *law) ShutdownGuest(ctx *simulator.Context, req *types.ShutdownGuest) soap.HasFault {
	return l.askGuest(ctx, req.This, &methods.ShutdownGuestBody{Res: &types.ShutdownGuestResponse{}},
		func(vm *simulator.VirtualMachine) soap.HasFault { return vm.ShutdownGuest(ctx, req) })
}

// RebootGuest carries the method out.
func (l *law) RebootGuest(ctx *simulator.Context, req *types.RebootGuest) soap.HasFault {
	return l.askGuest(ctx, req.This, &methods.RebootGuestBody{Res: &types.RebootGuestResponse{}},
		func(vm *simulator.VirtualMachine) soap.HasFault { return vm.RebootGuest(ctx, req) })
}

// askGuest asks something of the guest, which must have its tools for it. One
// that is deaf is asked, and does nothing.
func (l *law) askGuest(ctx *simulator.Context, ref types.ManagedObjectReference, asked soap.HasFault,
	call func(*simulator.VirtualMachine) soap.HasFault,
) (res soap.HasFault) {
	vm, fault := machine(ctx, ref)
	if fault != nil {
		return refuse(fault)
	}
	ctx.WithLock(vm, func() {
		on := vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn
		switch {
		case on && !toolsRun(&vm.VirtualMachine):
			res = refuse(&types.ToolsUnavailable{})
		case on && l.s.guests.deaf(ref):
			res = asked
		default:
			res = call(vm)
		}
	})
	return res
}
