package libvirt

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

const testFleet = "test"

// rig is a provider on a private libvirt host.
type rig struct {
	*Provider
	host *libvirttest.Host
	t    *testing.T
	ctx  context.Context
}

func newRig(t *testing.T, opts libvirttest.Options) *rig {
	t.Helper()
	host := libvirttest.Start(t, opts)
	p, err := New(providers.Settings{Fleet: testFleet, Endpoint: host.URI()}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return &rig{p, host, t, ctx}
}

// vm returns a small VM from the host's base image.
func (r *rig) vm(name string) *manifest.VM {
	return &manifest.VM{
		Key: manifest.Key{Namespace: "default", Name: name}, CPU: 1, MemoryMiB: 64,
		Firmware: manifest.FirmwareBIOS,
		Image: &manifest.Image{
			Libvirt: &manifest.LibvirtImage{Path: filepath.Join(r.host.PoolDir, "base.qcow2")}, Digest: "image-1",
		},
		RootDisk: manifest.RootDisk{SizeGiB: 1},
	}
}

// richVM returns a VM with one of everything.
func (r *rig) richVM(name string) *manifest.VM {
	vm := r.vm(name)
	vm.CPU, vm.CPUHotAdd = 2, true
	vm.Disks = []manifest.Disk{{Name: "data", SizeGiB: 2}, {Name: "logs", SizeGiB: 1, SCSI: &manifest.SCSI{Controller: 1}}}
	vm.NICs = []manifest.NIC{
		{Name: "front", Network: network("default", ""), MAC: "52:54:00:00:00:01"},
		{Name: "back", Network: network("", "br-test"), Static: &manifest.StaticAddress{Address: "10.0.0.5", Prefix: 24}},
	}
	vm.CloudInit = manifest.CloudInit{UserData: secret.New("#cloud-config\npassword: hunter2\n"), Digest: "ci-1"}
	vm.Tags = []string{"a", "b"}
	vm.Autostart = ptr(true)
	return vm
}

func network(name, bridge string) *manifest.Network {
	return &manifest.Network{Libvirt: &manifest.LibvirtNetwork{Network: name, Bridge: bridge}}
}

func owner(vm *manifest.VM) providers.Owner { return providers.Owner{Fleet: testFleet, VM: vm.Key} }

func ref(vm *manifest.VM) providers.Ref { return providers.Ref{Owner: owner(vm)} }

func ptr[T any](v T) *T { return &v }

func (r *rig) create(vm *manifest.VM) string {
	r.t.Helper()
	got, err := r.Create(r.ctx, providers.CreateRequest{Owner: owner(vm), VM: vm})
	if err != nil {
		r.t.Fatalf("create %s: %v", vm.Key, err)
	}
	return got.ID
}

func (r *rig) describe(vm *manifest.VM) *providers.VM {
	r.t.Helper()
	got, err := r.Describe(r.ctx, ref(vm))
	if err != nil {
		r.t.Fatalf("describe %s: %v", vm.Key, err)
	}
	return got
}

func (r *rig) power(vm *manifest.VM, op providers.PowerOp) providers.TaskRef {
	r.t.Helper()
	task, err := r.Power(r.ctx, ref(vm), op)
	if err != nil {
		r.t.Fatalf("%s %s: %v", op, vm.Key, err)
	}
	return task
}

func (r *rig) change(vm *manifest.VM, ch providers.Change) {
	r.t.Helper()
	if _, err := r.Reconfigure(r.ctx, ref(vm), ch); err != nil {
		r.t.Fatalf("reconfigure %s: %v", vm.Key, err)
	}
}

func (r *rig) delete(vm *manifest.VM) {
	r.t.Helper()
	if _, err := r.Delete(r.ctx, ref(vm)); err != nil {
		r.t.Fatalf("delete %s: %v", vm.Key, err)
	}
}

func (r *rig) list() *providers.Inventory {
	r.t.Helper()
	inv, err := r.List(r.ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	return inv
}

// files returns the names of what is in the host's pool beside the image.
func (r *rig) files() []string {
	r.t.Helper()
	entries, err := os.ReadDir(r.host.PoolDir)
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		if e.Name() != "base.qcow2" {
			out = append(out, e.Name())
		}
	}
	return out
}

func TestLifecycle(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	if err := r.Validate(r.ctx); err != nil {
		t.Fatal(err)
	}
	vm := r.richVM("web")
	id := r.create(vm)
	if again := r.create(vm); again != id || id != owner(vm).UUID().String() {
		t.Errorf("ids %s, then %s", id, again)
	}
	got := r.describe(vm)
	checkRich(t, got)
	if got.Power != providers.Off || got.Running != nil {
		t.Errorf("after create: power %s, running %v", got.Power, got.Running)
	}
	inv := r.list()
	if !inv.Complete || len(inv.VMs) != 1 || len(inv.Problems)+len(inv.Leftovers) != 0 {
		t.Errorf("inventory %+v", inv)
	}
	checkRich(t, &inv.VMs[0])

	r.power(vm, providers.PowerStart)
	r.power(vm, providers.PowerStart)
	if got := r.describe(vm); got.Power != providers.On || got.Running == nil || len(got.Running.Disks) != 3 {
		t.Errorf("after start: %+v", got)
	}
	_, err := r.Delete(r.ctx, ref(vm))
	wantKind(t, err, providers.Conflict)
	task := r.power(vm, providers.PowerShutdown)
	if done, err := r.IsTaskComplete(r.ctx, task); done || err != nil || task == "" {
		t.Errorf("task %q of a guest without a system: done %v, %v", task, done, err)
	}
	r.host.Virsh("suspend", "web")
	if got := r.describe(vm); got.Power != providers.Suspended {
		t.Errorf("paused: %s", got.Power)
	}
	r.power(vm, providers.PowerStart)
	r.power(vm, providers.PowerStop)
	r.power(vm, providers.PowerStop)
	if done, err := r.IsTaskComplete(r.ctx, task); !done || err != nil {
		t.Errorf("task %q of a VM that is off: done %v, %v", task, done, err)
	}
	r.delete(vm)
	r.delete(vm)
	if left := r.files(); len(left) != 0 {
		t.Errorf("after delete: %v", left)
	}
	_, err = r.Describe(r.ctx, ref(vm))
	if !providers.IsAbsent(err) {
		t.Errorf("after delete: %v", err)
	}
}

// checkRich compares what is found with richVM.
func checkRich(t *testing.T, got *providers.VM) {
	t.Helper()
	c := got.Config
	if got.Mark == nil || got.Mark.Image != "image-1" || got.Mark.CloudInit != "ci-1" || got.Mark.Owner.VM.Name != "web" {
		t.Fatalf("mark %+v", got.Mark)
	}
	if c.CPU.Value != 2 || c.CPUMax.Value != 8 || c.MemoryMiB.Value != 64 || c.Firmware.Value != manifest.FirmwareBIOS {
		t.Errorf("hardware %+v", c)
	}
	if !got.Autostart.Value || !slices.Equal(got.Tags.Value, []string{"a", "b"}) {
		t.Errorf("autostart %v, tags %v", got.Autostart, got.Tags)
	}
	var disks, nics []string
	for _, d := range c.Disks {
		disks = append(disks, d.Name)
		if want := map[string]int{"root": 1, "data": 2, "logs": 1}[d.Name]; d.SizeGiB.Value != want || !d.SizeBytes.Known {
			t.Errorf("disk %+v, want %d GiB", d, want)
		}
	}
	for _, n := range c.NICs {
		nics = append(nics, strings.Join([]string{n.Name, n.Network, n.Model, n.MAC}, " "))
		if got.Mark.MACs[n.Name] != n.MAC {
			t.Errorf("NIC %+v, mark %v", n, got.Mark.MACs)
		}
	}
	slices.Sort(disks)
	if !slices.Equal(disks, []string{"data", "logs", "root"}) || len(nics) != 2 || nics[0] != "front default virtio 52:54:00:00:00:01" ||
		!strings.HasPrefix(nics[1], "back br-test virtio 52:54:00") {
		t.Errorf("disks %q, NICs %q", disks, nics)
	}
}
