package libvirt

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
	"github.com/vmsteward/vmsteward/providers/providertest"
	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
)

// TestContract runs the contract suite against a private libvirt host, through
// a tap that can cut the line. The guests are empty disks.
func TestContract(t *testing.T) {
	t.Parallel()
	host := libvirttest.Start(t, libvirttest.Options{})
	tap := newWiretap(t, host.Socket)
	target := contractTarget(host, tap)
	target.NoGuest = true
	providertest.Run(t, target)
}

// TestContractThroughTheWire is the suite with a provider server in between.
func TestContractThroughTheWire(t *testing.T) {
	t.Parallel()
	host := libvirttest.Start(t, libvirttest.Options{})
	target := contractTarget(host, newWiretap(t, host.Socket))
	target.NoGuest = true
	behind, err := target.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	target.Connect = remotetest.Through(t, behind, testFleet, "libvirt")
	providertest.Run(t, target)
}

// TestContractThroughProviderV1 is the suite with a server in between that has
// provider.v1 alone.
func TestContractThroughProviderV1(t *testing.T) {
	t.Parallel()
	host := libvirttest.Start(t, libvirttest.Options{})
	target := contractTarget(host, newWiretap(t, host.Socket))
	target.NoGuest = true
	behind, err := target.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	target.Connect, target.Outside.SetMark = remotetest.Bare(t, behind, testFleet, "libvirt"), nil
	const noGuest = "the disks are empty"
	untried := remotetest.BareUntried(map[string]string{
		"shutdown-is-a-task": noGuest, "shutdown-twice-is-once": noGuest, "stop-overtakes-shutdown": noGuest,
		"stop-needs-no-guest": noGuest, "reboot-keeps-running": noGuest,
		"refused-credentials-are-unauthorized": "a local socket has no credentials",
	})
	remotetest.Run(t, target, untried, remotetest.BareUnkept(map[string]string{
		"deadlines-are-honoured": "the server asks its endpoint for Validate once in a while only",
	}))
}

func contractTarget(host *libvirttest.Host, tap *wiretap) providertest.Target {
	base := &rig{host: host}
	return providertest.Target{
		Fleet: testFleet,
		Connect: func(context.Context) (providers.Provider, error) {
			return New(providers.Settings{Fleet: testFleet, Endpoint: tap.uri()}, slog.New(slog.DiscardHandler))
		},
		VM: func(key manifest.Key) *manifest.VM {
			vm := base.vm(key.Name)
			vm.Key = key
			vm.NICs = []manifest.NIC{{Name: "net0", Network: network("default", "")}}
			return vm
		},
		Outside: outside(host, tap),
		Carries: carries,
		Elsewhere: func(nic *manifest.NIC) {
			nic.Network = network("isolated", "")
		},
		Poll: 5 * time.Millisecond,
		Told: tellLimit,
	}
}

// outside returns access to the host that does not go through the provider.
func outside(h *libvirttest.Host, tap *wiretap) providertest.Outside {
	virsh := func(args ...string) error {
		out, err := h.VirshErr(args...)
		if err != nil {
			err = fmt.Errorf("virsh %q: %w: %s", args, err, out)
		}
		return err
	}
	undefine := func(_ context.Context, id string) error { return virsh("undefine", id) }
	return providertest.Outside{
		Foreign: func(_ context.Context, name string) (string, func(context.Context) error, error) {
			id, err := defineForeign(h, name)
			return id, func(ctx context.Context) error { return undefine(ctx, id) }, err
		},
		SetCPU: func(_ context.Context, id string, n int) error {
			return virsh("setvcpus", id, fmt.Sprint(n), "--config")
		},
		SetMark: func(_ context.Context, id string, m *providers.Mark) error {
			if m == nil {
				return virsh("metadata", id, markSpace, "--remove")
			}
			text, err := (&markXML{
				UUID: id, Fleet: m.Owner.Fleet, Namespace: m.Owner.VM.Namespace, Name: m.Owner.VM.Name,
				Image: m.Image, CloudInit: m.CloudInit,
			}).plain()
			if err != nil {
				return err
			}
			return virsh("metadata", id, markSpace, "--config", "--key", markPrefix, "--set", text)
		},
		Undefine: undefine,
		Suspend:  func(_ context.Context, id string) error { return virsh("suspend", id) },
		Deafen:   func(context.Context, string) error { return nil }, // an empty disk hears nothing
		Blur: func(_ context.Context, id string, on bool) error {
			parsed, err := uuid.Parse(id)
			tap.blur(parsed, on)
			return err
		},
		Volumes: func(context.Context) ([]string, error) {
			out, err := h.VirshErr("vol-list", "default", "--details")
			var names []string
			for line := range strings.Lines(out) {
				if fields := strings.Fields(line); len(fields) > 0 {
					names = append(names, fields[0])
				}
			}
			return names, err
		},
		LeaveVolume: func(_ context.Context, o providers.Owner) (func(context.Context) error, error) {
			name := volumeName(o, "root", formatQCOW2)
			remove := func(context.Context) error {
				if _, err := h.VirshErr("vol-info", "--pool", "default", name); err != nil {
					return nil
				}
				return virsh("vol-delete", "--pool", "default", name)
			}
			return remove, virsh("vol-create-as", "default", name, "1G", "--format", "qcow2")
		},
		LoseImage: func(vm *manifest.VM) {
			vm.Image = &manifest.Image{Libvirt: &manifest.LibvirtImage{Path: filepath.Join(h.PoolDir, "lost.qcow2")}}
		},
		LoseNetwork: func(nic *manifest.NIC) { nic.Network = network("lost", "") },
		AttachDisk: func(_ context.Context, id string) (func(context.Context) error, error) {
			name, remove, err := strayVolume(h, "attached.qcow2")
			if err == nil {
				err = virsh("attach-disk", id, name, "vdz", "--config", "--subdriver", "qcow2")
			}
			return remove, err
		},
		ImportDisk: func(context.Context) (manifest.ImportedDisk, func(context.Context) error, error) {
			name, remove, err := strayVolume(h, "imported.qcow2")
			return manifest.ImportedDisk{ID: "imported", Path: name, SizeGiB: 1}, remove, err
		},
		Interrupt: func(_ string, n int) func() {
			tap.cutAfter(n)
			return func() { tap.cutAfter(0) }
		},
		Cut:   func() func() { tap.refuse(true); return func() { tap.refuse(false) } },
		Stall: func() func() { h.Pause(); return h.Resume },
	}
}

