package seedserver

import (
	"context"
	"log/slog"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/providers"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
	"github.com/vmsteward/vmsteward/providers/remote/seed"
)

// Create makes the VM of a name, powered off. Where this server made it
// before, that is the answer; a VM of the name that it did not make is
// AlreadyExists.
func (s *Server) Create(ctx context.Context, req *pb.CreateRequest) (*pb.CreateResponse, error) {
	vm, remarks, err := seed.Wanted(s.opts.Type, s.opts.Namespace, req)
	if err != nil {
		return nil, s.failed(err)
	}
	owner := s.owner(req.GetName())
	end, err := s.opts.Turn(ctx, owner)
	if err != nil {
		return nil, s.failed(err)
	}
	defer end()
	s.note("create", owner, remarks)
	res, err := s.opts.Provider.Create(ctx, providers.CreateRequest{Owner: owner, VM: vm})
	if err != nil {
		return nil, s.notMade(err)
	}
	s.seen.keep(res.ID, owner)
	return &pb.CreateResponse{Id: res.ID, Task: taskOf(res.Task)}, nil
}

// note logs what a request says and nothing acts on.
func (s *Server) note(action string, owner providers.Owner, remarks []seed.Remark) {
	for _, r := range remarks {
		s.opts.Log.Warn("request says what nothing acts on", slog.String(logkey.Action, action),
			slog.String(logkey.VM, owner.VM.String()), slog.String(logkey.Field, r.Field), slog.String(logkey.Reason, r.Why))
	}
}
