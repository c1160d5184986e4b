package libvirt

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

// partial runs the steps of a creation up to a point and stops there, as a
// process that is killed does.
func (r *rig) partial(vm *manifest.VM, steps int) {
	r.t.Helper()
	req := providers.CreateRequest{Owner: owner(vm), VM: vm}
	host, err := r.hostFacts(r.ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	b := &blueprint{vm: vm, host: host, mark: newMark(req.Owner, vm)}
	for i, step := range []func() error{
		func() error {
			return r.do(r.ctx, "test", "", work, func(c *golibvirt.Libvirt) error { return r.prepare(c, req, b) })
		},
		func() error { return r.plantSeed(r.ctx, req, b) },
		func() error {
			return r.do(r.ctx, "test", "", work, func(c *golibvirt.Libvirt) error { return define(c, req, b) })
		},
	} {
		if i == steps {
			return
		}
		if err := step(); err != nil {
			r.t.Fatal(err)
		}
	}
}

func TestCreationThatWasCutOff(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	for steps := 1; steps <= 3; steps++ {
		vm := r.richVM("web")
		r.partial(vm, steps)
		if left := r.list().Leftovers; steps < 3 && len(left) < 3 {
			t.Errorf("after step %d: leftovers %v", steps, left)
		}
		before := len(r.files())
		r.create(vm)
		checkRich(t, r.describe(vm))
		if after := len(r.files()); after != 4 || before > after {
			t.Errorf("after step %d: %d files, then %d", steps, before, after)
		}
		r.delete(vm)
		if left := r.files(); len(left) != 0 {
			t.Errorf("after step %d and delete: %v", steps, left)
		}
	}
}

// The manifest moves to another image between a creation that was cut off and
// the next: nothing was written to the first disk yet, so it is made anew.
func TestUnusedVolumeOfAnotherImageIsMadeAnew(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	vm := r.richVM("web")
	r.partial(vm, 2)
	r.host.Virsh("vol-create-as", "default", "other.qcow2", "64M", "--format", "qcow2")
	vm.Image.Libvirt.Path = filepath.Join(r.host.PoolDir, "other.qcow2")
	vm.RootDisk.SizeGiB = 2
	r.create(vm)
	if info := r.host.Virsh("vol-dumpxml", "--pool", "default", volumeName(owner(vm), "root", "qcow2")); !strings.Contains(info, "other.qcow2") {
		t.Error(info)
	}
	if d := diskOf(&r.describe(vm).Config, "root"); d.SizeGiB.Value != 2 {
		t.Errorf("root disk %+v", d)
	}
}

func TestTornVolumesAreMadeAnew(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	vm := r.richVM("web")
	vm.RootDisk.Type = "thick"
	root := volumeName(owner(vm), "root", "qcow2")
	data := volumeName(owner(vm), "data", "qcow2")
	seed := volumeName(owner(vm), "seed", "iso")
	// A copy that was cut off: complete to look at, and its sign beside it.
	r.host.Virsh("vol-create-as", "default", root, "1G", "--format", "qcow2")
	r.host.Virsh("vol-create-as", "default", root+copySuffix, "0", "--format", "raw")
	// The beginning of an image, and an upload that was cut off.
	for name, content := range map[string]string{data: "QF", seed: "half of it"} {
		if err := os.WriteFile(filepath.Join(r.host.PoolDir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.host.Virsh("pool-refresh", "default")
	r.create(vm)
	checkRich(t, r.describe(vm))
	if left := r.files(); len(left) != 4 {
		t.Errorf("files %v", left)
	}
	r.power(vm, providers.PowerStart)
	if out := r.host.Virsh("vol-dumpxml", "--pool", "default", root); strings.Contains(out, "backingStore") {
		t.Errorf("a thick disk stands on the image:\n%s", out)
	}
}

// A deletion that was cut off has removed some volumes and not the domain.
func TestDeletionThatWasCutOff(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	vm := r.richVM("web")
	r.create(vm)
	r.host.Virsh("vol-delete", "--pool", "default", volumeName(owner(vm), "root", "qcow2"))
	if err := os.Remove(filepath.Join(r.host.PoolDir, volumeName(owner(vm), "data", "qcow2"))); err != nil {
		t.Fatal(err)
	}
	if inv := r.list(); !inv.Complete || len(inv.VMs) != 1 || inv.VMs[0].Mark == nil {
		t.Errorf("inventory %+v", inv)
	}
	r.describe(vm)
	r.delete(vm)
	if left := r.files(); len(left) != 0 {
		t.Errorf("after delete: %v", left)
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	cases := map[string]func(vm *manifest.VM){
		"image":        func(vm *manifest.VM) { vm.Image.Libvirt.Path = filepath.Join(r.host.PoolDir, "none.qcow2") },
		"network":      func(vm *manifest.VM) { vm.NICs = []manifest.NIC{{Name: "a", Network: network("none", "")}} },
		"storage pool": func(vm *manifest.VM) { vm.Placement.Datastore = "none" },
		"disk": func(vm *manifest.VM) {
			vm.Image, vm.Imported = nil, &manifest.ImportedDisk{Path: filepath.Join(r.host.PoolDir, "none.qcow2")}
		},
	}
	for what, spoil := range cases {
		vm := r.vm("web")
		spoil(vm)
		_, err := r.Create(r.ctx, providers.CreateRequest{Owner: owner(vm), VM: vm})
		var e *providers.Error
		if e, _ = err.(*providers.Error); e == nil || e.Kind != providers.NotFound || !strings.HasPrefix(e.Missing, what) {
			t.Errorf("%s: %v", what, err)
		}
		if left := r.files(); len(left) != 0 {
			t.Errorf("%s: left behind %v", what, left)
		}
	}
	small := r.vm("web")
	small.Image.Libvirt.Path = filepath.Join(r.host.PoolDir, "late.qcow2")
	if err := os.Link(filepath.Join(r.host.PoolDir, "base.qcow2"), small.Image.Libvirt.Path); err != nil {
		t.Fatal(err)
	}
	r.create(small) // an image that came since the pool was looked at
}

func TestImportedDisk(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	r.host.Virsh("vol-create-as", "second", "mine.qcow2", "1G", "--format", "qcow2")
	vm := r.vm("web")
	file := filepath.Join(r.host.Pool2Dir, "mine.qcow2")
	vm.Image, vm.Imported = nil, &manifest.ImportedDisk{ID: "mine", Path: file}
	r.create(vm)
	if d := diskOf(&r.describe(vm).Config, "root"); d.Origin != file || d.SizeGiB.Value != 1 {
		t.Errorf("root disk %+v", d)
	}
	twin := r.vm("twin")
	twin.Image, twin.Imported = nil, vm.Imported
	_, err := r.Create(r.ctx, providers.CreateRequest{Owner: owner(twin), VM: twin})
	wantKind(t, err, providers.Conflict)
	r.delete(vm)
	if _, err := os.Stat(file); err != nil {
		t.Errorf("the imported disk is gone: %v", err)
	}
}
