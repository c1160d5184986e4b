// Package seedserver serves any provider as provider.v1.Provider, for managers
// that speak nothing better: names become owners, ids are answered for by the
// mark that the VM carries, and a whole desired VM becomes the changes that
// lead there. It must not know a hypervisor, a listener or a plan; what a text
// means is said in package seed. It is tested over a connection, against the
// memory provider, and by a client and a server that were written from the
// wire description alone.
package seedserver

import (
	"context"
	"fmt"
	"log/slog"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
	"github.com/vmsteward/vmsteward/providers/remote/seed"
	"github.com/vmsteward/vmsteward/providers/remote/server/turns"
)

// Options says what New builds. Provider and Fleet are required.
type Options struct {
	Provider providers.Provider
	Type     string // of the provider: libvirt, vsphere, …
	Fleet    string // whose mark the VMs carry
	// Namespace is that of every VM: the protocol knows names alone. Empty:
	// "default". VMs of the fleet in other namespaces are not ours.
	Namespace string
	// Turn waits until no other call is about the owner's VM and returns what
	// ends that. nil: the server's own, which suffices if nothing else uses the
	// provider.
	Turn func(context.Context, providers.Owner) (end func(), err error)
	Log  *slog.Logger // nil: nothing is logged
}

// Server is a provider as provider.v1 sees it. Its errors are those of the
// provider with a code that managers know, and the provider's own words in the
// details.
type Server struct {
	pb.UnimplementedProviderServer
	opts  Options
	valid validity
	seen  owners
}

var _ pb.ProviderServer = (*Server)(nil)

// New returns a server. It makes no call.
func New(opts Options) *Server {
	if opts.Namespace == "" {
		opts.Namespace = "default"
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Turn == nil {
		opts.Turn = new(turns.Turns).Take
	}
	return &Server{opts: opts, valid: validity{ask: opts.Provider.Validate, free: make(chan struct{}, 1)}}
}

// Validate tells whether the endpoint can be used. Managers ask before every
// other call, so a good answer holds for a while. A bad one says its kind, in
// the words that servers of the protocol have for it.
func (s *Server) Validate(ctx context.Context, _ *pb.ValidateRequest) (*pb.ValidateResponse, error) {
	err := s.valid.check(ctx)
	switch {
	case err == nil:
		return &pb.ValidateResponse{Ok: true, Message: seed.Banner + s.opts.Type + ": the endpoint can be used"}, nil
	case ctx.Err() != nil:
		return nil, s.failed(ctx.Err())
	}
	said := fmt.Sprintf("%s%s: %s: %v", seed.Banner, s.opts.Type, providers.KindOf(err), err)
	return &pb.ValidateResponse{Message: said}, nil
}

// owner returns the owner that a name stands for.
func (s *Server) owner(name string) providers.Owner {
	return providers.Owner{Fleet: s.opts.Fleet, VM: manifest.Key{Namespace: s.opts.Namespace, Name: name}}
}

// ours tells whether a VM is one that this server may change.
func (s *Server) ours(vm *providers.VM) bool {
	return vm.Mark != nil && vm.Mark.Owner.Fleet == s.opts.Fleet && vm.Mark.Owner.VM.Namespace == s.opts.Namespace
}

// look describes the VM of an id, ours or not.
func (s *Server) look(ctx context.Context, id string) (*providers.VM, error) {
	if id == "" {
		return nil, status.Error(codes.InvalidArgument, "no id is given")
	}
	return s.opts.Provider.Describe(ctx, providers.Ref{ID: id})
}

// hold looks up a VM of ours and waits for its turn. end is called when the
// call is over; it is not nil. A VM that is not ours is PermissionDenied.
func (s *Server) hold(ctx context.Context, id string) (vm *providers.VM, end func(), err error) {
	end = func() {}
	vm, err = s.look(ctx, id)
	if err != nil {
		return nil, end, err
	}
	if !s.ours(vm) {
		return nil, end, status.Error(codes.PermissionDenied, fmt.Sprintf("%s is not a VM of this server, and is left alone", id))
	}
	release, err := s.opts.Turn(ctx, vm.Mark.Owner)
	if err != nil {
		return nil, end, err
	}
	s.seen.keep(id, vm.Mark.Owner)
	return vm, release, nil
}

// refOf names a VM of ours.
func refOf(vm *providers.VM) providers.Ref { return providers.Ref{ID: vm.ID, Owner: vm.Mark.Owner} }
