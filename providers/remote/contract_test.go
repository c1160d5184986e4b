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
		Fleet:   fleet,
		VM:      smallVM,
		Outside: outside(hv, line),
		Elsewhere: func(nic *manifest.NIC) {
			nic.Network = &manifest.Network{Libvirt: &manifest.LibvirtNetwork{Network: "other"}}
		},
		Poll: 5 * time.Millisecond,
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

func outside(hv *memory.Hypervisor, line *remotetest.Line) providertest.Outside {
	o := hv.Outside()
	return providertest.Outside{
		Foreign: func(_ context.Context, name string) (string, func(context.Context) error, error) {
			id, err := o.AddForeign(memory.Foreign{Name: name})
			return id, func(context.Context) error {
				return errors.Join(o.Undefine(id), o.RemoveVolume("images/"+name+".img"))
			}, err
		},
		SetCPU:   func(_ context.Context, id string, n int) error { return o.SetCPU(id, n, false) },
		SetMark:  func(_ context.Context, id string, mark *providers.Mark) error { return o.SetMark(id, mark) },
		Undefine: func(_ context.Context, id string) error { return o.Undefine(id) },
		Suspend:  func(_ context.Context, id string) error { return o.Suspend(id) },
		Deafen:   func(_ context.Context, id string) error { return o.Deafen(id, true) },
		Blur:     func(_ context.Context, id string, on bool) error { return o.Blur(id, on) },
		Volumes:  func(context.Context) ([]string, error) { return o.Volumes(), nil },
		LeaveVolume: func(_ context.Context, owner providers.Owner) (func(context.Context) error, error) {
			name, err := o.LeaveVolume(owner, "root", 1)
			return func(context.Context) error { return o.RemoveVolume(name) }, err
		},
		LoseImage: func(vm *manifest.VM) {
			_ = o.RemoveImage("lost")
			vm.Image = &manifest.Image{
				Key: manifest.Key{Namespace: "default", Name: "lost"}, Digest: "sha256:lost", Libvirt: &manifest.LibvirtImage{Path: "lost"},
			}
		},
		AttachDisk: func(_ context.Context, id string) (func(context.Context) error, error) {
			name := "images/" + id + "-attached.img"
			return func(context.Context) error { return o.RemoveVolume(name) }, o.AttachDisk(id, name, 1)
		},
		ImportDisk: func(context.Context) (manifest.ImportedDisk, func(context.Context) error, error) {
			const name = "images/imported.img"
			return manifest.ImportedDisk{ID: "imported", Path: name, SizeGiB: 2},
				func(context.Context) error { return o.RemoveVolume(name) }, o.AddVolume(name, 2)
		},
		LoseNetwork: func(nic *manifest.NIC) {
			_ = o.RemoveNetwork("lost")
			nic.Network = &manifest.Network{Libvirt: &manifest.LibvirtNetwork{Network: "lost"}}
		},
		Interrupt: func(op string, n int) func() {
			hv.OnStep(func(s memory.Step) error {
				if s.Op == op && s.N == n {
					return errors.New("interrupted")
				}
				return nil
			})
			return func() { hv.OnStep(nil) }
		},
		Deny: func() func() {
			hv.Inject(memory.Fault{Kind: providers.Unauthorized, Times: -1})
			return hv.Heal
		},
		Cut:   line.Cut,
		Stall: line.Stall,
	}
}
