package server

import (
	"context"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
	"github.com/vmsteward/vmsteward/providers/remote/wire"
)

// Snapshots implements stewardv1.StewardServer.
func (s *steward) Snapshots(ctx context.Context, req *stewardv1.SnapshotsRequest) (*stewardv1.SnapshotsResponse, error) {
	keeper, ok := providers.As[providers.Snapshotter](s.p)
	if !ok {
		return nil, without("snapshots")
	}
	ref, err := s.look("snapshots", req.Ref)
	if err != nil {
		return nil, err
	}
	list, err := keeper.Snapshots(ctx, ref)
	if err != nil {
		return nil, wire.Status(err)
	}
	resp := &stewardv1.SnapshotsResponse{}
	for i := range list {
		resp.Snapshots = append(resp.Snapshots, wire.EncodeSnapshot(&list[i]))
	}
	return resp, nil
}

// TakeSnapshot implements stewardv1.StewardServer.
func (s *steward) TakeSnapshot(ctx context.Context, req *stewardv1.TakeSnapshotRequest) (*stewardv1.TaskResponse, error) {
	keeper, ok := providers.As[providers.Snapshotter](s.p)
	if !ok {
		return nil, without("take-snapshot")
	}
	ref, err := s.target("take-snapshot", req.Ref)
	if err != nil {
		return nil, err
	}
	_, wanted, err := wire.DecodeTakeSnapshot(req)
	if err != nil {
		return nil, malformed("take-snapshot", ref.Owner, err)
	}
	return s.act(ctx, ref, func() (providers.TaskRef, error) { return keeper.TakeSnapshot(ctx, ref, wanted) })
}

// RevertSnapshot implements stewardv1.StewardServer.
func (s *steward) RevertSnapshot(ctx context.Context, req *stewardv1.SnapshotRequest) (*stewardv1.TaskResponse, error) {
	return s.snapshot(ctx, "revert-snapshot", req, providers.Snapshotter.RevertSnapshot)
}

// DropSnapshot implements stewardv1.StewardServer.
func (s *steward) DropSnapshot(ctx context.Context, req *stewardv1.SnapshotRequest) (*stewardv1.TaskResponse, error) {
	return s.snapshot(ctx, "drop-snapshot", req, providers.Snapshotter.DropSnapshot)
}

type snapshotAct func(providers.Snapshotter, context.Context, providers.Ref, string) (providers.TaskRef, error)

func (s *steward) snapshot(ctx context.Context, op string, req *stewardv1.SnapshotRequest, act snapshotAct) (*stewardv1.TaskResponse, error) {
	keeper, ok := providers.As[providers.Snapshotter](s.p)
	if !ok {
		return nil, without(op)
	}
	ref, err := s.target(op, req.Ref)
	if err != nil {
		return nil, err
	}
	return s.act(ctx, ref, func() (providers.TaskRef, error) { return act(keeper, ctx, ref, req.Name) })
}
