package providertest

import (
	"context"

	"github.com/vmsteward/vmsteward/providers"
)

func describeChecks() []Check {
	return []Check{{
		"describe-absent-is-not-found", "Describe of a VM that is not there is NotFound, by owner and by an id of before.",
		func(ctx context.Context, e *Env) error {
			e.gone(ctx, providers.Ref{Owner: e.owner(ctx, "never")})
			ref, _ := e.made(ctx, "a")
			e.delete(ctx, ref)
			e.gone(ctx, ref)
			e.gone(ctx, providers.Ref{Owner: ref.Owner})
			return e.Err()
		},
	}, {
		"describe-by-id-and-by-owner", "Describe finds a VM by its id, and by its owner when there is no id.",
		func(ctx context.Context, e *Env) error {
			ref, vm := e.made(ctx, "a")
			e.made(ctx, "b")
			e.unchanged("looking by owner", vm, e.describe(ctx, providers.Ref{Owner: ref.Owner}))
			if vm.ID != ref.ID {
				e.failf("create returned id %q, describe %q", ref.ID, vm.ID)
			}
			return e.Err()
		},
	}, {
		"describe-changes-nothing", "Describe changes nothing, and its answer is the caller's to keep and change.", describeOwn,
	}, {
		"describe-sees-outside-changes", "Describe reports the VM as it is now, whoever changed it.",
		func(ctx context.Context, e *Env) error {
			ref, vm := e.made(ctx, "a")
			if !e.need(e.Outside.SetCPU != nil && e.observes(providers.FieldCPU), "SetCPU hook") {
				return e.Err()
			}
			more := vm.Config.CPU.Value + 1
			e.ok("SetCPU hook", e.Outside.SetCPU(ctx, ref.ID, more))
			if got := e.describe(ctx, ref).Config.CPU.Value; got != more {
				e.failf("%d CPUs after somebody set %d", got, more)
			}
			return e.Err()
		},
	}, {
		"describe-shows-the-unmarked", "Describe by id shows a VM without a mark, with no mark.",
		func(ctx context.Context, e *Env) error {
			o := e.owner(ctx, "stranger")
			id := e.foreign(ctx, o.VM.Name)
			if vm := e.describe(ctx, providers.Ref{ID: id, Owner: o}); !e.failed() && (vm.ID != id || vm.Mark != nil) {
				e.failf("a stranger's VM %q is described as %q with mark %+v", id, vm.ID, vm.Mark)
			}
			return e.Err()
		},
	}, {
		"suspended-is-not-off", "A VM that is paused is Suspended, neither Off nor On; a start resumes it.", describeSuspended,
	}, {
		"suspended-can-be-stopped", "PowerStop makes a paused VM Off, and Delete of one is a Conflict.", suspendedStopped,
	}, {
		"unknown-is-not-zero", "What is not known is said to be unknown: a known fact has a value that a VM can have.", describeUnknown,
	}}
}

func describeOwn(ctx context.Context, e *Env) error {
	o := e.owner(ctx, "a")
	ref := e.create(ctx, o, e.wanted(o))
	e.power(ctx, ref, providers.PowerStart)
	volumes := e.volumes(ctx)
	spoiled := e.describe(ctx, ref)
	before := factsOf(spoiled)
	if e.failed() || spoiled.Mark == nil {
		e.failf("the VM has no mark")
		return e.Err()
	}
	spoiled.Mark.Owner.Fleet = "spoiled"
	for name := range spoiled.Mark.MACs {
		spoiled.Mark.MACs[name] = "spoiled"
	}
	for _, list := range [][]providers.NIC{spoiled.Config.NICs, hardware(spoiled).NICs} {
		for i := range list {
			list[i].Network = "spoiled"
		}
	}
	for i := range spoiled.Config.Disks {
		spoiled.Config.Disks[i].Name = "spoiled"
	}
	for i := range spoiled.Tags.Value {
		spoiled.Tags.Value[i] = "spoiled"
	}
	if d := differences(before, factsOf(e.describe(ctx, ref))); len(d) > 0 {
		e.failf("describing, and changing the answer, changed the VM: %v", d)
	}
	e.sameVolumes("describing", volumes, e.volumes(ctx))
	return e.Err()
}

