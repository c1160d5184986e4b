package remotetest

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote"
	"github.com/vmsteward/vmsteward/providers/remote/server"
)

// Serve offers a provider by the extension on loopback, behind TLS, until the
// test ends, and returns the settings of its clients.
func Serve(t TB, p providers.Provider, fleet, kind string) providers.Settings {
	t.Helper()
	a, log := NewAuthority(t), slog.New(slog.DiscardHandler)
	s, err := server.New(p, server.Options{Fleet: fleet, Type: kind, Version: "test", Log: log, TLS: a.Files("server.test")})
	if err != nil {
		t.Fatalf("%v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("%v", err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := errors.Join(s.Stop(ctx), <-done); err != nil {
			t.Errorf("the server: %v", err)
		}
		if c, ok := p.(providers.Closer); ok {
			if err := c.Close(); err != nil {
				t.Errorf("the provider behind the server: %v", err)
			}
		}
	})
	return providers.Settings{
		Fleet: fleet, Type: kind, Endpoint: "grpc://" + l.Addr().String(), Credentials: a.Credential("client.test"),
	}
}

// Through serves a provider and returns what connects to it, anew each time.
func Through(t TB, p providers.Provider, fleet, kind string) func(context.Context) (providers.Provider, error) {
	t.Helper()
	settings := Serve(t, p, fleet, kind)
	return func(context.Context) (providers.Provider, error) {
		return remote.New(settings, slog.New(slog.DiscardHandler))
	}
}
