package seedserver

import (
	"context"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/providers"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
)

// snapshotter returns the provider's snapshots.
func (s *Server) snapshotter() (providers.Snapshotter, error) {
	p, ok := s.opts.Provider.(providers.Snapshotter)
	if !ok {
		return nil, status.Error(codes.Unimplemented, "the provider keeps no snapshots")
	}
	return p, nil
}

// SnapshotCreate keeps a VM of ours as it is now. The id of a snapshot is its
// name; one of that name that the VM has is the answer.
func (s *Server) SnapshotCreate(ctx context.Context, req *pb.SnapshotCreateRequest) (*pb.SnapshotCreateResponse, error) {
	p, err := s.snapshotter()
	if err != nil {
		return nil, err
	}
	vm, end, err := s.hold(ctx, req.GetVmId())
	defer func() { end() }()
	if err != nil {
		return nil, s.failed(err)
	}
	name := req.GetNameHint()
	if name == "" {
		name = "snapshot-" + strconv.FormatInt(time.Now().UnixMilli(), 10)
	}
	task, err := p.TakeSnapshot(ctx, refOf(vm), providers.SnapshotRequest{
		Name: name, Description: req.GetDescription(), Memory: req.GetIncludeMemory() && vm.Power == providers.On,
	})
	if err != nil {
		return nil, s.failed(err)
	}
	return &pb.SnapshotCreateResponse{SnapshotId: name, Task: taskOf(task)}, nil
}

// SnapshotDelete forgets a snapshot of a VM of ours; one that is not there is a
// success, and so is one of a VM that is not there.
func (s *Server) SnapshotDelete(ctx context.Context, req *pb.SnapshotDeleteRequest) (*pb.TaskResponse, error) {
	res, err := s.snapshotAct(ctx, req.GetVmId(), req.GetSnapshotId(), providers.Snapshotter.DropSnapshot)
	if providers.IsAbsent(err) {
		return &pb.TaskResponse{}, nil
	}
	if err != nil {
		return nil, s.failed(err)
	}
	return res, nil
}

// SnapshotRevert makes a VM of ours what it was then.
func (s *Server) SnapshotRevert(ctx context.Context, req *pb.SnapshotRevertRequest) (*pb.TaskResponse, error) {
	res, err := s.snapshotAct(ctx, req.GetVmId(), req.GetSnapshotId(), providers.Snapshotter.RevertSnapshot)
	if err != nil {
		return nil, s.failed(err)
	}
	return res, nil
}

type snapshotAct func(providers.Snapshotter, context.Context, providers.Ref, string) (providers.TaskRef, error)

func (s *Server) snapshotAct(ctx context.Context, id, name string, act snapshotAct) (*pb.TaskResponse, error) {
	p, err := s.snapshotter()
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, status.Error(codes.InvalidArgument, "no snapshot is given")
	}
	vm, end, err := s.hold(ctx, id)
	defer func() { end() }()
	if err != nil {
		return nil, err
	}
	task, err := act(p, ctx, refOf(vm), name)
	if err != nil {
		return nil, err
	}
	return &pb.TaskResponse{Task: taskOf(task)}, nil
}
