package providertest

import (
	"context"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

func roomChecks() []Check {
	return []Check{{
		"live-changes-beyond-head-room-are-refused", "A live change that the running VM has no room for is NotSupported, and nothing is changed, the definition neither.",
		roomAbove,
	}, {
		"a-running-guest-loses-nothing", "A live change that takes CPUs, or memory where it cannot be taken, is NotSupported and nothing is changed, or else it is done.",
		roomBelow,
	}, {
		"a-name-that-is-taken-is-a-conflict", "A new name that another VM has is a Conflict, and both stay as they are.", nameTaken,
	}}
}

// refusedLive expects a live change of a VM that runs to be refused whole.
func (e *Env) refusedLive(ctx context.Context, doing string, ref providers.Ref, before *providers.VM, ch providers.Change) {
	if e.failed() {
		return
	}
	ch.Live = true
	e.refused(doing, e.tryReconfigure(ctx, ref, ch), providers.NotSupported)
	e.untouched(ctx, doing, ref, before)
}

func roomAbove(ctx context.Context, e *Env) error {
	grows := func(f providers.Field) bool { return e.can(f) == providers.LiveInHeadroom }
	if !e.need(grows(providers.FieldCPU) || grows(providers.FieldMemory), "growth within head-room") {
		return e.Err()
	}
	ref, before := e.running(ctx, "a")
	now := hardware(before)
	if grows(providers.FieldCPU) && now.CPUMax.Known {
		e.refusedLive(ctx, "more CPUs than there is room for", ref, before, providers.Change{CPU: new(now.CPUMax.Value + 1)})
	}
	if grows(providers.FieldMemory) && now.MemoryMaxMiB.Known {
		e.refusedLive(ctx, "more memory than there is room for", ref, before, providers.Change{MemoryMiB: new(now.MemoryMaxMiB.Value + 128)})
	}
	return e.Err()
}

func roomBelow(ctx context.Context, e *Env) error {
	if !e.need(e.changeable(providers.FieldCPU), "ability to change CPUs") {
		return e.Err()
	}
	ref, before := e.runningAs(ctx, "a", func(vm *manifest.VM) { vm.CPU++ })
	e.takes(ctx, "taking a CPU", ref, before, providers.Change{CPU: new(before.Config.CPU.Value - 1)})
	if !e.stated().MemoryShrinksLive && e.changeable(providers.FieldMemory) {
		before = e.describe(ctx, ref)
		e.takes(ctx, "taking memory", ref, before, providers.Change{MemoryMiB: new(before.Config.MemoryMiB.Value - 32)})
	}
	return e.Err()
}

// takes expects a live change either to be refused whole or to be done.
func (e *Env) takes(ctx context.Context, doing string, ref providers.Ref, before *providers.VM, ch providers.Change) {
	if e.failed() {
		return
	}
	ch.Live = true
	if err := e.tryReconfigure(ctx, ref, ch); err != nil {
		e.refused(doing, err, providers.NotSupported)
		e.untouched(ctx, doing+", which was refused,", ref, before)
		return
	}
	now := hardware(e.describe(ctx, ref))
	if ch.CPU != nil && now.CPU.Value != *ch.CPU || ch.MemoryMiB != nil && now.MemoryMiB.Value != *ch.MemoryMiB {
		e.failf("%s succeeded, and the VM has %d CPUs and %d MiB", doing, now.CPU.Value, now.MemoryMiB.Value)
	}
}

func nameTaken(ctx context.Context, e *Env) error {
	if !e.need(e.changeable(providers.FieldName), "ability to change the name") {
		return e.Err()
	}
	ref, before := e.made(ctx, "a")
	taken := before.Name + "-taken"
	stranger := providers.Ref{ID: e.foreign(ctx, taken), Owner: ref.Owner}
	theirs := e.describe(ctx, stranger)
	if !e.failed() {
		e.refused("a name that another VM has", e.tryReconfigure(ctx, ref, providers.Change{Name: &taken}), providers.Conflict)
	}
	e.untouched(ctx, "a refused name", ref, before)
	e.untouched(ctx, "a refused name", stranger, theirs)
	return e.Err()
}
