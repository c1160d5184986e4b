package libvirt

import (
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

func TestTraitsOfADocument(t *testing.T) {
	const mark = `<metadata><vm xmlns="https://vmsteward.dev/xmlns/libvirt/domain/1.0" uuid="u" fleet="f" name="n" hotadd="true"/></metadata>`
	for _, row := range []struct {
		inside string // of the domain element
		want   string
		reason string
	}{
		{`<vcpu>2</vcpu>`, "", "a plain BIOS machine has none"},
		{`<vcpu current="2">8</vcpu>`, "cpuHotAdd", "there is room"},
		{`<vcpu>8</vcpu>` + mark, "cpuHotAdd", "the room was used up, and the mark tells"},
		{`<vcpu current="8">8</vcpu>`, "", "no room, although both are written"},
		{`<devices><tpm model="tpm-crb"/></devices>`, "tpm", "a TPM"},
		{`<devices><iommu model="intel"/></devices>`, "vtd", "an IOMMU"},
		{`<cpu><feature policy="require" name="svm"/></cpu>`, "nestedVirtualization", "AMD's feature"},
		{`<cpu><feature policy="disable" name="vmx"/><feature policy="require" name="avx"/></cpu>`, "", "taken away, and another's"},
		{`<os firmware="efi"><firmware><feature enabled="yes" name="secure-boot"/><feature enabled="yes" name="enrolled-keys"/></firmware></os>`,
			"secureBoot", "asked for with keys"},
		{`<os firmware="efi"><firmware><feature enabled="yes" name="secure-boot"/></firmware></os>`, "secureBoot", "asked for with any"},
		{`<os firmware="efi"><firmware><feature enabled="yes" name="secure-boot"/><feature enabled="no" name="enrolled-keys"/></firmware></os>`,
			"", "without keys nothing is checked"},
		{`<os firmware="efi"><firmware><feature enabled="no" name="secure-boot"/></firmware></os>`, "", "asked not to be"},
		{`<os firmware="efi"/>`, "secureBoot?", "libvirt chooses, and has not yet"},
		{`<os><loader type="pflash" secure="yes"/></os>`, "secureBoot", "the firmware itself says so"},
		{`<os><loader type="pflash"/></os>`, "", "it does not"},
	} {
		d, err := readDomain("<domain>" + row.inside + "</domain>")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		traits := d.hardware(nil, sizes{}).Traits
		for _, f := range []providers.Field{
			providers.FieldCPUHotAdd, providers.FieldNestedVirt, providers.FieldSecureBoot, providers.FieldTPM, providers.FieldVTd,
		} {
			switch text, known := traits[f]; {
			case !known:
				got = append(got, string(f)+"?")
			case text == "true":
				got = append(got, string(f))
			}
		}
		if diff := cmp.Diff(row.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", row.inside, row.reason, diff)
		}
	}
}

// Many VMs are of few characters.
func TestTraitsAreShared(t *testing.T) {
	const document = `<domain><vcpu>1</vcpu><devices><tpm/></devices></domain>`
	text := func() providers.Traits {
		d, err := readDomain(document)
		if err != nil {
			t.Fatal(err)
		}
		return d.hardware(nil, sizes{}).Traits
	}
	if one, other := text(), text(); reflect.ValueOf(one).Pointer() != reflect.ValueOf(other).Pointer() {
		t.Error("two VMs of one character have traits of their own")
	}
}

// KVM is not there where the tests run, so only the document is tried.
func TestNestedVirtualizationInADocument(t *testing.T) {
	const before = `<domain><cpu mode='host-passthrough'><feature policy='require' name='avx'/></cpu><devices/></domain>`
	s, err := openSheet(before)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		on   bool
		want string
	}{
		{true, `<domain><cpu mode='host-passthrough'><feature policy='require' name='avx'/><feature policy='require' name='vmx'/></cpu><devices/></domain>`},
		{true, `<domain><cpu mode='host-passthrough'><feature policy='require' name='avx'/><feature policy='require' name='vmx'/></cpu><devices/></domain>`},
		{false, before},
	} {
		if err := s.setNested(step.on, "vmx"); err != nil {
			t.Fatal(err)
		}
		got, err := s.text()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("nested %t (-want +got):\n%s", step.on, diff)
		}
	}
	s, err = openSheet(`<domain><devices/></domain>`)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.setNested(true, "vmx"); err == nil {
		t.Error("a domain without a cpu element can run guests")
	}
}

