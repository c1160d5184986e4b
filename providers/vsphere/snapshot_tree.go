package vsphere

import (
	"context"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// snapshot is one snapshot of a VM.
type snapshot struct {
	types.VirtualMachineSnapshotTree
	parent  string // its name
	current bool
}

func (s *snapshot) facts() providers.Snapshot {
	power := providers.Off
	switch s.State {
	case types.VirtualMachinePowerStatePoweredOn:
		power = providers.On
	case types.VirtualMachinePowerStateSuspended:
		power = providers.Suspended
	}
	return providers.Snapshot{
		Name: s.Name, Description: s.Description, Parent: s.parent, Taken: s.CreateTime.UTC(),
		Power: power, Quiesced: s.Quiesced, Current: s.current,
	}
}

// snapshotsOf reads the snapshots of a VM, each after its parent. A VM that is
// known to have none is not asked.
func snapshotsOf(ctx context.Context, c *vim25.Client, t *target) ([]snapshot, error) {
	if len(t.vm.RootSnapshot) == 0 {
		return nil, nil
	}
	var out []snapshot
	spec := types.PropertyFilterSpec{
		ObjectSet: []types.ObjectSpec{{Obj: t.vm.Self}},
		PropSet:   []types.PropertySpec{{Type: virtualMachine, PathSet: []string{"snapshot"}}},
	}
	err := retrieve(ctx, c, []types.PropertyFilterSpec{spec}, func(o *types.ObjectContent) {
		for _, p := range o.PropSet {
			if info, ok := p.Val.(types.VirtualMachineSnapshotInfo); ok {
				out = flatten(out, info.RootSnapshotList, "", info.CurrentSnapshot)
			}
		}
	})
	return out, err
}

func flatten(out []snapshot, list []types.VirtualMachineSnapshotTree, parent string, current *types.ManagedObjectReference) []snapshot {
	for _, n := range list {
		children := n.ChildSnapshotList
		n.ChildSnapshotList = nil
		out = append(out, snapshot{n, parent, current != nil && *current == n.Snapshot})
		out = flatten(out, children, n.Name, current)
	}
	return out
}

// snapshotNamed returns the snapshot of that name; nil: there is none.
func snapshotNamed(tree []snapshot, name string) (*snapshot, error) {
	var found *snapshot
	for i := range tree {
		if tree[i].Name != name {
			continue
		}
		if found != nil {
			return nil, conflict("the VM has several snapshots of the name %q; rename all but one", name)
		}
		found = &tree[i]
	}
	return found, nil
}
