package remote_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/providers/memory/memorytest"
	"github.com/vmsteward/vmsteward/providers/providertest"
	"github.com/vmsteward/vmsteward/providers/remote"
	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
	"github.com/vmsteward/vmsteward/providers/remote/server"
)

// skips are the checks that cannot be tried through the extension, and why.
var skips = map[string]string{
	"pulse-finds-what-differs": "the server asks its provider beside an open Watch, and tells what it finds",
}

// natures are those of the hypervisor that the suite runs against.
var natures = map[string]memory.Nature{
	"prompt":     {ShutdownTakes: 5 * time.Millisecond},
	"late tasks": {ShutdownTakes: 5 * time.Millisecond, Late: 2 * time.Millisecond},
}

// TestContract runs the contract suite through TLS against our server in front
// of a hypervisor in memory.
func TestContract(t *testing.T) {
	t.Parallel()
	for name, nature := range natures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hv := memory.NewHypervisor()
			hv.SetNature(nature)
			a := remotetest.NewAuthority(t)
			s := steward(t, hv.Connect(providers.Settings{Fleet: fleet}), a)
			target := contractTarget(hv, remotetest.NewLine(t, "tcp", s))
			settings := providers.Settings{Fleet: fleet, Type: "memory", Endpoint: target.endpoint(), Credentials: a.Credential("client.test")}
			target.Connect = func(context.Context) (providers.Provider, error) {
				return remote.New(settings, slog.New(slog.DiscardHandler))
			}
			remotetest.Run(t, target.Target, skips, nil)
			if left := hv.Outside().Volumes(); len(left) != 0 {
				t.Errorf("the suite left volumes: %v", left)
			}
		})
	}
}

// steward serves a provider by the extension, and returns its address.
func steward(t *testing.T, p providers.Provider, a *remotetest.Authority) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(p, server.Options{
		Fleet: fleet, Type: "memory", Version: "test", Log: slog.New(slog.DiscardHandler), TLS: a.Files("server.test"),
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := errors.Join(s.Stop(ctx), <-done); err != nil {
			t.Errorf("the server: %v", err)
		}
	})
	return l.Addr().String()
}

// farTarget is a hypervisor in memory behind a line.
type farTarget struct {
	providertest.Target
	line *remotetest.Line
}

func (f *farTarget) endpoint() string { return f.line.Endpoint() }

// contractTarget describes the hypervisor to the suite: what happens outside
// goes straight to it, and what happens to the connection, to the line.
func contractTarget(hv *memory.Hypervisor, line *remotetest.Line) *farTarget {
	return &farTarget{line: line, Target: providertest.Target{
		Fleet:     fleet,
		VM:        smallVM,
		Outside:   outside(hv, line),
		Elsewhere: memorytest.Elsewhere,
		Poll:      5 * time.Millisecond,
	}}
}

func smallVM(key manifest.Key) *manifest.VM {
	return &manifest.VM{
		Key: key, CPU: 2, MemoryMiB: 1024, CPUHotAdd: true, MemHotAdd: true, Firmware: manifest.FirmwareUEFI,
		RootDisk: manifest.RootDisk{SizeGiB: 12},
		Image: &manifest.Image{
			Key: manifest.Key{Namespace: "default", Name: "debian"}, Digest: "sha256:debian",
			Libvirt: &manifest.LibvirtImage{Path: "/images/debian"},
		},
		NICs: []manifest.NIC{{Name: "eth0", Network: &manifest.Network{
			Key: manifest.Key{Namespace: "default", Name: "lan"}, Libvirt: &manifest.LibvirtNetwork{Bridge: "br0"},
		}}},
	}
}

// outside is the hypervisor's, but for what happens to the connection.
func outside(hv *memory.Hypervisor, line *remotetest.Line) providertest.Outside {
	o := memorytest.Outside(hv)
	o.Cut, o.Stall = line.Cut, line.Stall
	return o
}
