package vsphere

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

const (
	on        = types.VirtualMachinePowerStatePoweredOn
	off       = types.VirtualMachinePowerStatePoweredOff
	suspended = types.VirtualMachinePowerStateSuspended
)

// into brings a VM into a state, as the administrator.
func (y *yard) into(vm *object.VirtualMachine, state types.VirtualMachinePowerState) {
	y.t.Helper()
	now := y.properties(vm, "runtime.powerState").Runtime.PowerState
	if now == state {
		return
	}
	if now != on {
		y.done(vm.PowerOn(y.ctx))
	}
	switch state {
	case off:
		y.done(vm.PowerOff(y.ctx))
	case suspended:
		y.done(vm.Suspend(y.ctx))
	}
}

// settle polls a task of the provider to its end, and returns how it ended.
func (y *yard) settle(task providers.TaskRef, err error) error {
	y.t.Helper()
	for done := task == ""; err == nil && !done; {
		done, err = y.p.IsTaskComplete(y.ctx, task)
	}
	return err
}

func TestPowerBringsTheVMIntoTheState(t *testing.T) {
	y := newYard(t, vcsim.Options{Bare: true})
	vm := y.make("web", marked(markFor("web")))
	for _, tc := range []struct {
		from   types.VirtualMachinePowerState
		op     providers.PowerOp
		to     types.VirtualMachinePowerState
		kind   providers.Kind // of the error; empty: none
		reason string
	}{
		{off, providers.PowerStart, on, "", "it is started"},
		{on, providers.PowerStart, on, "", "it runs already"},
		{suspended, providers.PowerStart, on, "", "it is resumed"},
		{on, providers.PowerStop, off, "", "the plug is pulled"},
		{off, providers.PowerStop, off, "", "it is off already"},
		{suspended, providers.PowerStop, off, "", "it loses what it was doing"},
		{on, providers.PowerShutdown, off, "", "the guest does it"},
		{off, providers.PowerShutdown, off, "", "it is off already"},
		{suspended, providers.PowerShutdown, suspended, providers.Conflict, "the guest cannot hear"},
		{on, providers.PowerReboot, on, "", "the guest does it"},
		{off, providers.PowerReboot, off, providers.Conflict, "a reboot is no start"},
		{suspended, providers.PowerReboot, suspended, providers.Conflict, "a reboot is no start"},
		{off, "fly", off, providers.NotSupported, "there is no such act"},
	} {
		y.into(vm, tc.from)
		task, err := y.p.Power(y.ctx, refTo("web"), tc.op)
		err = y.settle(task, err)
		if providers.KindOf(err) != tc.kind {
			t.Errorf("%s of a VM that is %s: %v, want kind %q: %s", tc.op, tc.from, err, tc.kind, tc.reason)
		}
		if now := y.properties(vm, "runtime.powerState").Runtime.PowerState; now != tc.to {
			t.Errorf("%s of a VM that is %s: it is %s, want %s: %s", tc.op, tc.from, now, tc.to, tc.reason)
		}
	}
}

