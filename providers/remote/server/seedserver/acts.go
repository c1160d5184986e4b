package seedserver

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/providers"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
)

// Delete removes a VM of ours and its disks, after switching it off. Managers
// do not wait for the task of a deletion, so the call does; it may be repeated
// when its time was too short. A VM that is not there is a success.
func (s *Server) Delete(ctx context.Context, req *pb.DeleteRequest) (*pb.TaskResponse, error) {
	vm, end, err := s.hold(ctx, req.GetId())
	defer func() { end() }()
	switch {
	case providers.IsAbsent(err):
		err = s.clear(ctx, req.GetId())
	case err == nil:
		err = s.remove(ctx, vm)
	}
	if err != nil {
		return nil, s.failed(err)
	}
	s.seen.forget(req.GetId())
	return &pb.TaskResponse{}, nil
}

func (s *Server) remove(ctx context.Context, vm *providers.VM) error {
	ref := refOf(vm)
	if vm.Power != providers.Off {
		task, err := s.opts.Provider.Power(ctx, ref, providers.PowerStop)
		if err == nil {
			err = s.settle(ctx, task)
		}
		if err != nil && !providers.IsAbsent(err) {
			return err
		}
	}
	task, err := s.opts.Provider.Delete(ctx, ref)
	if err != nil {
		return err
	}
	return s.settle(ctx, task)
}

// clear removes what a deletion that was cut short has left of a VM.
func (s *Server) clear(ctx context.Context, id string) error {
	owner, known := s.seen.of(id)
	if !known {
		return nil
	}
	end, err := s.opts.Turn(ctx, owner)
	if err != nil {
		return err
	}
	defer end()
	task, err := s.opts.Provider.Delete(ctx, providers.Ref{ID: id, Owner: owner})
	if err != nil {
		return err
	}
	return s.settle(ctx, task)
}

// operations are the acts of the protocol.
var operations = map[pb.PowerOp]providers.PowerOp{
	pb.PowerOp_POWER_OP_ON:                providers.PowerStart,
	pb.PowerOp_POWER_OP_OFF:               providers.PowerStop,
	pb.PowerOp_POWER_OP_REBOOT:            providers.PowerReboot,
	pb.PowerOp_POWER_OP_SHUTDOWN_GRACEFUL: providers.PowerShutdown,
}

// shutdownLimit is how long a guest may take where the request does not say.
const shutdownLimit = time.Minute

// Power brings a VM of ours to a power state; one that is in it is a success.
// A guest that was asked to shut down is never switched off by force.
func (s *Server) Power(ctx context.Context, req *pb.PowerRequest) (*pb.TaskResponse, error) {
	op, ok := operations[req.GetOp()]
	if !ok {
		return nil, status.Errorf(codes.InvalidArgument, "%v is no act on the power state", req.GetOp())
	}
	vm, end, err := s.hold(ctx, req.GetId())
	defer func() { end() }()
	if err != nil {
		return nil, s.failed(err)
	}
	task, err := s.opts.Provider.Power(ctx, refOf(vm), op)
	if err != nil {
		return nil, s.failed(err)
	}
	if op != providers.PowerShutdown {
		return &pb.TaskResponse{Task: taskOf(task)}, nil
	}
	limit := shutdownLimit
	if n := req.GetGracefulTimeoutSeconds(); n > 0 {
		limit = time.Duration(n) * time.Second
	}
	return &pb.TaskResponse{Task: askedUntil(task, time.Now().Add(limit))}, nil
}
