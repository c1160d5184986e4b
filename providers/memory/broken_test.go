package memory_test

import (
	"context"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
)

// broken is the memory provider with some calls replaced, to break a promise
// on purpose. A nil field is the provider's own call.
type broken struct {
	*memory.Provider
	o memory.Outside

	validate     func(context.Context) error
	create       func(context.Context, providers.CreateRequest) (providers.CreateResult, error)
	delete       func(context.Context, providers.Ref) (providers.TaskRef, error)
	power        func(context.Context, providers.Ref, providers.PowerOp) (providers.TaskRef, error)
	reconfigure  func(context.Context, providers.Ref, providers.Change) (providers.TaskRef, error)
	describe     func(context.Context, providers.Ref) (*providers.VM, error)
	task         func(context.Context, providers.TaskRef) (bool, error)
	list         func(context.Context) (*providers.Inventory, error)
	sweep        func(context.Context, providers.Leftover) error
	capabilities func() *providers.Capabilities
	watch        func(ctx context.Context, ready func(), changed func(ids ...string)) error
	pulse        func(context.Context) ([]string, error)
	snapshots    func(context.Context, providers.Ref) ([]providers.Snapshot, error)
	take         func(context.Context, providers.Ref, providers.SnapshotRequest) (providers.TaskRef, error)
	revert       func(context.Context, providers.Ref, string) (providers.TaskRef, error)
	drop         func(context.Context, providers.Ref, string) (providers.TaskRef, error)
	// around wraps every call that takes a context and returns an error.
	around func(ctx context.Context, call func(context.Context) error) error
}

func (b *broken) within(ctx context.Context, call func(context.Context) error) error {
	if b.around == nil {
		return call(ctx)
	}
	return b.around(ctx, call)
}

func (b *broken) Validate(ctx context.Context) error {
	return b.within(ctx, or(b.validate, b.Provider.Validate))
}

func (b *broken) Create(ctx context.Context, req providers.CreateRequest) (res providers.CreateResult, err error) {
	err = b.within(ctx, func(ctx context.Context) (err error) {
		res, err = or(b.create, b.Provider.Create)(ctx, req)
		return err
	})
	return res, err
}

func (b *broken) Delete(ctx context.Context, ref providers.Ref) (task providers.TaskRef, err error) {
	err = b.within(ctx, func(ctx context.Context) (err error) {
		task, err = or(b.delete, b.Provider.Delete)(ctx, ref)
		return err
	})
	return task, err
}

func (b *broken) Power(ctx context.Context, ref providers.Ref, op providers.PowerOp) (task providers.TaskRef, err error) {
	err = b.within(ctx, func(ctx context.Context) (err error) {
		task, err = or(b.power, b.Provider.Power)(ctx, ref, op)
		return err
	})
	return task, err
}

func (b *broken) Reconfigure(ctx context.Context, ref providers.Ref, ch providers.Change) (task providers.TaskRef, err error) {
	err = b.within(ctx, func(ctx context.Context) (err error) {
		task, err = or(b.reconfigure, b.Provider.Reconfigure)(ctx, ref, ch)
		return err
	})
	return task, err
}

func (b *broken) Describe(ctx context.Context, ref providers.Ref) (vm *providers.VM, err error) {
	err = b.within(ctx, func(ctx context.Context) (err error) {
		vm, err = or(b.describe, b.Provider.Describe)(ctx, ref)
		return err
	})
	return vm, err
}

func (b *broken) IsTaskComplete(ctx context.Context, ref providers.TaskRef) (done bool, err error) {
	err = b.within(ctx, func(ctx context.Context) (err error) {
		done, err = or(b.task, b.Provider.IsTaskComplete)(ctx, ref)
		return err
	})
	return done, err
}

func (b *broken) List(ctx context.Context) (inv *providers.Inventory, err error) {
	err = b.within(ctx, func(ctx context.Context) (err error) {
		inv, err = or(b.list, b.Provider.List)(ctx)
		return err
	})
	return inv, err
}

func (b *broken) Sweep(ctx context.Context, left providers.Leftover) error {
	return b.within(ctx, func(ctx context.Context) error { return or(b.sweep, b.Provider.Sweep)(ctx, left) })
}

func (b *broken) Capabilities() *providers.Capabilities {
	return or(b.capabilities, b.Provider.Capabilities)()
}

func (b *broken) Watch(ctx context.Context, ready func(), changed func(ids ...string)) error {
	return b.within(ctx, func(ctx context.Context) error { return or(b.watch, b.Provider.Watch)(ctx, ready, changed) })
}

func (b *broken) Pulse(ctx context.Context) (ids []string, err error) {
	err = b.within(ctx, func(ctx context.Context) (err error) {
		ids, err = or(b.pulse, b.Provider.Pulse)(ctx)
		return err
	})
	return ids, err
}

func (b *broken) Snapshots(ctx context.Context, ref providers.Ref) (all []providers.Snapshot, err error) {
	err = b.within(ctx, func(ctx context.Context) (err error) {
		all, err = or(b.snapshots, b.Provider.Snapshots)(ctx, ref)
		return err
	})
	return all, err
}

func (b *broken) TakeSnapshot(ctx context.Context, ref providers.Ref, req providers.SnapshotRequest) (task providers.TaskRef, err error) {
	err = b.within(ctx, func(ctx context.Context) (err error) {
		task, err = or(b.take, b.Provider.TakeSnapshot)(ctx, ref, req)
		return err
	})
	return task, err
}

func (b *broken) RevertSnapshot(ctx context.Context, ref providers.Ref, name string) (task providers.TaskRef, err error) {
	err = b.within(ctx, func(ctx context.Context) (err error) {
		task, err = or(b.revert, b.Provider.RevertSnapshot)(ctx, ref, name)
		return err
	})
	return task, err
}

func (b *broken) DropSnapshot(ctx context.Context, ref providers.Ref, name string) (task providers.TaskRef, err error) {
	err = b.within(ctx, func(ctx context.Context) (err error) {
		task, err = or(b.drop, b.Provider.DropSnapshot)(ctx, ref, name)
		return err
	})
	return task, err
}

// or returns the replacement if there is one. F is a func type.
func or[F any](replacement, own F) F {
	if isNil(replacement) {
		return own
	}
	return replacement
}
