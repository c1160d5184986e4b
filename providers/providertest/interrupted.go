package providertest

import (
	"context"
	"fmt"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

func interruptedChecks() []Check {
	return []Check{{
		"interrupted-create-converges", "Create after one that stopped between any two steps makes the VM and uses the volumes that are there.",
		interruptedCreate,
	}, {
		"interrupted-delete-converges", "Delete after one that stopped between any two steps leaves neither VM nor volume.",
		interruptedDelete,
	}, {
		"interrupted-reconfigure-converges", "Reconfigure after one that stopped between any two steps reaches the same VM.",
		interruptedReconfigure,
	}, {
		"interrupted-power-converges", "Power after one that was cut off brings the VM to the state, and changes nothing else.", interruptedPower,
	}}
}

// everyStep runs try with the n-th internal effect of op interrupted, for each
// n until the call has no more of them.
func (e *Env) everyStep(op string, try func(n int) (interrupted bool)) {
	const most = 64
	if !e.need(e.Outside.Interrupt != nil, "Interrupt hook") {
		return
	}
	for n := 1; n <= most && !e.failed(); n++ {
		if !try(n) {
			if n == 1 {
				e.failf("the Interrupt hook did not interrupt %s", op)
			}
			return
		}
	}
}

func interruptedCreate(ctx context.Context, e *Env) error {
	o := e.owner(ctx, "a")
	whole := e.create(ctx, o, e.wanted(o))
	volumes := e.volumes(ctx)
	e.delete(ctx, whole)
	e.everyStep("create", func(n int) bool {
		end := e.Outside.Interrupt("create", n)
		_, err := e.P.Create(ctx, providers.CreateRequest{Owner: o, VM: e.wanted(o)})
		end()
		doing := fmt.Sprintf("create after one that was interrupted at step %d", n)
		ref := e.create(ctx, o, e.wanted(o))
		e.matches(e.wanted(o), o, e.describe(ctx, ref))
		e.sameVolumes(doing, volumes, e.volumes(ctx))
		e.onlyOne(ctx, o)
		e.delete(ctx, ref)
		return err != nil
	})
	return e.Err()
}

func interruptedDelete(ctx context.Context, e *Env) error {
	o := e.owner(ctx, "a")
	volumes := e.volumes(ctx)
	e.everyStep("delete", func(n int) bool {
		ref := e.create(ctx, o, e.wanted(o))
		end := e.Outside.Interrupt("delete", n)
		_, err := e.P.Delete(ctx, ref)
		end()
		e.settled(ctx, "delete", ref)
		e.delete(ctx, ref)
		e.gone(ctx, ref)
		e.sameVolumes(fmt.Sprintf("create and delete, interrupted at step %d,", n), volumes, e.volumes(ctx))
		return err != nil
	})
	return e.Err()
}

// settled waits while the endpoint is busy with what an interrupted call began
// and whose task reference was lost with it.
func (e *Env) settled(ctx context.Context, doing string, ref providers.Ref) {
	ctx, cancel := context.WithTimeout(ctx, e.TaskTimeout)
	defer cancel()
	for {
		_, err := e.P.Reconfigure(ctx, ref, providers.Change{})
		if providers.KindOf(err) != providers.Retryable {
			return
		}
		if !pause(ctx, e.Poll) {
			e.failf("%s: still busy after %s: %w", doing, e.TaskTimeout, err)
			return
		}
	}
}

func interruptedReconfigure(ctx context.Context, e *Env) error {
	if !e.need(e.can(providers.FieldCPU) != providers.Never && e.can(providers.FieldDisk) != providers.Never,
		"change of CPU and disks") {
		return e.Err()
	}
	o := e.owner(ctx, "a")
	change := func(vm *providers.VM) providers.Change {
		cpu := vm.Config.CPU.Value + 1
		ch := providers.Change{CPU: &cpu, AddDisks: []manifest.Disk{e.Disk("more")}}
		if e.can(providers.FieldNIC) != providers.Never {
			ch.AddNICs = []manifest.NIC{e.NIC("more")}
		}
		return ch
	}
	whole := e.create(ctx, o, e.wanted(o))
	e.reconfigure(ctx, whole, change(e.describe(ctx, whole)))
	want := e.describe(ctx, whole)
	e.delete(ctx, whole)
	e.everyStep("reconfigure", func(n int) bool {
		ref := e.create(ctx, o, e.wanted(o))
		ch := change(e.describe(ctx, ref))
		end := e.Outside.Interrupt("reconfigure", n)
		_, err := e.P.Reconfigure(ctx, ref, ch)
		end()
		e.settled(ctx, "reconfigure", ref)
		e.reconfigure(ctx, ref, ch)
		e.unchanged(fmt.Sprintf("reconfigure in two attempts, interrupted at step %d,", n), want, e.describe(ctx, ref))
		e.delete(ctx, ref)
		return err != nil
	})
	return e.Err()
}

func interruptedPower(ctx context.Context, e *Env) error {
	ref, off := e.made(ctx, "a")
	for _, op := range []providers.PowerOp{providers.PowerStart, providers.PowerStop} {
		e.everyStep("power", func(n int) bool {
			e.power(ctx, ref, other(op))
			end := e.Outside.Interrupt("power", n)
			_, err := e.P.Power(ctx, ref, op)
			end()
			e.settled(ctx, "power", ref)
			e.power(ctx, ref, op)
			vm := e.describe(ctx, ref)
			if on := op == providers.PowerStart; !e.failed() && (vm.Power == providers.On) != on {
				e.failf("the VM is %s after a %s that was cut off and another", vm.Power, op)
			}
			e.unchanged(string(op)+" in two attempts", off, vm, "power", "running")
			return err != nil
		})
	}
	e.power(ctx, ref, providers.PowerStop)
	return e.Err()
}

// other returns the operation that leads to the other state.
func other(op providers.PowerOp) providers.PowerOp {
	if op == providers.PowerStart {
		return providers.PowerStop
	}
	return providers.PowerStart
}