// hardware returns what runs, or else the definition.
func hardware(vm *providers.VM) *providers.Hardware {
	if vm.Running != nil {
		return vm.Running
	}
	return &vm.Config
}

func describeSuspended(ctx context.Context, e *Env) error {
	if !e.need(e.Outside.Suspend != nil, "Suspend hook") {
		return e.Err()
	}
	ref, _ := e.running(ctx, "a")
	if !e.failed() {
		e.ok("Suspend hook", e.Outside.Suspend(ctx, ref.ID))
	}
	if vm := e.describe(ctx, ref); vm.Power != providers.Suspended {
		e.failf("a suspended VM is reported as %s", vm.Power)
	}
	for _, vm := range e.glance(ctx).VMs {
		if vm.ID == ref.ID && vm.Power != providers.Suspended {
			e.failf("a suspended VM is listed as %s", vm.Power)
		}
	}
	e.power(ctx, ref, providers.PowerStart)
	if vm := e.describe(ctx, ref); vm.Power != providers.On {
		e.failf("a suspended VM is %s after a start", vm.Power)
	}
	return e.Err()
}

func suspendedStopped(ctx context.Context, e *Env) error {
	if !e.need(e.Outside.Suspend != nil, "Suspend hook") {
		return e.Err()
	}
	ref, _ := e.running(ctx, "a")
	if !e.failed() {
		e.ok("Suspend hook", e.Outside.Suspend(ctx, ref.ID))
	}
	paused, volumes := e.describe(ctx, ref), e.volumes(ctx)
	if !e.failed() {
		e.refused("delete of a paused VM", e.tryDelete(ctx, ref), providers.Conflict)
	}
	e.untouched(ctx, "a refused delete", ref, paused)
	e.sameVolumes("a refused delete", volumes, e.volumes(ctx))
	e.power(ctx, ref, providers.PowerStop)
	if vm := e.describe(ctx, ref); vm.Power != providers.Off {
		e.failf("a paused VM is %s after a stop", vm.Power)
	}
	return e.Err()
}

func describeUnknown(ctx context.Context, e *Env) error {
	ref, _ := e.running(ctx, "a")
	found := []providers.VM{*e.describe(ctx, ref)}
	if e.Outside.Foreign != nil {
		o := e.owner(ctx, "stranger")
		found = append(found, *e.describe(ctx, providers.Ref{ID: e.foreign(ctx, o.VM.Name), Owner: o}))
	}
	found = append(found, e.glance(ctx).VMs...)
	for _, vm := range found {
		e.plausible(vm)
	}
	return e.Err()
}

// plausible expects known facts to have values that a VM can have.
func (e *Env) plausible(vm providers.VM) {
	switch vm.Power {
	case providers.On, providers.Suspended, providers.Unknown:
	case providers.Off:
		if vm.Running != nil {
			e.failf("%s is off and has running hardware", vm.Name)
		}
	default:
		e.failf("%s has power state %q", vm.Name, vm.Power)
	}
	for _, h := range []*providers.Hardware{&vm.Config, hardware(&vm)} {
		zero := h.CPU.Known && h.CPU.Value < 1 || h.CPUMax.Known && h.CPUMax.Value < 1 ||
			h.MemoryMiB.Known && h.MemoryMiB.Value < 1 || h.MemoryMaxMiB.Known && h.MemoryMaxMiB.Value < 1 ||
			h.Firmware.Known && h.Firmware.Value == ""
		if zero {
			e.failf("%s has a known fact that is zero: %+v", vm.Name, *h)
		}
		if !h.DisksKnown && len(h.Disks) > 0 || !h.NICsKnown && len(h.NICs) > 0 {
			e.failf("%s has disks or interfaces that are said to be unknown", vm.Name)
		}
		for _, d := range h.Disks {
			if d.SizeBytes.Known && d.SizeBytes.Value < 1 {
				e.failf("%s has a disk %q of known size 0", vm.Name, d.Name)
			}
		}
		for field, text := range h.Traits {
			if text == "" || !providers.ValidTrait(field, text) {
				e.failf("%s has the trait %s with the text %q", vm.Name, field, text)
			}
		}
	}
}
