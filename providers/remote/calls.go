package remote

import (
	"context"

	"github.com/vmsteward/vmsteward/providers"
)

// Validate implements providers.Provider.
func (p *Provider) Validate(ctx context.Context) error {
	return p.do(ctx, "validate", "", func(ctx context.Context, s peer) error { return s.Validate(ctx) })
}

// Create implements providers.Provider.
func (p *Provider) Create(ctx context.Context, req providers.CreateRequest) (res providers.CreateResult, err error) {
	err = p.do(ctx, "create", req.Owner.VM.String(), func(ctx context.Context, s peer) (err error) {
		res, err = s.Create(ctx, req)
		return err
	})
	return res, err
}

// Delete implements providers.Provider.
func (p *Provider) Delete(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
	return p.act(ctx, "delete", ref, func(ctx context.Context, s peer) (providers.TaskRef, error) { return s.Delete(ctx, ref) })
}

// Power implements providers.Provider.
func (p *Provider) Power(ctx context.Context, ref providers.Ref, op providers.PowerOp) (providers.TaskRef, error) {
	return p.act(ctx, "power", ref, func(ctx context.Context, s peer) (providers.TaskRef, error) { return s.Power(ctx, ref, op) })
}

// Reconfigure implements providers.Provider.
func (p *Provider) Reconfigure(ctx context.Context, ref providers.Ref, change providers.Change) (providers.TaskRef, error) {
	return p.act(ctx, "reconfigure", ref, func(ctx context.Context, s peer) (providers.TaskRef, error) {
		return s.Reconfigure(ctx, ref, change)
	})
}

// Describe implements providers.Provider.
func (p *Provider) Describe(ctx context.Context, ref providers.Ref) (vm *providers.VM, err error) {
	err = p.do(ctx, "describe", subject(ref), func(ctx context.Context, s peer) (err error) {
		vm, err = s.Describe(ctx, ref)
		return err
	})
	return vm, err
}

// IsTaskComplete implements providers.Provider.
func (p *Provider) IsTaskComplete(ctx context.Context, task providers.TaskRef) (done bool, err error) {
	if task == "" {
		return true, nil
	}
	err = p.do(ctx, "task", string(task), func(ctx context.Context, s peer) (err error) {
		done, err = s.IsTaskComplete(ctx, task)
		return err
	})
	return done, err
}

// Sweep implements providers.Sweeper.
func (p *Provider) Sweep(ctx context.Context, left providers.Leftover) error {
	return p.do(ctx, "sweep", left.ID, func(ctx context.Context, s peer) error { return s.Sweep(ctx, left) })
}

// Snapshots implements providers.Snapshotter.
func (p *Provider) Snapshots(ctx context.Context, ref providers.Ref) (all []providers.Snapshot, err error) {
	err = p.do(ctx, "snapshots", subject(ref), func(ctx context.Context, s peer) (err error) {
		all, err = s.Snapshots(ctx, ref)
		return err
	})
	return all, err
}

// TakeSnapshot implements providers.Snapshotter.
func (p *Provider) TakeSnapshot(ctx context.Context, ref providers.Ref, req providers.SnapshotRequest) (providers.TaskRef, error) {
	return p.act(ctx, "take-snapshot", ref, func(ctx context.Context, s peer) (providers.TaskRef, error) {
		return s.TakeSnapshot(ctx, ref, req)
	})
}

// RevertSnapshot implements providers.Snapshotter.
func (p *Provider) RevertSnapshot(ctx context.Context, ref providers.Ref, name string) (providers.TaskRef, error) {
	return p.act(ctx, "revert-snapshot", ref, func(ctx context.Context, s peer) (providers.TaskRef, error) {
		return s.RevertSnapshot(ctx, ref, name)
	})
}

// DropSnapshot implements providers.Snapshotter.
func (p *Provider) DropSnapshot(ctx context.Context, ref providers.Ref, name string) (providers.TaskRef, error) {
	return p.act(ctx, "drop-snapshot", ref, func(ctx context.Context, s peer) (providers.TaskRef, error) {
		return s.DropSnapshot(ctx, ref, name)
	})
}

// act runs a call that changes a VM.
func (p *Provider) act(ctx context.Context, op string, ref providers.Ref, fn func(context.Context, peer) (providers.TaskRef, error)) (task providers.TaskRef, err error) {
	err = p.do(ctx, op, subject(ref), func(ctx context.Context, s peer) (err error) {
		task, err = fn(ctx, s)
		return err
	})
	return task, err
}

// subject names the VM of a call for people.
func subject(ref providers.Ref) string {
	if ref.Owner == (providers.Owner{}) {
		return ref.ID
	}
	return ref.Owner.VM.String()
}