// TestAStateThatCameMeanwhileIsASuccess: somebody else was faster, between our
// look and our act.
func TestAStateThatCameMeanwhileIsASuccess(t *testing.T) {
	y := newYard(t, vcsim.Options{Bare: true})
	y.make("web", marked(markFor("web")))
	was := func(state types.VirtualMachinePowerState) types.BaseMethodFault {
		return &types.InvalidPowerState{RequestedState: state, ExistingState: state}
	}
	for _, task := range []bool{false, true} {
		y.Fail(vcsim.Rule{Method: "PowerOnVM_Task", Fault: was(on), Task: task})
		if err := y.settle(y.p.Power(y.ctx, refTo("web"), providers.PowerStart)); err != nil {
			t.Errorf("start, as a task %t: %v", task, err)
		}
	}
	if err := y.settle(y.p.Power(y.ctx, refTo("web"), providers.PowerStart)); err != nil {
		t.Fatal(err)
	}
	for _, task := range []bool{false, true} {
		y.Fail(vcsim.Rule{Method: "PowerOffVM_Task", Fault: was(off), Task: task})
		if err := y.settle(y.p.Power(y.ctx, refTo("web"), providers.PowerStop)); err != nil {
			t.Errorf("stop, as a task %t: %v", task, err)
		}
	}
	y.Fail(vcsim.Rule{Method: "ShutdownGuest", Fault: &types.InvalidPowerState{RequestedState: on, ExistingState: off}})
	if task, err := y.p.Power(y.ctx, refTo("web"), providers.PowerShutdown); err != nil || task != "" {
		t.Errorf("shutdown: task %q, %v", task, err)
	}
	y.Fail(vcsim.Rule{Method: "PowerOnVM_Task", Fault: &types.InvalidPowerState{RequestedState: on, ExistingState: suspended}, Task: true})
	if err := y.settle(y.p.Power(y.ctx, refTo("web"), providers.PowerStart)); err != nil && providers.KindOf(err) != providers.Conflict {
		t.Errorf("start of what was suspended meanwhile: %v", err)
	}
}

func TestAGuestThatDoesNotAnswerIsWaitedFor(t *testing.T) {
	for _, tc := range []struct {
		guest  vcsim.Guest
		warned bool
		reason string
	}{
		{vcsim.Guest{Tools: true, Deaf: true}, false, "it was asked"},
		{vcsim.Guest{}, true, "it could not be asked"},
	} {
		y := newYard(t, vcsim.Options{Bare: true})
		var lines bytes.Buffer
		y.p.log = slog.New(slog.NewTextHandler(&lines, nil))
		vm := y.make("web", marked(markFor("web")))
		y.into(vm, on)
		y.SetGuest(vm.Reference(), tc.guest)
		task, err := y.p.Power(y.ctx, refTo("web"), providers.PowerShutdown)
		if err != nil || task == "" {
			t.Fatalf("%s: task %q, %v; want a task", tc.reason, task, err)
		}
		if done, err := y.p.IsTaskComplete(y.ctx, task); done || err != nil {
			t.Errorf("%s: complete = %t, %v, and the VM runs", tc.reason, done, err)
		}
		if warned := strings.Contains(lines.String(), "tools"); warned != tc.warned {
			t.Errorf("%s: warned = %t, want %t", tc.reason, warned, tc.warned)
		}
		if err := y.settle(y.p.Power(y.ctx, refTo("web"), providers.PowerStop)); err != nil {
			t.Errorf("%s: stop: %v", tc.reason, err)
		}
		if done, err := y.p.IsTaskComplete(y.ctx, task); !done || err != nil {
			t.Errorf("%s: complete = %t, %v, and the VM is off", tc.reason, done, err)
		}
	}
}

func TestAShutdownOfAVMThatIsGoneIsComplete(t *testing.T) {
	y := newYard(t, vcsim.Options{Bare: true})
	done, err := y.p.IsTaskComplete(y.ctx, providers.TaskRef(shutdownTask+owner("web").UUID().String()))
	if !done || err != nil {
		t.Errorf("complete = %t, %v", done, err)
	}
}

func TestAStrangerKeepsItsPower(t *testing.T) {
	y := newYard(t, vcsim.Options{Bare: true})
	vm := y.make("web")
	for _, op := range []providers.PowerOp{providers.PowerStart, providers.PowerStop, providers.PowerShutdown, providers.PowerReboot} {
		if _, err := y.p.Power(y.ctx, providers.Ref{ID: vm.Reference().Value, Owner: owner("web")}, op); providers.KindOf(err) != providers.Conflict {
			t.Errorf("%s: %v, want Conflict", op, err)
		}
	}
	if now := y.properties(vm, "runtime.powerState").Runtime.PowerState; now != off {
		t.Errorf("somebody else's VM is %s", now)
	}
}
