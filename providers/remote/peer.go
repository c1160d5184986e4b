package remote

import (
	"context"
	"fmt"
	"runtime/debug"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
	"github.com/vmsteward/vmsteward/providers/remote/wire"
)

// peer is a server on one connection, in the protocol that it speaks. Its
// errors may be statuses as gRPC gives them.
type peer interface {
	providers.Provider
	providers.Lister
	providers.Watcher
	providers.Sweeper
	providers.Snapshotter
	// String says for people who it is.
	String() string
}

// greet asks a server who it is, and what it can.
func (p *Provider) greet(ctx context.Context, l *link) (peer, error) {
	client := stewardv1.NewStewardClient(l.cc)
	hello, err := client.Hello(ctx, helloOf(p.settings.Fleet))
	switch {
	case saysUnimplemented(err):
		return p.greetSeed(ctx, l)
	case err != nil:
		return nil, translate(ctx, "connect", p.where(), err)
	case p.settings.Type != "" && hello.GetType() != p.settings.Type:
		return nil, &providers.Error{
			Op: "connect", Subject: p.where(), Kind: providers.InvalidSpec,
			Err: fmt.Errorf("the server is for the type %q, and the manifest says %q", hello.GetType(), p.settings.Type),
		}
	}
	st := &steward{
		client: client, name: hello.GetServer(), kind: hello.GetType(), parts: hello.GetParts(), fleet: p.settings.Fleet,
		state: p.state, answers: &p.answers, progress: &p.progress,
	}
	if err := st.hear(hello.GetCapabilities()); err != nil {
		return nil, named("connect", p.where(), broken(err))
	}
	p.offered(powersOf(hello.GetParts())...)
	return st, nil
}

// hear takes over what the server says that it can. One whose own endpoint was
// not reached yet says nothing.
func (s *steward) hear(m *stewardv1.Capabilities) error {
	if m == nil {
		return nil
	}
	caps, err := wire.DecodeCapabilities(m)
	if err == nil {
		s.state(caps)
		s.stated.Store(true)
	}
	return err
}

// restate asks a server that said nothing yet once more what it can, after its
// endpoint was read. Without an answer, the next read asks.
func (s *steward) restate(ctx context.Context) {
	if s.stated.Load() {
		return
	}
	if hello, err := s.client.Hello(ctx, helloOf(s.fleet)); err == nil {
		_ = s.hear(hello.GetCapabilities())
	}
}

// where is the server's endpoint, for people.
func (p *Provider) where() string { return p.session.dialer.endpoint.String() }

// saysUnimplemented tells whether the server does not know a call: it speaks
// no extension.
func saysUnimplemented(err error) bool {
	s, ok := status.FromError(err)
	return err != nil && ok && s.Code() == codes.Unimplemented && len(s.Details()) == 0
}

func helloOf(fleet string) *stewardv1.HelloRequest {
	return &stewardv1.HelloRequest{Fleet: fleet, Client: clientName()}
}

// clientName says in a server's log who we are.
func clientName() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return "vmsteward " + info.Main.Version
	}
	return "vmsteward"
}
