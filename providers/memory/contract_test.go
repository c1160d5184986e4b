package memory_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/providers/providertest"
)

// target describes a hypervisor in memory to the contract suite, with every
// hook, so that nothing is skipped.
func target(hv *memory.Hypervisor) providertest.Target {
	return providertest.Target{
		Fleet:   fleet,
		Connect: func(context.Context) (providers.Provider, error) { return hv.Connect(settings()), nil },
		VM:      smallVM,
		Outside: outside(hv),
		Elsewhere: func(nic *manifest.NIC) {
			nic.Network = &manifest.Network{Libvirt: &manifest.LibvirtNetwork{Network: "other"}}
		},
		Poll:    time.Millisecond,
		NoSkips: true,
	}
}

func settings() providers.Settings { return providers.Settings{Fleet: fleet} }

func smallVM(key manifest.Key) *manifest.VM {
	vm := wanted(key.Name)
	vm.Key, vm.Disks, vm.RootDisk = key, nil, manifest.RootDisk{SizeGiB: 12}
	vm.Firmware = manifest.FirmwareUEFI
	return vm
}

func outside(hv *memory.Hypervisor) providertest.Outside {
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
			vm.Image = &manifest.Image{Key: manifest.Key{Namespace: "default", Name: "lost"}, Digest: "sha256:lost"}
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
		Cut: func() func() { hv.Cut(); return hv.Restore },
		Stall: func() func() {
			hv.Inject(memory.Fault{Hang: true, Times: -1})
			return hv.Heal
		},
	}
}

func TestContract(t *testing.T) {
	hv := memory.NewHypervisor()
	hv.SetNature(memory.Nature{ShutdownTakes: 5 * time.Millisecond})
	providertest.Run(t, target(hv))
	if calls := len(hv.Outside().Volumes()); calls != 0 {
		t.Errorf("the suite left volumes: %v", hv.Outside().Volumes())
	}
}

// TestContractHoldsForEveryNature runs the suite in synctest bubbles, where
// slow natures take no time.
func TestContractHoldsForEveryNature(t *testing.T) {
	file, err := memory.OpenFile(filepath.Join(t.TempDir(), "state.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name   string
		hv     *memory.Hypervisor
		nature memory.Nature
		reason string
	}{
		{"slow guests", memory.NewHypervisor(), memory.Nature{ShutdownTakes: time.Minute}, "a shutdown is waited for"},
		{"late tasks", memory.NewHypervisor(), memory.Nature{Late: 3 * time.Second, ShutdownTakes: time.Second}, "effects come with their task"},
		{"other orders", memory.NewHypervisor(), memory.Nature{Shuffle: true}, "the order of lists means nothing"},
		{"a file", file, memory.Nature{ShutdownTakes: time.Second}, "every call reads the state and every effect writes it"},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.hv.SetNature(row.nature)
			where := target(row.hv)
			where.Poll = 100 * time.Millisecond // virtual
			for _, c := range providertest.Checks() {
				if err := inBubble(t, where, c); err != nil {
					t.Errorf("%s: %v (%s)", c.Name, err, row.reason)
				}
			}
		})
	}
}

// TestContractOfABareProvider runs the suite against the seven calls alone and
// no hook: what can be tried must hold, and the rest is skipped by name.
func TestContractOfABareProvider(t *testing.T) {
	hv := memory.NewHypervisor()
	tt := target(hv)
	tt.Outside, tt.NoSkips = providertest.Outside{}, false
	tt.Connect = func(context.Context) (providers.Provider, error) {
		return struct{ providers.Provider }{hv.Connect(settings())}, nil
	}
	tried := 0
	for _, c := range providertest.Checks() {
		err := inBubble(t, tt, c)
		skip := (*providertest.Skip)(nil)
		switch {
		case err == nil:
			tried++
		case !errors.As(err, &skip) || skip.Reason == "":
			t.Errorf("%s: %v", c.Name, err)
		}
	}
	if tried < 20 {
		t.Errorf("%d checks could be tried, want at least 20", tried)
	}
}

// TestContractOfAProviderThatAsksItsEndpoint runs the suite against one that
// states nothing until a call of its connection has succeeded.
func TestContractOfAProviderThatAsksItsEndpoint(t *testing.T) {
	hv := memory.NewHypervisor()
	hv.SetNature(memory.Nature{ShutdownTakes: time.Second})
	tt := target(hv)
	tt.Poll = 100 * time.Millisecond // virtual
	tt.Connect = func(context.Context) (providers.Provider, error) {
		b := &broken{Provider: hv.Connect(settings()), o: hv.Outside()}
		var reached atomic.Bool
		b.around = func(ctx context.Context, call func(context.Context) error) error {
			err := call(ctx)
			if err == nil {
				reached.Store(true)
			}
			return err
		}
		b.capabilities = func() *providers.Capabilities {
			if !reached.Load() {
				return nil
			}
			return b.Provider.Capabilities()
		}
		return b, nil
	}
	for _, c := range providertest.Checks() {
		if err := inBubble(t, tt, c); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

// inBubble tries a check where time passes only when everybody waits. The hour
// afterwards is for calls that the check gave up on.
func inBubble(t *testing.T, target providertest.Target, c providertest.Check) (err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		err = providertest.Try(t.Context(), target, c)
		<-time.After(time.Hour)
	})
	return err
}
