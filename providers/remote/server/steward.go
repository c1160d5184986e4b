package server

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
	"github.com/vmsteward/vmsteward/providers/remote/wire"
)

// steward is the extension's service in front of a provider.
type steward struct {
	stewardv1.UnimplementedStewardServer
	p       providers.Provider
	opts    *Options
	guard   guard
	answers answers
	pulses  pulses
}

func newSteward(p providers.Provider, s *Server) *steward {
	pulse, _ := providers.As[providers.Pulse](p)
	return &steward{p: p, opts: &s.opts, guard: s.guard, answers: newAnswers(), pulses: pulses{p: pulse, guard: s.guard}}
}

// Hello implements stewardv1.StewardServer.
func (s *steward) Hello(_ context.Context, req *stewardv1.HelloRequest) (*stewardv1.HelloResponse, error) {
	if req.Fleet != s.opts.Fleet {
		return nil, wire.StatusOf(codes.FailedPrecondition, &providers.Error{
			Op: "hello", Kind: providers.InvalidSpec,
			Err: fmt.Errorf("this server is for the fleet %q, not for %q", s.opts.Fleet, req.Fleet),
		})
	}
	resp := &stewardv1.HelloResponse{Server: "vmsteward/" + s.opts.Version, Type: s.opts.Type, Parts: partsOf(s.p)}
	if capable, ok := s.p.(providers.Capable); ok {
		if c := capable.Capabilities(); c != nil {
			resp.Capabilities = wire.EncodeCapabilities(c)
		}
	}
	return resp, nil
}

// partsOf returns what a provider can beside the seven calls.
func partsOf(p providers.Provider) (parts []stewardv1.Part) {
	add := func(part stewardv1.Part, has bool) {
		if has {
			parts = append(parts, part)
		}
	}
	_, list := providers.As[providers.Lister](p)
	_, watch := providers.As[providers.Watcher](p)
	_, sweep := providers.As[providers.Sweeper](p)
	_, progress := p.(providers.Progressor)
	_, snapshots := providers.As[providers.Snapshotter](p)
	add(stewardv1.Part_PART_LIST, list)
	add(stewardv1.Part_PART_WATCH, watch)
	add(stewardv1.Part_PART_SWEEP, sweep)
	add(stewardv1.Part_PART_PROGRESS, progress)
	add(stewardv1.Part_PART_SNAPSHOTS, snapshots)
	return parts
}

// Validate implements stewardv1.StewardServer.
func (s *steward) Validate(ctx context.Context, _ *stewardv1.ValidateRequest) (*stewardv1.ValidateResponse, error) {
	return &stewardv1.ValidateResponse{}, wire.Status(s.p.Validate(ctx))
}

// Create implements stewardv1.StewardServer.
func (s *steward) Create(ctx context.Context, req *stewardv1.CreateRequest) (*stewardv1.CreateResponse, error) {
	owner := wire.DecodeOwner(req.Owner)
	vm, err := wire.DecodeWanted(req.Vm)
	if err != nil {
		return nil, malformed("create", owner, err)
	}
	if err := s.ours("create", owner); err != nil {
		return nil, err
	}
	end, err := s.opts.Turn(ctx, owner)
	if err != nil {
		return nil, wire.Status(err)
	}
	defer end()
	res, err := s.p.Create(ctx, providers.CreateRequest{Owner: owner, VM: vm})
	if err != nil {
		return nil, wire.Status(err)
	}
	return &stewardv1.CreateResponse{Id: res.ID, Task: string(res.Task)}, nil
}

// Delete implements stewardv1.StewardServer.
func (s *steward) Delete(ctx context.Context, req *stewardv1.DeleteRequest) (*stewardv1.TaskResponse, error) {
	ref, err := s.target("delete", req.Ref)
	if err != nil {
		return nil, err
	}
	return s.act(ctx, ref, func() (providers.TaskRef, error) { return s.p.Delete(ctx, ref) })
}

// Power implements stewardv1.StewardServer.
func (s *steward) Power(ctx context.Context, req *stewardv1.PowerRequest) (*stewardv1.TaskResponse, error) {
	ref, err := s.target("power", req.Ref)
	if err != nil {
		return nil, err
	}
	op, err := wire.DecodePowerOp(req.Op)
	if err != nil {
		return nil, malformed("power", ref.Owner, err)
	}
	return s.act(ctx, ref, func() (providers.TaskRef, error) { return s.p.Power(ctx, ref, op) })
}

// Reconfigure implements stewardv1.StewardServer.
func (s *steward) Reconfigure(ctx context.Context, req *stewardv1.ReconfigureRequest) (*stewardv1.TaskResponse, error) {
	ref, err := s.target("reconfigure", req.Ref)
	if err != nil {
		return nil, err
	}
	change, err := wire.DecodeChange(req.Change)
	if err != nil {
		return nil, malformed("reconfigure", ref.Owner, err)
	}
	return s.act(ctx, ref, func() (providers.TaskRef, error) { return s.p.Reconfigure(ctx, ref, change) })
}

// Describe implements stewardv1.StewardServer. It may be about a VM of nobody.
func (s *steward) Describe(ctx context.Context, req *stewardv1.DescribeRequest) (*stewardv1.DescribeResponse, error) {
	ref, err := s.look("describe", req.Ref)
	if err != nil {
		return nil, err
	}
	vm, err := s.p.Describe(ctx, ref)
	if err != nil {
		return nil, wire.Status(err)
	}
	return &stewardv1.DescribeResponse{Vm: wire.EncodeVM(vm)}, nil
}

// TaskState implements stewardv1.StewardServer.
func (s *steward) TaskState(ctx context.Context, req *stewardv1.TaskStateRequest) (*stewardv1.TaskStateResponse, error) {
	if req.Task == "" {
		return nil, malformed("task", providers.Owner{}, errors.New("the request names no task"))
	}
	done, err := s.p.IsTaskComplete(ctx, providers.TaskRef(req.Task))
	if err != nil && !done {
		return nil, wire.Status(err)
	}
	resp := &stewardv1.TaskStateResponse{Done: done, Failure: wire.EncodeFailure(err)}
	if progress, ok := s.p.(providers.Progressor); ok && !done {
		if percent, known := progress.TaskProgress(providers.TaskRef(req.Task)); known {
			resp.Percent = new(int64(percent))
		}
	}
	return resp, nil
}

// Sweep implements stewardv1.StewardServer.
func (s *steward) Sweep(ctx context.Context, req *stewardv1.SweepRequest) (*stewardv1.SweepResponse, error) {
	sweeper, ok := providers.As[providers.Sweeper](s.p)
	if !ok {
		return nil, without("sweep")
	}
	left, err := wire.DecodeLeftover(req.Leftover)
	if err != nil {
		return nil, malformed("sweep", left.Owner, err)
	}
	if err := s.ours("sweep", left.Owner); err != nil {
		return nil, err
	}
	return &stewardv1.SweepResponse{}, wire.Status(sweeper.Sweep(ctx, left))
}

// act acts on a VM when its turn has come.
func (s *steward) act(ctx context.Context, ref providers.Ref, do func() (providers.TaskRef, error)) (*stewardv1.TaskResponse, error) {
	end, err := s.opts.Turn(ctx, ref.Owner)
	if err != nil {
		return nil, wire.Status(err)
	}
	defer end()
	task, err := do()
	if err != nil {
		return nil, wire.Status(err)
	}
	return &stewardv1.TaskResponse{Task: string(task)}, nil
}
