package libvirt

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

const foreignXML = `<domain type='qemu'><name>NAME</name><uuid>UUID</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>DEVICES</devices></domain>`

// define defines a domain behind the provider's back.
func (r *rig) define(document string) {
	r.t.Helper()
	file := filepath.Join(r.t.TempDir(), "domain.xml")
	if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.host.Virsh("define", file)
}

func foreign(name, uuid, devices string) string {
	return strings.NewReplacer("NAME", name, "UUID", uuid, "DEVICES", devices).Replace(foreignXML)
}

// untouched fails the test if fn changes what libvirt says of the domain.
func (r *rig) untouched(name string, fn func()) {
	r.t.Helper()
	before := r.host.Virsh("dumpxml", name) + r.host.Virsh("domstate", name)
	fn()
	if after := r.host.Virsh("dumpxml", name) + r.host.Virsh("domstate", name); after != before {
		r.t.Errorf("%s has changed (-before +after):\n%s", name, cmp.Diff(strings.Split(before, "\n"), strings.Split(after, "\n")))
	}
}

func TestForeignDomainsAreUntouched(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	byName, byUUID, other := r.vm("taken"), r.vm("claimed"), r.vm("other")
	const id = "11111111-2222-3333-4444-555555555555"
	r.define(foreign("taken", id, ""))
	r.define(foreign("impostor", owner(byUUID).UUID().String(), ""))
	r.create(other)

	calls := func(name string, vm *manifest.VM, ref providers.Ref) {
		r.untouched(name, func() {
			_, err := r.Create(r.ctx, providers.CreateRequest{Owner: ref.Owner, VM: vm})
			wantKind(t, err, providers.Conflict)
			_, err = r.Power(r.ctx, ref, providers.PowerStart)
			wantKind(t, err, providers.Conflict)
			_, err = r.Reconfigure(r.ctx, ref, providers.Change{CPU: ptr(2), Autostart: ptr(true)})
			wantKind(t, err, providers.Conflict)
			_, err = r.Delete(r.ctx, ref)
			wantKind(t, err, providers.Conflict)
			if _, err = r.Describe(r.ctx, ref); err != nil {
				t.Error(err)
			}
		})
	}
	calls("taken", byName, providers.Ref{ID: id, Owner: owner(byName)})
	calls("impostor", byUUID, ref(byUUID))
	calls("other", byName, providers.Ref{ID: owner(other).UUID().String(), Owner: owner(byName)})

	if _, err := r.Describe(r.ctx, ref(byName)); !providers.IsAbsent(err) {
		t.Errorf("a domain that has but the name: %v", err)
	}
	r.untouched("taken", func() { r.delete(byName) })
	for _, vm := range r.list().VMs {
		if marked := vm.Mark != nil; marked != (vm.Name == "other") {
			t.Errorf("%s: mark %+v", vm.Name, vm.Mark)
		}
		if !vm.Config.CPU.Known || vm.Power != providers.Off {
			t.Errorf("%s: %+v", vm.Name, vm)
		}
	}
}

// A tool that copies a domain copies the mark with it. The copy is not ours,
// and the original's volumes stay its own.
func TestCopiedMarkIsVoid(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	vm := r.vm("original")
	id := r.create(vm)
	const copyID = "99999999-2222-3333-4444-555555555555"
	document := r.host.Virsh("dumpxml", "original")
	document = strings.Replace(document, "<uuid>"+id+"</uuid>", "<uuid>"+copyID+"</uuid>", 1)
	document = strings.Replace(document, "<name>original</name>", "<name>copy</name>", 1)
	r.define(document)
	for _, vm := range r.list().VMs {
		if (vm.Mark != nil) != (vm.Name == "original") {
			t.Errorf("%s: mark %+v", vm.Name, vm.Mark)
		}
	}
	_, err := r.Delete(r.ctx, providers.Ref{ID: copyID, Owner: owner(vm)})
	wantKind(t, err, providers.Conflict)

	// The copy uses the original's disk, so that stays when the original goes.
	r.delete(vm)
	if left := r.files(); len(left) != 1 {
		t.Errorf("files %v, want the disk that the copy uses", left)
	}
	if left := r.list().Leftovers; len(left) != 0 {
		t.Errorf("leftovers %v of a disk in use", left)
	}
	_, err = r.Create(r.ctx, providers.CreateRequest{Owner: owner(vm), VM: vm})
	wantKind(t, err, providers.Conflict)
	err = r.Sweep(r.ctx, providers.Leftover{ID: "default/" + r.files()[0], Owner: owner(vm)})
	wantKind(t, err, providers.Conflict)
	r.host.Virsh("undefine", "copy")
	left := r.list().Leftovers
	if len(left) != 1 || left[0].Owner != owner(vm) {
		t.Fatalf("leftovers %v", left)
	}
	if err := r.Sweep(r.ctx, left[0]); err != nil {
		t.Error(err)
	}
	if files := r.files(); len(files) != 0 {
		t.Errorf("after the sweep: %v", files)
	}
}

// A volume that another image stands on is kept.
func TestBackingVolumeIsKept(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	vm := r.vm("base")
	r.create(vm)
	root := r.describe(vm).Config.Disks[0].Origin
	r.host.Virsh("vol-create-as", "second", "clone.qcow2", "1G", "--format", "qcow2",
		"--backing-vol", root, "--backing-vol-format", "qcow2")
	r.delete(vm)
	if left := r.files(); len(left) != 1 {
		t.Errorf("files %v, want the disk that a clone stands on", left)
	}
}

func TestUndefinedOutsideKeepsItsData(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	vm := r.richVM("web")
	r.create(vm)
	before := map[string]os.FileInfo{}
	for _, name := range r.files() {
		if strings.HasSuffix(name, ".qcow2") { // and not the seed, which holds nobody's data
			writeGuestData(t, r, name)
			before[name], _ = os.Stat(filepath.Join(r.host.PoolDir, name))
		}
	}
	r.host.Virsh("undefine", "web")
	if left := r.list().Leftovers; len(left) != 4 {
		t.Errorf("leftovers %v", left)
	}
	r.create(vm)
	checkRich(t, r.describe(vm))
	for name, was := range before {
		now, err := os.Stat(filepath.Join(r.host.PoolDir, name))
		if err != nil || !os.SameFile(was, now) || !was.ModTime().Equal(now.ModTime()) {
			t.Errorf("%s was not kept: %v", name, err)
		}
	}
	// The same owner with another image: the disk may hold data, and is
	// neither taken for the new image nor thrown away.
	r.host.Virsh("undefine", "web")
	r.host.Virsh("vol-create-as", "default", "other.qcow2", "64M", "--format", "qcow2")
	vm.Image.Libvirt.Path = filepath.Join(r.host.PoolDir, "other.qcow2")
	_, err := r.Create(r.ctx, providers.CreateRequest{Owner: owner(vm), VM: vm})
	wantKind(t, err, providers.Conflict)
}

// writeGuestData makes an image hold data, as a guest's write would.
func writeGuestData(t *testing.T, r *rig, volume string) {
	t.Helper()
	content := strings.Repeat("data", 64<<10)
	f, err := os.OpenFile(filepath.Join(r.host.PoolDir, volume), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(content); err != nil {
		t.Fatal(err)
	}
}
