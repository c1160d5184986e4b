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
	"github.com/vmsteward/vmsteward/providers/memory/memorytest"
	"github.com/vmsteward/vmsteward/providers/providertest"
)

// target describes a hypervisor in memory to the contract suite, with every
// hook, so that nothing is skipped.
func target(hv *memory.Hypervisor) providertest.Target {
	return providertest.Target{
		Fleet:     fleet,
		Connect:   func(context.Context) (providers.Provider, error) { return hv.Connect(settings()), nil },
		VM:        smallVM,
		Outside:   memorytest.Outside(hv),
		Elsewhere: memorytest.Elsewhere,
		Poll:      time.Millisecond,
		NoSkips:   true,
	}
}

func settings() providers.Settings { return providers.Settings{Fleet: fleet} }

func smallVM(key manifest.Key) *manifest.VM {
	vm := wanted(key.Name)
	vm.Key, vm.Disks, vm.RootDisk = key, nil, manifest.RootDisk{SizeGiB: 12}
	vm.Firmware = manifest.FirmwareUEFI
	return vm
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
