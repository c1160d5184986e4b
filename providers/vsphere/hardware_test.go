package vsphere

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// build assembles a VM after it was shaped, from a template that was.
func build(shape func(*manifest.VM, *types.VirtualMachineConfigInfo)) (*types.VirtualMachineConfigSpec, *mark, error) {
	vm, from := aVM(), aTemplate("pvscsi", 0)
	shape(vm, from)
	return assemble(creation{owner: anOwner, vm: vm, from: from})
}

func TestANewVMSaysAllThatItsManifestSays(t *testing.T) {
	spec, m, err := build(func(vm *manifest.VM, _ *types.VirtualMachineConfigInfo) {
		vm.CPU, vm.MemoryMiB, vm.Firmware = 4, 2048, manifest.FirmwareUEFI
		vm.CPUHotAdd, vm.SecureBoot, vm.NestedVirt, vm.VTd = true, true, true, true
		vm.Declared = []string{"VMClass.spec.performanceProfile.memoryHotAddEnabled"}
		vm.Limits = manifest.Limits{CPULimitMHz: new(2000), CPUShares: new(4000), MemoryReservationMiB: new(int64(512))}
		vm.ExtraConfig = map[string]string{"disk.EnableUUID": "TRUE", "libvirt.x": "1", "autostart": "true", keyCloneMode: cloneFull}
		vm.Tags = []string{"one", "two"}
	})
	if err != nil {
		t.Fatal(err)
	}
	spec.DeviceChange = nil
	extra := options(spec.ExtraConfig)
	spec.ExtraConfig = nil
	want := &types.VirtualMachineConfigSpec{
		Name: "web", InstanceUuid: anOwner.UUID().String(), NumCPUs: 4, MemoryMB: 2048, Firmware: wordUEFI,
		CpuHotAddEnabled: new(true), MemoryHotAddEnabled: new(false), NestedHVEnabled: new(true),
		BootOptions: &types.VirtualMachineBootOptions{EfiSecureBootEnabled: new(true)},
		Flags:       &types.VirtualMachineFlagInfo{VvtdEnabled: new(true)},
		CpuAllocation: &types.ResourceAllocationInfo{
			Limit: new(int64(2000)), Shares: &types.SharesInfo{Level: types.SharesLevelCustom, Shares: 4000},
		},
		MemoryAllocation: &types.ResourceAllocationInfo{Reservation: new(int64(512))},
	}
	if diff := cmp.Diff(want, spec); diff != "" {
		t.Errorf("specification (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"disk.EnableUUID=TRUE"}, extra); diff != "" {
		t.Errorf("keys that are handed on (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"disk.EnableUUID"}, m.Extra); diff != "" {
		t.Errorf("keys in the mark (-want +got):\n%s", diff)
	}
	if m.owner() != anOwner || m.Image != "sha256:image" || !cmp.Equal(m.Tags, []string{"one", "two"}) {
		t.Errorf("the mark is %+v", m)
	}
}

func TestANewVMSaysWhatItsTemplateSaysToo(t *testing.T) {
	spec, _, err := build(func(vm *manifest.VM, from *types.VirtualMachineConfigInfo) {
		from.Hardware.NumCPU, from.Hardware.MemoryMB, from.CpuHotAddEnabled = int32(vm.CPU), int32(vm.MemoryMiB), new(true)
		vm.CPUHotAdd = true
	})
	if err != nil || spec.NumCPUs != 2 || spec.MemoryMB != 1024 || !isTrue(spec.CpuHotAddEnabled) {
		t.Errorf("what a template says may change before it is cloned: %+v, %v", spec, err)
	}
}

func TestTheMarkIsInTheSpecification(t *testing.T) {
	spec, m, err := build(func(*manifest.VM, *types.VirtualMachineConfigInfo) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range spec.ExtraConfig {
		if v := o.GetOptionValue(); v.Key == markKey {
			if diff := cmp.Diff(m, readMark(v.Value.(string), anOwner.UUID().String())); diff != "" {
				t.Errorf("mark (-want +got):\n%s", diff)
			}
			return
		}
	}
	t.Error("there is no mark")
}

func TestWhatATemplateDecidesAndWhatNot(t *testing.T) {
	shape := func(cores int32, auto *bool, cpus int) func(*manifest.VM, *types.VirtualMachineConfigInfo) {
		return func(vm *manifest.VM, from *types.VirtualMachineConfigInfo) {
			vm.CPU, from.Hardware.NumCoresPerSocket, from.Hardware.AutoCoresPerSocket = cpus, &cores, auto
		}
	}
	for _, r := range []struct {
		reason string
		shape  func(*manifest.VM, *types.VirtualMachineConfigInfo)
		want   *int32
	}{
		{"sockets that are filled stay", shape(2, nil, 4), nil},
		{"sockets that are not are taken apart", shape(2, nil, 3), new(int32(1))},
		{"the server's own choice follows by itself", shape(2, new(true), 3), nil},
	} {
		spec, _, err := build(r.shape)
		if err != nil || !cmp.Equal(spec.NumCoresPerSocket, r.want) {
			t.Errorf("%s: %v, %v", r.reason, spec, err)
		}
	}
}

func TestHardwareThatCannotBe(t *testing.T) {
	type shape = func(*manifest.VM, *types.VirtualMachineConfigInfo)
	wants := func(fn func(*manifest.VM)) shape {
		return func(vm *manifest.VM, _ *types.VirtualMachineConfigInfo) { fn(vm) }
	}
	extra := func(key, value string) shape {
		return wants(func(vm *manifest.VM) { vm.ExtraConfig = map[string]string{key: value} })
	}
	uefi := func(vm *manifest.VM, from *types.VirtualMachineConfigInfo) { from.Firmware = wordUEFI }
	for _, r := range []struct {
		reason string
		shape  shape
		says   string // empty: it can be
	}{
		{"no CPU", wants(func(vm *manifest.VM) { vm.CPU = 0 }), "0 CPUs"},
		{"no memory", wants(func(vm *manifest.VM) { vm.MemoryMiB = 0 }), "multiple of 4"},
		{"an odd amount of memory", wants(func(vm *manifest.VM) { vm.MemoryMiB = 1023 }), "multiple of 4"},
		{"secure boot without UEFI", wants(func(vm *manifest.VM) { vm.SecureBoot = true }), "secureBoot needs UEFI"},
		{"a TPM without UEFI", wants(func(vm *manifest.VM) { vm.TPM = true }), "tpmEnabled needs UEFI"},
		{"VBS without UEFI", wants(func(vm *manifest.VM) { vm.VBS = true }), "virtualizationBasedSecurity needs UEFI"},
		{"VBS without what it is made of", wants(func(vm *manifest.VM) {
			vm.VBS, vm.Firmware, vm.Declared = true, manifest.FirmwareUEFI, []string{"VMClass.spec.securityProfile.vtdEnabled"}
		}), "needs secureBoot, vtdEnabled and nestedVirtualization"},
		{"VBS and nothing said of that: the server turns it on", wants(func(vm *manifest.VM) {
			vm.VBS, vm.Firmware = true, manifest.FirmwareUEFI
		}), ""},
		{"a UEFI template and a class that does not say", uefi, "write firmware: UEFI"},
		{"a UEFI template and a class that wants BIOS", func(vm *manifest.VM, from *types.VirtualMachineConfigInfo) {
			uefi(vm, from)
			vm.Declared = []string{"VMClass.spec.firmware"}
		}, ""},
		{"more memory promised than there is", wants(func(vm *manifest.VM) { vm.Limits.MemoryReservationMiB = new(int64(2048)) }), "more than the VM has"},
		{"more promised than allowed", wants(func(vm *manifest.VM) {
			vm.Limits = manifest.Limits{CPUReservationMHz: new(200), CPULimitMHz: new(100)}
		}), "more than cpuLimit"},
		{"a key of ours", extra("vmsteward.mark", "{}"), "not a manifest's to set"},
		{"a key that the guest reads", extra("GuestInfo.userdata", "x"), "not a manifest's to set"},
		{"a setting that there is not", extra("vsphere.color", "blue"), "not a manifest's to set"},
		{"a hardware version that is none", extra(keyHardwareVersion, "vmx-21"), "not a number"},
		{"a hardware version that the template is beyond", extra(keyHardwareVersion, "14"), ""},
	} {
		_, _, err := build(r.shape)
		kind := providers.InvalidSpec
		if r.says == "" {
			kind = ""
		}
		wantKind(t, r.reason, err, kind, r.says)
	}
}

func TestHardwareVersionIsTheLeastThatIsAskedFor(t *testing.T) {
	for _, r := range []struct {
		reason       string
		asked        int
		has          string
		want         string
		wantReported bool
	}{
		{"nobody asks", 0, "vmx-19", "", false},
		{"what is there is less", 21, "vmx-19", "19", true},
		{"what is there is just that", 19, "vmx-19", "19", true},
		{"what is there is more, and good enough", 14, "vmx-19", "14", true},
		{"the server does not say", 14, "", "", false},
	} {
		got, ok := traitsOf(&types.VirtualMachineConfigInfo{Version: r.has}, &mark{Version: r.asked})[providers.FieldExtraConfig.Of(keyHardwareVersion)]
		if got != r.want || ok != r.wantReported {
			t.Errorf("%s: %q, %t", r.reason, got, ok)
		}
	}
}

func TestHeadroom(t *testing.T) {
	config := &types.VirtualMachineConfigInfo{Hardware: types.VirtualHardware{NumCPU: 2, MemoryMB: 1024}}
	check := func(reason string, cpus int, mib int64) {
		t.Helper()
		h := hardwareOf(config, nil, nil)
		if h.CPUMax != providers.Known(cpus) || h.MemoryMaxMiB != providers.Known(mib) {
			t.Errorf("%s: %+v CPUs, %+v MiB; want %d, %d", reason, h.CPUMax, h.MemoryMaxMiB, cpus, mib)
		}
	}
	check("without hot-add, what there is", 2, 1024)
	config.CpuHotAddEnabled, config.MemoryHotAddEnabled = new(true), new(true)
	check("with it, what vSphere allows", mostCPUs, mostMemoryMiB)
	config.HotPlugMemoryLimit = 3072
	check("or what the machine says", mostCPUs, 3072)
}

func TestAConfigurationThatIsNotThereIsUnknown(t *testing.T) {
	if diff := cmp.Diff(providers.Hardware{}, hardwareOf(nil, nil, nil)); diff != "" {
		t.Errorf("unread (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(providers.Hardware{}, hardwareOf(&types.VirtualMachineConfigInfo{}, nil, nil)); diff != "" {
		t.Errorf("empty (-want +got):\n%s", diff)
	}
}
