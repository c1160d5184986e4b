package server

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote"
)

// TestOurClientHasWhatThereIs lets two of our own clients follow a world that
// changes at random over one server; some of their calls end early.
func TestOurClientHasWhatThereIs(t *testing.T) {
	w := &world{r: rand.New(rand.NewPCG(7, 7))}
	s := serve(t, &stub{list: w.list}, Options{})
	clients := make([]*remote.Provider, 2)
	for i := range clients {
		var err error
		clients[i], err = remote.New(providers.Settings{Fleet: fleet, Type: "memory", Endpoint: "grpc://" + s.addr}, discard)
		if err != nil {
			t.Fatal(err)
		}
		defer clients[i].Close()
	}
	for step := range 400 {
		w.turn()
		c := clients[w.r.IntN(len(clients))]
		if w.r.IntN(6) == 0 {
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := c.List(ended); err == nil {
				t.Fatal("a call that had ended succeeded")
			}
			continue
		}
		inv, err := c.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		there := map[string]*providers.VM{}
		for i := range inv.VMs {
			there[inv.VMs[i].ID] = &inv.VMs[i]
		}
		if len(inv.VMs) != len(w.vms) || len(there) != len(w.vms) || inv.Complete != w.complete {
			t.Fatalf("step %d: %d VMs with %d ids, complete %v, want %d and %v", step, len(inv.VMs), len(there), inv.Complete, len(w.vms), w.complete)
		}
		for i := range w.vms {
			if have := there[w.vms[i].ID]; have == nil || !have.Same(&w.vms[i]) {
				t.Fatalf("step %d: the client has %+v, want %+v", step, have, w.vms[i])
			}
		}
	}
}

// BenchmarkListOverTheWire is a read of 5,000 VMs in which nothing is new,
// through TLS, beside which BenchmarkListNothingNew is the server's part.
func BenchmarkListOverTheWire(b *testing.B) {
	vms := manyVMs()
	ours := newAuthority(b, "ours")
	peer := ours.issue("peer", "", "")
	s := serve(b, &stub{list: func(context.Context) (*providers.Inventory, error) {
		return &providers.Inventory{VMs: vms, Complete: true}, nil
	}}, Options{TLS: files(b, ours, ours.issue("server", "", ""))})
	c, err := remote.New(providers.Settings{
		Fleet: fleet, Type: "memory", Endpoint: "grpc://" + s.addr,
		Credentials: secret.Set{"tls.crt": secret.New(string(peer.cert)), "tls.key": secret.New(string(peer.key)), "ca.crt": secret.New(string(ours.pem))},
	}, discard)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	b.ReportAllocs()
	for b.Loop() {
		if inv, err := c.List(b.Context()); err != nil || len(inv.VMs) != len(vms) {
			b.Fatal(inv, err)
		}
	}
}
