package vsphere

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/providertest"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

const testFleet = "test"

// TestContract runs the contract suite against a simulated vCenter over TLS.
func TestContract(t *testing.T) {
	providertest.Run(t, contractTarget(vcsim.New(t, vcsim.Options{})))
}

func contractTarget(s *vcsim.Server) providertest.Target {
	a := newAdministrator(s)
	return providertest.Target{
		Fleet: testFleet,
		Connect: func(context.Context) (providers.Provider, error) {
			p, err := New(s.Settings(testFleet), slog.New(slog.DiscardHandler))
			a.last = p
			return p, err
		},
		VM:        contractVM,
		Elsewhere: func(nic *manifest.NIC) { nic.Network = onPortGroup("DC0_DVPG1", "", 0) },
		Outside:   a.outside(),
		Poll:      5 * time.Millisecond,
	}
}

func contractVM(key manifest.Key) *manifest.VM {
	return &manifest.VM{
		Key: key, CPU: 1, MemoryMiB: 512, Firmware: manifest.FirmwareBIOS, Power: manifest.PowerOn,
		Image: &manifest.Image{VSphere: &manifest.VSphereImage{Template: vcsim.Template}, Digest: "sha256:template"},
		NICs:  []manifest.NIC{{Name: "net0", Network: onPortGroup("DC0_DVPG0", "", 0)}},
	}
}

// outside is what the suite asks of the administrator.
func (a *administrator) outside() providertest.Outside {
	return providertest.Outside{
		Foreign: a.foreign,
		SetCPU: func(ctx context.Context, id string, n int) error {
			return a.reconfigure(ctx, id, types.VirtualMachineConfigSpec{NumCPUs: int32(n)})
		},
		SetMark: a.setMark,
		Undefine: func(ctx context.Context, id string) error {
			vm, err := a.vm(id)
			if err != nil {
				return err
			}
			return vm.Unregister(ctx)
		},
		Suspend: func(ctx context.Context, id string) error {
			return a.task(ctx, id, func(vm *object.VirtualMachine) (*object.Task, error) { return vm.Suspend(ctx) })
		},
		Deafen:      a.deafen,
		Blur:        a.blur,
		Interrupt:   a.interrupt,
		Volumes:     a.volumes,
		AttachDisk:  a.attachDisk,
		ImportDisk:  a.importDisk,
		LoseNetwork: func(nic *manifest.NIC) { nic.Network = onPortGroup("lost", "", 0) },
		Deny:        a.deny,
		LoseImage:   func(vm *manifest.VM) { vm.Image = &manifest.Image{VSphere: &manifest.VSphereImage{Template: "lost"}} },
		Cut:         func() func() { a.s.Cut(); return a.s.Restore },
		Stall:       func() func() { a.s.Stall(); return a.s.Release },
	}
}
