package remote

import (
	"context"
	"fmt"
	"runtime/debug"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
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
	hello, err := client.Hello(ctx, &stewardv1.HelloRequest{Fleet: p.settings.Fleet, Client: clientName()})
	switch {
	case saysUnimplemented(err):
		return p.greetSeed(ctx, l)
	case err != nil:
		return nil, translate(ctx, "connect", p.where(), err)
	case hello.GetType() != p.settings.Type:
		return nil, &providers.Error{
			Op: "connect", Subject: p.where(), Kind: providers.InvalidSpec,
			Err: fmt.Errorf("the server is for the type %q, and the manifest says %q", hello.GetType(), p.settings.Type),
		}
	}
	caps, err := decodeCapabilities(hello.GetCapabilities())
	if err != nil {
		return nil, named("connect", p.where(), broken(err))
	}
	p.state(caps)
	return &steward{
		client: client, name: hello.GetServer(), kind: hello.GetType(), parts: hello.GetParts(),
		answers: &p.answers, progress: &p.progress,
	}, nil
}

// where is the server's endpoint, for people.
func (p *Provider) where() string { return p.session.dialer.endpoint.String() }

// saysUnimplemented tells whether the server does not know a call: it speaks
// no extension.
func saysUnimplemented(err error) bool {
	s, ok := status.FromError(err)
	return err != nil && ok && s.Code() == codes.Unimplemented && len(s.Details()) == 0
}

// clientName says in a server's log who we are.
func clientName() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return "vmsteward " + info.Main.Version
	}
	return "vmsteward"
}
