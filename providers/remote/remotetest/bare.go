package remotetest

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"

	"google.golang.org/grpc"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
	"github.com/vmsteward/vmsteward/providers/remote/server/seedserver"
)

// Bare is Through for a server that has provider.v1 alone, in plain text on
// loopback. What is ours is in a ledger then, one for all the clients.
func Bare(t testing.TB, p providers.Provider, fleet, kind string) func(context.Context) (providers.Provider, error) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s := grpc.NewServer()
	providerv1.RegisterProviderServer(s, seedserver.New(seedserver.Options{Provider: p, Type: kind, Fleet: fleet, Log: log}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-done; err != nil {
			t.Errorf("the server: %v", err)
		}
		if c, ok := p.(providers.Closer); ok {
			if err := c.Close(); err != nil {
				t.Errorf("the provider behind the server: %v", err)
			}
		}
	})
	return Worded(providers.Settings{Fleet: fleet, Type: kind, Endpoint: "grpc://" + l.Addr().String(), Ledger: &Ledger{}})
}

// Worded returns what connects to a server that has provider.v1 alone, with
// what that has words for.
func Worded(settings providers.Settings) func(context.Context) (providers.Provider, error) {
	return func(context.Context) (providers.Provider, error) {
		p, err := remote.New(settings, slog.New(slog.DiscardHandler))
		if err != nil {
			return nil, err
		}
		return struct {
			providers.Provider
			providers.Lister
			providers.Capable
			providers.Closer
		}{p, p, p, p}, nil
	}
}

// Ledger is one that lives as long as the test. The zero value is empty.
type Ledger struct {
	mu      sync.Mutex
	entries map[providers.Owner]providers.LedgerEntry
}

var _ providers.Ledger = (*Ledger)(nil)

// Load implements providers.Ledger.
func (l *Ledger) Load() ([]providers.LedgerEntry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.entries)), nil
}

// Put implements providers.Ledger.
func (l *Ledger) Put(e providers.LedgerEntry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.entries == nil {
		l.entries = make(map[providers.Owner]providers.LedgerEntry)
	}
	l.entries[e.Mark.Owner] = e
	return nil
}

// Drop implements providers.Ledger.
func (l *Ledger) Drop(o providers.Owner) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.entries, o)
	return nil
}
