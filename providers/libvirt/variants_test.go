package libvirt

import (
	"errors"
	"os"
	"strings"
	"testing"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

// needFile skips the test where the host lacks something that is packaged
// apart from libvirt.
func needFile(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is not installed", path)
	}
}

// UEFI needs a firmware on the host. What libvirt keeps beside the domain goes
// with it.
func TestFirmware(t *testing.T) {
	t.Parallel()
	needFile(t, "/usr/share/OVMF")
	r := newRig(t, libvirttest.Options{})
	for _, secure := range []bool{false, true} {
		vm := r.vm("efi")
		vm.Firmware, vm.SecureBoot = manifest.FirmwareUEFI, secure
		r.create(vm)
		r.power(vm, providers.PowerStart)
		got := r.describe(vm)
		if got.Config.Firmware.Value != manifest.FirmwareUEFI || got.Running.Firmware.Value != manifest.FirmwareUEFI {
			t.Errorf("secure %v: %+v", secure, got)
		}
		loader := r.host.Virsh("dumpxml", "efi")
		if isSecure := strings.Contains(loader, ".ms.fd"); isSecure != secure {
			t.Errorf("secure boot %v:\n%s", secure, loader)
		}
		r.power(vm, providers.PowerStop)
		r.change(vm, providers.Change{CPU: ptr(2)})
		r.delete(vm)
	}
}

func TestVTd(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	vm := r.vm("iommu")
	vm.VTd = true
	r.create(vm)
	r.power(vm, providers.PowerStart)
	if !strings.Contains(r.host.Virsh("dumpxml", "iommu"), "<iommu model='intel'") {
		t.Error("no iommu")
	}
}

func TestSpecThatCannotWork(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	for what, c := range map[string]struct {
		spoil func(*manifest.VM)
		kind  providers.Kind
	}{
		"secure boot on BIOS": {func(vm *manifest.VM) { vm.SecureBoot = true }, providers.InvalidSpec},
		"nested on emulation": {func(vm *manifest.VM) { vm.NestedVirt = true }, providers.NotSupported},
		"a disk named root":   {func(vm *manifest.VM) { vm.Disks = []manifest.Disk{{Name: "root", SizeGiB: 1}} }, providers.InvalidSpec},
		"no image":            {func(vm *manifest.VM) { vm.Image = nil }, providers.InvalidSpec},
		"another's image":     {func(vm *manifest.VM) { vm.Image.Libvirt = nil }, providers.InvalidSpec},
		"an image by URL": {func(vm *manifest.VM) {
			vm.Image.Libvirt = &manifest.LibvirtImage{URL: "https://example.org/a.qcow2"}
		}, providers.NotSupported},
		"another's network": {func(vm *manifest.VM) { vm.NICs = []manifest.NIC{{Name: "a", Network: &manifest.Network{}}} }, providers.InvalidSpec},
		"a wrong format": {func(vm *manifest.VM) {
			vm.Declared, vm.Image.Libvirt.Format = []string{formatField}, "raw"
		}, providers.InvalidSpec},
	} {
		vm := r.vm("web")
		c.spoil(vm)
		_, err := r.Create(r.ctx, providers.CreateRequest{Owner: owner(vm), VM: vm})
		if providers.KindOf(err) != c.kind {
			t.Errorf("%s: %v", what, err)
		}
	}
	if left := r.files(); len(left) != 0 {
		t.Errorf("left behind %v", left)
	}
}

// A machine whose memory lies on disk is not off; stopping it throws the
// memory away, and starting it brings it back.
func TestSavedMachine(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	vm := r.vm("web")
	r.create(vm)
	r.power(vm, providers.PowerStart)
	r.host.Virsh("managedsave", "web")
	if got, listed := r.describe(vm).Power, r.list().VMs[0].Power; got != providers.Suspended || listed != got {
		t.Errorf("saved: %s, in the inventory %s", got, listed)
	}
	_, err := r.Power(r.ctx, ref(vm), providers.PowerShutdown)
	wantKind(t, err, providers.Conflict)
	r.power(vm, providers.PowerStart)
	if got := r.describe(vm).Power; got != providers.On {
		t.Errorf("restored: %s", got)
	}
	r.host.Virsh("managedsave", "web")
	r.power(vm, providers.PowerStop)
	if got := r.describe(vm).Power; got != providers.Off {
		t.Errorf("stopped: %s", got)
	}
}

// What a VM refers to is not the VM.
func TestLostVolumeIsNoLostVM(t *testing.T) {
	cause := golibvirt.Error{Code: uint32(golibvirt.ErrNoStorageVol), Message: "no storage vol with matching path"}
	if err := named("power", "web", cause); providers.IsAbsent(err) || providers.KindOf(err) != providers.NotFound {
		t.Errorf("%v of kind %s says that the VM is absent", err, providers.KindOf(err))
	}
	for _, err := range []error{notThere(), golibvirt.Error{Code: uint32(golibvirt.ErrNoDomain)}} {
		if !providers.IsAbsent(named("power", "web", err)) {
			t.Errorf("%v does not say that the VM is absent", err)
		}
	}
	if err := named("power", "web", errors.New("odd")); providers.KindOf(err) != providers.Unrecognised {
		t.Error(err)
	}
}
