package vsphere

import (
	"context"
	"fmt"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/providers"
)

// shutdownTask begins the TaskRef of a graceful shutdown; the VM's id follows.
// vCenter has no task for it: the guest takes its time, and the state tells
// when it is done.
const shutdownTask = "shutdown:"

// Power implements providers.Provider. A VM that is suspended is resumed by a
// start, and loses what it was doing by a stop.
func (p *Provider) Power(ctx context.Context, ref providers.Ref, op providers.PowerOp) (providers.TaskRef, error) {
	var task providers.TaskRef
	err := p.do(ctx, "power", ref.Owner.VM.String(), func(ctx context.Context, c *vim25.Client) error {
		t, err := p.find(ctx, c, ref)
		if err != nil {
			return err
		}
		switch op {
		case providers.PowerStart:
			task, err = powerOn(ctx, c, t)
		case providers.PowerStop:
			task, err = powerOff(ctx, c, t)
		case providers.PowerShutdown:
			task, err = p.shutdown(ctx, c, t, ref)
		case providers.PowerReboot:
			err = reboot(ctx, c, t)
		default:
			err = &providers.Error{Kind: providers.NotSupported, Err: fmt.Errorf("%q is no act on the power state", op)}
		}
		return err
	})
	return task, err
}

func powerOn(ctx context.Context, c *vim25.Client, t *target) (providers.TaskRef, error) {
	if t.vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
		return "", nil
	}
	res, err := methods.PowerOnVM_Task(ctx, c, &types.PowerOnVM_Task{This: t.vm.Self})
	if err != nil {
		return "", unlessThere(err)
	}
	return begun(res.Returnval), nil
}

func powerOff(ctx context.Context, c *vim25.Client, t *target) (providers.TaskRef, error) {
	if t.vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOff {
		return "", nil
	}
	res, err := methods.PowerOffVM_Task(ctx, c, &types.PowerOffVM_Task{This: t.vm.Self})
	if err != nil {
		return "", unlessThere(err)
	}
	return begun(res.Returnval), nil
}

// unlessThere takes the error away if it says that the VM is in the wanted
// state already: another was faster.
func unlessThere(err error) error {
	if state, ok := faultOf(err).(*types.InvalidPowerState); ok && state.RequestedState == state.ExistingState {
		return nil
	}
	return err
}

// shutdown asks the guest to go off, by the tools in it. A guest whose tools
// do not run is like one that does not listen: the task is there, and is not
// complete until the VM is off.
func (p *Provider) shutdown(ctx context.Context, c *vim25.Client, t *target, ref providers.Ref) (providers.TaskRef, error) {
	task := providers.TaskRef(shutdownTask + identity(t))
	switch t.vm.Runtime.PowerState {
	case types.VirtualMachinePowerStatePoweredOff:
		return "", nil
	case types.VirtualMachinePowerStateSuspended:
		return "", conflict("the VM is suspended and cannot shut down; start it first, or stop it")
	}
	_, err := methods.ShutdownGuest(ctx, c, &types.ShutdownGuest{This: t.vm.Self})
	switch f := faultOf(err).(type) {
	case *types.ToolsUnavailable:
		p.log.Warn("the guest's tools do not run, so it cannot be asked to shut down", logkey.VM, ref.Owner.VM.String())
		return task, nil
	case *types.TaskInProgress: // it shuts down, or is being powered off
		return task, nil
	case *types.InvalidPowerState:
		if f.ExistingState == types.VirtualMachinePowerStatePoweredOff {
			return "", nil
		}
	}
	if err != nil {
		return "", err
	}
	return task, nil
}

// identity is what a VM is named by from now on.
func identity(t *target) string {
	if t.mark != nil {
		return t.mark.UUID
	}
	return t.vm.Self.Value
}

// reboot asks the guest to restart.
func reboot(ctx context.Context, c *vim25.Client, t *target) error {
	if t.vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn {
		return conflict("the VM does not run and cannot restart; start it")
	}
	_, err := methods.RebootGuest(ctx, c, &types.RebootGuest{This: t.vm.Self})
	return err
}

// isOff tells whether a VM that was asked to shut down is off, or gone.
func (p *Provider) isOff(ctx context.Context, id string) (bool, error) {
	off := false
	err := p.do(ctx, "task", shutdownTask+id, func(ctx context.Context, c *vim25.Client) error {
		t, err := p.read(ctx, c, providers.Ref{ID: id})
		if providers.IsAbsent(err) {
			off = true
			return nil
		}
		if err != nil {
			return err
		}
		off = t.vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOff
		return nil
	})
	return off && err == nil, err
}
