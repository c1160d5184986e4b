package vsphere

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/providertest"
	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

const testFleet = "test"

// skips are the checks that this provider is not tried by, and why. Any other
// that is skipped fails, and so does one of these that is not.
var skips = map[string]string{
	"volumes-of-an-unreadable-vm-are-no-leftovers": noLeftovers,
	"leftovers-are-listed-and-swept":               noLeftovers,
	"volumes-in-use-are-not-swept":                 noLeftovers,
	"other-fleets-leftovers-are-not-ours":          noLeftovers,
	"pulse-finds-what-differs":                     "the watch tells of everything",
	"reconfigure-autostart":                        "a host has it, and not a VM",
	"reconfigure-root-disk-type":                   madeAnew,
	"reconfigure-disk-type":                        madeAnew,
	"reconfigure-disk-controller":                  madeAnew,
}

const (
	noLeftovers = "a vCenter removes what is left of a creation that failed, so nothing is swept"
	madeAnew    = "only a VM made anew has another"
)

// TestContract runs the contract suite against a simulated vCenter over TLS.
func TestContract(t *testing.T) {
	try(t, contractTarget(vcsim.New(t, vcsim.Options{})), skips)
}

// try runs every check. One that is skipped has to be on the list, and one on
// the list has to be skipped.
func try(t *testing.T, target providertest.Target, skips map[string]string) {
	for _, c := range providertest.Checks() {
		t.Run(c.Name, func(t *testing.T) {
			err := providertest.Try(t.Context(), target, c)
			var skip *providertest.Skip
			reason, skipped := skips[c.Name]
			switch {
			case errors.As(err, &skip) && skipped:
				t.Skipf("%s: %s", skip.Reason, reason)
			case skipped && err == nil:
				t.Errorf("the check is listed as one that cannot be tried: %s", reason)
			case err != nil:
				t.Errorf("%s\nbroken: %v", c.Promise, err)
			}
		})
	}
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

// TestContractThroughTheWire is the suite with a provider server in between.
func TestContractThroughTheWire(t *testing.T) {
	target := contractTarget(vcsim.New(t, vcsim.Options{}))
	behind, err := target.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	target.Connect = remotetest.Through(t, behind, testFleet, "vsphere")
	list := maps.Clone(skips)
	list["pulse-finds-what-differs"] = "the server asks its provider, beside an open Watch"
	try(t, target, list)
}

// TestContractThroughProviderV1 is the suite with a server in between that has
// provider.v1 alone.
func TestContractThroughProviderV1(t *testing.T) {
	target := contractTarget(vcsim.New(t, vcsim.Options{}))
	behind, err := target.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	target.Connect, target.Outside.SetMark = remotetest.Bare(t, behind, testFleet, "vsphere"), nil
	remotetest.Run(t, target, remotetest.BareUntried(nil), remotetest.BareUnkept(map[string]string{
		"deadlines-are-honoured": "the server asks its endpoint for Validate once in a while only",
	}))
}
