package remote

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
	"github.com/vmsteward/vmsteward/providers/remote/wire"
)

// steward is a server that speaks the extension.
type steward struct {
	client stewardv1.StewardClient
	name   string // of the server and its version
	kind   string // of the hypervisor
	parts  []stewardv1.Part

	fleet    string
	state    func(*providers.Capabilities)
	stated   atomic.Bool // the server said what it can
	answers  *answers
	progress *providers.Progress
}

// String implements peer.
func (s *steward) String() string { return fmt.Sprintf("%s (%s)", s.name, s.kind) }

// Validate implements peer.
func (s *steward) Validate(ctx context.Context) error {
	_, err := s.client.Validate(ctx, &stewardv1.ValidateRequest{})
	return err
}

// Create implements peer.
func (s *steward) Create(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
	res, err := s.client.Create(ctx, &stewardv1.CreateRequest{Owner: wire.EncodeOwner(req.Owner), Vm: wire.EncodeWanted(req.VM)})
	if err != nil {
		return providers.CreateResult{}, err
	}
	if res.GetId() == "" {
		return providers.CreateResult{}, broken(fmt.Errorf("the VM was given no id"))
	}
	return providers.CreateResult{ID: res.GetId(), Task: providers.TaskRef(res.GetTask())}, nil
}

// Delete implements peer.
func (s *steward) Delete(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
	res, err := s.client.Delete(ctx, &stewardv1.DeleteRequest{Ref: wire.EncodeRef(ref)})
	return providers.TaskRef(res.GetTask()), err
}

// Power implements peer.
func (s *steward) Power(ctx context.Context, ref providers.Ref, op providers.PowerOp) (providers.TaskRef, error) {
	encoded := wire.EncodePowerOp(op)
	if encoded == stewardv1.PowerOp_POWER_OP_UNSPECIFIED {
		return "", &providers.Error{Kind: providers.InvalidSpec, Err: fmt.Errorf("%q is no power operation", op)}
	}
	res, err := s.client.Power(ctx, &stewardv1.PowerRequest{Ref: wire.EncodeRef(ref), Op: encoded})
	return providers.TaskRef(res.GetTask()), err
}

// Reconfigure implements peer.
func (s *steward) Reconfigure(ctx context.Context, ref providers.Ref, change providers.Change) (providers.TaskRef, error) {
	res, err := s.client.Reconfigure(ctx, &stewardv1.ReconfigureRequest{Ref: wire.EncodeRef(ref), Change: wire.EncodeChange(&change)})
	return providers.TaskRef(res.GetTask()), err
}

// Describe implements peer.
func (s *steward) Describe(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
	res, err := s.client.Describe(ctx, &stewardv1.DescribeRequest{Ref: wire.EncodeRef(ref)})
	if err != nil {
		return nil, err
	}
	vm, err := wire.DecodeVM(res.GetVm())
	if err != nil {
		return nil, broken(err)
	}
	return &vm, nil
}

// IsTaskComplete implements peer.
func (s *steward) IsTaskComplete(ctx context.Context, task providers.TaskRef) (bool, error) {
	res, err := s.client.TaskState(ctx, &stewardv1.TaskStateRequest{Task: string(task)})
	switch {
	case err != nil:
		return false, err
	case res.GetDone() || res.GetFailure() != nil:
		s.progress.Forget(task)
		return true, wire.DecodeFailure(res.GetFailure())
	case res.Percent != nil && res.GetPercent() >= 0 && res.GetPercent() <= 100:
		s.progress.Note(task, int(res.GetPercent()))
	}
	return false, nil
}

// Sweep implements peer.
func (s *steward) Sweep(ctx context.Context, left providers.Leftover) error {
	if err := s.offers(stewardv1.Part_PART_SWEEP, "it removes nothing that was left behind"); err != nil {
		return err
	}
	_, err := s.client.Sweep(ctx, &stewardv1.SweepRequest{Leftover: wire.EncodeLeftover(&left)})
	return err
}

// Snapshots implements peer.
func (s *steward) Snapshots(ctx context.Context, ref providers.Ref) ([]providers.Snapshot, error) {
	if err := s.snapshots(); err != nil {
		return nil, err
	}
	res, err := s.client.Snapshots(ctx, &stewardv1.SnapshotsRequest{Ref: wire.EncodeRef(ref)})
	if err != nil {
		return nil, err
	}
	var all []providers.Snapshot
	for _, m := range res.GetSnapshots() {
		one, err := wire.DecodeSnapshot(m)
		if err != nil {
			return nil, broken(err)
		}
		all = append(all, one)
	}
	return all, nil
}

// TakeSnapshot implements peer.
func (s *steward) TakeSnapshot(ctx context.Context, ref providers.Ref, req providers.SnapshotRequest) (providers.TaskRef, error) {
	if err := s.snapshots(); err != nil {
		return "", err
	}
	res, err := s.client.TakeSnapshot(ctx, wire.EncodeTakeSnapshot(ref, req))
	return providers.TaskRef(res.GetTask()), err
}

// RevertSnapshot implements peer.
func (s *steward) RevertSnapshot(ctx context.Context, ref providers.Ref, name string) (providers.TaskRef, error) {
	if err := s.snapshots(); err != nil {
		return "", err
	}
	res, err := s.client.RevertSnapshot(ctx, &stewardv1.SnapshotRequest{Ref: wire.EncodeRef(ref), Name: name})
	return providers.TaskRef(res.GetTask()), err
}

// DropSnapshot implements peer.
func (s *steward) DropSnapshot(ctx context.Context, ref providers.Ref, name string) (providers.TaskRef, error) {
	if err := s.snapshots(); err != nil {
		return "", err
	}
	res, err := s.client.DropSnapshot(ctx, &stewardv1.SnapshotRequest{Ref: wire.EncodeRef(ref), Name: name})
	return providers.TaskRef(res.GetTask()), err
}

func (s *steward) snapshots() error {
	return s.offers(stewardv1.Part_PART_SNAPSHOTS, "it keeps no snapshots")
}

// offers tells whether the server has a part of the protocol.
func (s *steward) offers(part stewardv1.Part, otherwise string) error {
	if slices.Contains(s.parts, part) {
		return nil
	}
	return &providers.Error{Kind: providers.NotSupported, Err: fmt.Errorf("%s: %s", s, otherwise)}
}
