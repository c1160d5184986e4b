package vsphere

import (
	"context"
	"fmt"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

var _ providers.Snapshotter = (*Provider)(nil)

// Snapshots implements providers.Snapshotter.
func (p *Provider) Snapshots(ctx context.Context, ref providers.Ref) ([]providers.Snapshot, error) {
	var out []providers.Snapshot
	err := p.do(ctx, "snapshots", subjectOf(ref), func(ctx context.Context, c *vim25.Client) error {
		t, err := p.read(ctx, c, ref)
		if err != nil {
			return err
		}
		tree, err := snapshotsOf(ctx, c, t)
		for _, n := range tree {
			out = append(out, n.facts())
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// TakeSnapshot implements providers.Snapshotter. vCenter leaves the guest
// alone without a word where its tools do not run, so that is looked at first.
func (p *Provider) TakeSnapshot(ctx context.Context, ref providers.Ref, req providers.SnapshotRequest) (providers.TaskRef, error) {
	return p.onSnapshots(ctx, ref, func(ctx context.Context, c *vim25.Client, t *target, tree []snapshot) (providers.TaskRef, error) {
		there, err := snapshotNamed(tree, req.Name)
		if err == nil && there == nil {
			err = takable(t, req)
		}
		if err != nil || there != nil {
			return "", err
		}
		res, err := methods.CreateSnapshot_Task(ctx, c, &types.CreateSnapshot_Task{
			This: t.vm.Self, Name: req.Name, Description: req.Description, Memory: req.Memory, Quiesce: req.Quiesce,
		})
		if err != nil {
			return "", err
		}
		return begun(res.Returnval), nil
	})
}

func takable(t *target, req providers.SnapshotRequest) error {
	switch {
	case req.Name == "":
		return invalid("the snapshot has no name")
	case req.Memory && req.Quiesce:
		return invalid("a snapshot with memory is not quiesced; ask for one of the two")
	case !req.Quiesce || powerOf(&t.vm) == providers.Off:
		return nil
	case t.vm.Guest == nil || t.vm.Guest.ToolsRunningStatus != string(types.VirtualMachineToolsRunningStatusGuestToolsRunning):
		return &providers.Error{Kind: providers.Retryable, Err: fmt.Errorf(
			"the guest cannot be quiesced, its tools do not run; install or start them, or take the snapshot without")}
	}
	return nil
}

// RevertSnapshot implements providers.Snapshotter.
func (p *Provider) RevertSnapshot(ctx context.Context, ref providers.Ref, name string) (providers.TaskRef, error) {
	return p.onSnapshots(ctx, ref, func(ctx context.Context, c *vim25.Client, t *target, tree []snapshot) (providers.TaskRef, error) {
		n, err := snapshotNamed(tree, name)
		if err != nil {
			return "", err
		}
		if n == nil {
			return "", missing("snapshot "+name, "take it first, or name another")
		}
		res, err := methods.RevertToSnapshot_Task(ctx, c, &types.RevertToSnapshot_Task{This: n.Snapshot})
		if err != nil {
			return "", err
		}
		return begun(res.Returnval), nil
	})
}

// DropSnapshot implements providers.Snapshotter.
func (p *Provider) DropSnapshot(ctx context.Context, ref providers.Ref, name string) (providers.TaskRef, error) {
	return p.onSnapshots(ctx, ref, func(ctx context.Context, c *vim25.Client, t *target, tree []snapshot) (providers.TaskRef, error) {
		n, err := snapshotNamed(tree, name)
		if n == nil || err != nil {
			return "", err
		}
		res, err := methods.RemoveSnapshot_Task(ctx, c, &types.RemoveSnapshot_Task{
			This: n.Snapshot, RemoveChildren: false, Consolidate: types.NewBool(true),
		})
		if lost(err, n.Snapshot) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		return begun(res.Returnval), nil
	})
}

// onSnapshots calls act with a VM of ours and its snapshots.
func (p *Provider) onSnapshots(ctx context.Context, ref providers.Ref,
	act func(context.Context, *vim25.Client, *target, []snapshot) (providers.TaskRef, error),
) (task providers.TaskRef, err error) {
	err = p.do(ctx, "snapshot", subjectOf(ref), func(ctx context.Context, c *vim25.Client) error {
		t, err := p.find(ctx, c, ref)
		if err != nil {
			return err
		}
		tree, err := snapshotsOf(ctx, c, t)
		if err != nil {
			return err
		}
		task, err = act(ctx, c, t, tree)
		return err
	})
	return task, err
}