// carries tells what the host under test can give a VM.
func carries(f providers.Field, text string) bool {
	_, swtpm := exec.LookPath("swtpm")
	switch {
	case f == providers.FieldTPM && text == "true":
		return swtpm == nil
	case f == providers.FieldNestedVirt && text == "true":
		return false // it needs KVM
	}
	return true
}

func TestTraitsOfTheFirmware(t *testing.T) {
	t.Parallel()
	needFile(t, "/usr/share/OVMF")
	r := newRig(t, libvirttest.Options{})
	for _, secure := range []bool{false, true} {
		vm := r.vm("efi")
		vm.Firmware, vm.SecureBoot, vm.Declared = manifest.FirmwareUEFI, secure, []string{"VMClass.spec.securityProfile.secureBoot"}
		r.create(vm)
		want := providers.WantedTraits(vm)[providers.FieldSecureBoot]
		if got := r.describe(vm).Config.Traits[providers.FieldSecureBoot]; got != want {
			t.Errorf("defined: secureBoot is %q, want %q", got, want)
		}
		r.power(vm, providers.PowerStart)
		got := r.describe(vm)
		if got.Config.Traits[providers.FieldSecureBoot] != want || got.Running.Traits[providers.FieldSecureBoot] != want {
			t.Errorf("running: secureBoot is %q and %q, want %q", got.Config.Traits[providers.FieldSecureBoot],
				got.Running.Traits[providers.FieldSecureBoot], want)
		}
		r.power(vm, providers.PowerStop)
		other := providers.Traits{providers.FieldSecureBoot: "true"}
		if secure {
			other[providers.FieldSecureBoot] = "false"
		}
		r.untouched("efi", func() {
			_, err := r.Reconfigure(r.ctx, ref(vm), providers.Change{Traits: other})
			wantKind(t, err, providers.NotSupported)
		})
		r.delete(vm)
	}
}

// Room for CPUs that was used up is not lost, and comes back with a restart.
func TestRoomForCPUs(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	vm := r.vm("web")
	vm.CPU, vm.CPUHotAdd = 1, true
	r.create(vm)
	r.power(vm, providers.PowerStart)
	r.change(vm, providers.Change{Live: true, CPU: ptr(4)})
	got := r.describe(vm)
	if got.Running.CPU.Value != 4 || got.Running.CPUMax.Value != 4 || got.Running.Traits[providers.FieldCPUHotAdd] != "true" {
		t.Errorf("used up: %+v", got.Running)
	}
	hot := func(text string) providers.Change {
		return providers.Change{Traits: providers.Traits{providers.FieldCPUHotAdd: text}}
	}
	r.change(vm, hot("false"))
	got = r.describe(vm)
	if got.Config.Traits[providers.FieldCPUHotAdd] != "false" || got.Running.Traits[providers.FieldCPUHotAdd] != "true" {
		t.Errorf("taken from the definition: %+v, %+v", got.Config, got.Running)
	}
	live := hot("false")
	live.Live = true
	_, err := r.Reconfigure(r.ctx, ref(vm), live)
	wantKind(t, err, providers.NotSupported)
	r.twice(vm, hot("true"))
	r.power(vm, providers.PowerStop)
	r.power(vm, providers.PowerStart)
	if got = r.describe(vm); got.Running.CPU.Value != 4 || got.Running.CPUMax.Value != 16 {
		t.Errorf("after a restart: %+v", got.Running)
	}
	_, err = r.Reconfigure(r.ctx, ref(vm), hot("perhaps"))
	wantKind(t, err, providers.InvalidSpec)
}
