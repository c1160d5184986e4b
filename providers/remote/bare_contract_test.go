package remote_test

import (
	"context"
	"log/slog"
	"testing"

	"google.golang.org/grpc"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/providers/remote"
	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
	"github.com/vmsteward/vmsteward/providers/remote/server/seedserver"
)

// offered is what provider.v1 has words for; the rest is NotSupported.
type offered struct {
	providers.Provider
	providers.Lister
	providers.Capable
	providers.Closer
}

// TestContractOfTheFallback runs the contract suite against a server that has
// provider.v1 alone.
func TestContractOfTheFallback(t *testing.T) {
	t.Parallel()
	for name, nature := range natures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hv := memory.NewHypervisor()
			hv.SetNature(nature)
			a := remotetest.NewAuthority(t)
			service := seedserver.New(seedserver.Options{Provider: hv.Connect(providers.Settings{Fleet: fleet}), Type: "memory", Fleet: fleet})
			s := serve(t, func(s *grpc.Server) { providerv1.RegisterProviderServer(s, service) }, secured(t, a))
			target := contractTarget(hv, remotetest.NewLine(t, s.network, s.address))
			target.Outside.SetMark = nil // the mark that counts is in the ledger
			settings := providers.Settings{
				Fleet: fleet, Type: "memory", Endpoint: target.endpoint(), Credentials: a.Credential("client.test"), Ledger: &remotetest.Ledger{},
			}
			target.Connect = func(context.Context) (providers.Provider, error) {
				p, err := remote.New(settings, slog.New(slog.DiscardHandler))
				return offered{p, p, p, p}, err
			}
			remotetest.Run(t, target.Target, remotetest.BareUntried(nil), remotetest.BareUnkept(nil))
			if left := hv.Outside().Volumes(); len(left) > 0 {
				t.Errorf("the suite left the volumes %v", left)
			}
		})
	}
}
