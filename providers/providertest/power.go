package providertest

import (
	"context"

	"github.com/vmsteward/vmsteward/providers"
)

func powerChecks() []Check {
	return []Check{{
		"power-start-and-stop", "PowerStart makes the VM run from its definition, PowerStop makes it Off, and neither changes the definition.",
		powerCycle,
	}, {
		"power-to-the-present-state", "Power to the state that the VM is in succeeds and changes nothing.", powerPresent,
	}, {
		"shutdown-is-a-task", "PowerShutdown returns a task that is complete when the VM is Off, and not before.", powerShutdown,
	}, {
		"shutdown-twice-is-once", "PowerShutdown during a shutdown succeeds, and both tasks end with the VM Off.", powerShutdownTwice,
	}, {
		"stop-overtakes-shutdown", "PowerStop during a shutdown makes the VM Off at once and completes the shutdown's task.",
		powerOvertake,
	}, {
		"stop-needs-no-guest", "A shutdown that the guest ignores is not complete, and PowerStop makes the VM Off all the same.",
		powerDeaf,
	}, {
		"reboot-keeps-running", "PowerReboot of a VM that runs leaves it On.",
		func(ctx context.Context, e *Env) error {
			ref, before := e.running(ctx, "a")
			e.booted(ctx, ref)
			e.power(ctx, ref, providers.PowerReboot)
			e.untouched(ctx, "reboot", ref, before)
			return e.Err()
		},
	}, {
		"reboot-needs-a-running-vm", "PowerReboot of a VM that is off is a Conflict and does not start it.",
		func(ctx context.Context, e *Env) error {
			ref, before := e.made(ctx, "a")
			if !e.failed() {
				e.refused("reboot of a VM that is off", e.tryPower(ctx, ref, providers.PowerReboot), providers.Conflict)
			}
			e.untouched(ctx, "reboot", ref, before)
			return e.Err()
		},
	}, {
		"power-of-absent-is-not-found", "Power of a VM that is not there is NotFound.",
		func(ctx context.Context, e *Env) error {
			ref := providers.Ref{Owner: e.owner(ctx, "never")}
			for _, op := range []providers.PowerOp{providers.PowerStart, providers.PowerStop, providers.PowerShutdown, providers.PowerReboot} {
				if err := e.tryPower(ctx, ref, op); !e.failed() && !providers.IsAbsent(err) {
					e.failf("%s of a VM that is not there: %w", op, orNone(err))
				}
			}
			return e.Err()
		},
	}}
}

// booted waits for the guest, and skips the check when there is none.
func (e *Env) booted(ctx context.Context, ref providers.Ref) {
	if e.need(!e.NoGuest, "guest") && e.Booted != nil {
		e.ok("booted hook", e.Booted(ctx, ref.ID))
	}
}

func powerCycle(ctx context.Context, e *Env) error {
	ref, off := e.made(ctx, "a")
	e.power(ctx, ref, providers.PowerStart)
	on := e.describe(ctx, ref)
	if on.Power != providers.On {
		e.failf("the VM is %s after a start", on.Power)
	}
	e.unchanged("start", off, on, "power", "running")
	if on.Running != nil {
		twin := *on
		twin.Config = *on.Running
		e.unchanged("starting from the definition", on, &twin)
	}
	e.power(ctx, ref, providers.PowerStop)
	e.untouched(ctx, "start and stop", ref, off)
	return e.Err()
}

func powerPresent(ctx context.Context, e *Env) error {
	ref, off := e.made(ctx, "a")
	e.power(ctx, ref, providers.PowerStop)
	e.untouched(ctx, "stop of a VM that is off", ref, off)
	e.power(ctx, ref, providers.PowerShutdown)
	e.untouched(ctx, "shutdown of a VM that is off", ref, off)
	e.power(ctx, ref, providers.PowerStart)
	on := e.describe(ctx, ref)
	e.power(ctx, ref, providers.PowerStart)
	e.untouched(ctx, "start of a VM that is on", ref, on)
	return e.Err()
}

// shutdown begins one and returns its task.
func (e *Env) shutdown(ctx context.Context, ref providers.Ref) providers.TaskRef {
	if e.failed() {
		return ""
	}
	task, err := e.P.Power(ctx, ref, providers.PowerShutdown)
	e.ok("shutdown", err)
	return task
}

func powerShutdown(ctx context.Context, e *Env) error {
	ref, on := e.running(ctx, "a")
	e.booted(ctx, ref)
	task := e.shutdown(ctx, ref)
	if vm := e.describe(ctx, ref); task == "" && vm.Power != providers.Off {
		e.failf("shutdown returned no task and the VM is %s", vm.Power)
	}
	if !e.failed() {
		e.ok("wait for the shutdown", e.wait(ctx, task))
	}
	off := e.describe(ctx, ref)
	if off.Power != providers.Off {
		e.failf("the shutdown's task is complete and the VM is %s", off.Power)
	}
	e.unchanged("shutdown", on, off, "power", "running")
	return e.Err()
}

func powerShutdownTwice(ctx context.Context, e *Env) error {
	ref, _ := e.running(ctx, "a")
	e.booted(ctx, ref)
	for _, task := range []providers.TaskRef{e.shutdown(ctx, ref), e.shutdown(ctx, ref)} {
		if !e.failed() {
			e.ok("wait for the shutdown", e.wait(ctx, task))
		}
		if vm := e.describe(ctx, ref); vm.Power != providers.Off {
			e.failf("a shutdown's task is complete and the VM is %s", vm.Power)
		}
	}
	return e.Err()
}

func powerOvertake(ctx context.Context, e *Env) error {
	ref, _ := e.running(ctx, "a")
	e.booted(ctx, ref)
	task := e.shutdown(ctx, ref)
	e.power(ctx, ref, providers.PowerStop)
	if vm := e.describe(ctx, ref); vm.Power != providers.Off {
		e.failf("the VM is %s after a stop during its shutdown", vm.Power)
	}
	if done, err := e.P.IsTaskComplete(ctx, task); !e.failed() && task != "" && (!done || err != nil) {
		e.failf("the task of an overtaken shutdown: complete = %t, %w", done, orNone(err))
	}
	e.power(ctx, ref, providers.PowerStart)
	if !pause(ctx, e.Poll) {
		e.failf("the context ended: %w", ctx.Err())
	}
	if vm := e.describe(ctx, ref); vm.Power != providers.On {
		e.failf("an overtaken shutdown made the VM %s after it was started again", vm.Power)
	}
	return e.Err()
}

func powerDeaf(ctx context.Context, e *Env) error {
	if !e.need(e.Outside.Deafen != nil, "Deafen hook") {
		return e.Err()
	}
	ref, _ := e.running(ctx, "a")
	e.booted(ctx, ref)
	if e.failed() || !e.ok("Deafen hook", e.Outside.Deafen(ctx, ref.ID)) {
		return e.Err()
	}
	task := e.shutdown(ctx, ref)
	if done, err := e.P.IsTaskComplete(ctx, task); !e.failed() && (task == "" || done || err != nil) {
		e.failf("a shutdown that the guest ignores: task %q, complete = %t, %w", task, done, orNone(err))
	}
	e.power(ctx, ref, providers.PowerStop)
	if vm := e.describe(ctx, ref); vm.Power != providers.Off {
		e.failf("the VM is %s after a stop", vm.Power)
	}
	if done, err := e.P.IsTaskComplete(ctx, task); !e.failed() && (!done || err != nil) {
		e.failf("the task of a shutdown that was overtaken: complete = %t, %w", done, orNone(err))
	}
	return e.Err()
}