// strayVolume makes a volume that belongs to no VM, and returns where it is.
func strayVolume(h *libvirttest.Host, name string) (path string, remove func(context.Context) error, err error) {
	remove = func(context.Context) error {
		if _, err := h.VirshErr("vol-info", "--pool", "default", name); err != nil {
			return nil
		}
		out, err := h.VirshErr("vol-delete", "--pool", "default", name)
		if err != nil {
			err = fmt.Errorf("virsh vol-delete: %w: %s", err, out)
		}
		return err
	}
	if out, err := h.VirshErr("vol-create-as", "default", name, "1G", "--format", "qcow2"); err != nil {
		return "", remove, fmt.Errorf("virsh vol-create-as: %w: %s", err, out)
	}
	return filepath.Join(h.PoolDir, name), remove, nil
}

// defineForeign defines a domain of somebody else.
func defineForeign(h *libvirttest.Host, name string) (id string, err error) {
	id = uuid.NewString()
	file := filepath.Join(h.PoolDir, id+".xml")
	if err := os.WriteFile(file, []byte(foreign(name, id, "")), 0o600); err != nil {
		return "", err
	}
	defer os.Remove(file)
	if out, err := h.VirshErr("define", file); err != nil {
		return "", fmt.Errorf("virsh define: %w: %s", err, out)
	}
	return id, nil
}

// TestCallsOfAnInventory counts what goes over the line.
func TestCallsOfAnInventory(t *testing.T) {
	t.Parallel()
	host := libvirttest.Start(t, libvirttest.Options{})
	tap := newWiretap(t, host.Socket)
	p, err := New(providers.Settings{Fleet: testFleet, Endpoint: tap.uri()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	r := &rig{p, host, t, t.Context()}
	const n = 20
	vms := r.crowd(n, 8)
	r.power(vms[0], providers.PowerStart)
	calls := tap.count(func() { r.list() })
	sum := 0
	for proc, times := range calls {
		sum += times
		if changes(proc) {
			t.Errorf("an inventory makes the changing call %d", proc)
		}
	}
	if documents := calls[procGetXML]; documents != n+1 || sum-documents > 12 {
		t.Errorf("%d documents of %d VMs, one of which runs, and %d other calls", documents, n, sum-documents)
	}
	calls = tap.count(func() { r.describe(vms[1]) })
	sum = 0
	for _, times := range calls {
		sum += times
	}
	if sum > 5 {
		t.Errorf("describe of a VM that is off makes %d calls: %v", sum, calls)
	}
}

// TestContractWithGuest tries what only a guest can answer.
func TestContractWithGuest(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{Guest: true})
	tap := newWiretap(t, r.host.Socket)
	target := contractTarget(r.host, tap)
	target.NoGuest = false
	target.Booted = func(ctx context.Context, id string) error {
		r.host.Console(t, id, "STATE ", bootLimit)
		return nil
	}
	target.Outside.Deafen = nil
	small := target.VM
	target.VM = func(key manifest.Key) *manifest.VM {
		vm := small(key)
		vm.MemoryMiB = 192
		return vm
	}
	for _, c := range providertest.Checks() {
		switch c.Name {
		case "shutdown-is-a-task", "shutdown-twice-is-once", "reboot-keeps-running":
		default:
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			if err := providertest.Try(t.Context(), target, c); err != nil {
				t.Errorf("%s\nbroken: %v", c.Promise, err)
			}
		})
	}
}
