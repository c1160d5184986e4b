package vsphere

import (
	"slices"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// traitRow is one property: how a manifest writes it, the text that it then
// has, and what an administrator does to it.
type traitRow struct {
	field    providers.Field
	text     string
	write    func(*manifest.VM)
	spoil    func(now *types.VirtualMachineConfigInfo) types.VirtualMachineConfigSpec
	spoiled  string // what it reads as then; "": it is not there
	restored bool   // it can be changed back
}

func traitRows() []traitRow {
	writes := func(path string, set func(*manifest.VM)) func(*manifest.VM) {
		return func(vm *manifest.VM) {
			set(vm)
			vm.Declared = append(vm.Declared, "VMClass.spec."+path)
			slices.Sort(vm.Declared)
		}
	}
	spec := func(s types.VirtualMachineConfigSpec) func(*types.VirtualMachineConfigInfo) types.VirtualMachineConfigSpec {
		return func(*types.VirtualMachineConfigInfo) types.VirtualMachineConfigSpec { return s }
	}
	cpu := func(a types.ResourceAllocationInfo) func(*types.VirtualMachineConfigInfo) types.VirtualMachineConfigSpec {
		return spec(types.VirtualMachineConfigSpec{CpuAllocation: &a})
	}
	memory := func(a types.ResourceAllocationInfo) func(*types.VirtualMachineConfigInfo) types.VirtualMachineConfigSpec {
		return spec(types.VirtualMachineConfigSpec{MemoryAllocation: &a})
	}
	flags := func(f types.VirtualMachineFlagInfo) func(*types.VirtualMachineConfigInfo) types.VirtualMachineConfigSpec {
		return spec(types.VirtualMachineConfigSpec{Flags: &f})
	}
	return []traitRow{
		{
			providers.FieldCPUHotAdd, "true", writes("performanceProfile.cpuHotAddEnabled", func(vm *manifest.VM) { vm.CPUHotAdd = true }),
			spec(types.VirtualMachineConfigSpec{CpuHotAddEnabled: new(false)}), "false", true,
		},
		{
			providers.FieldMemoryHotAdd, "true", writes("performanceProfile.memoryHotAddEnabled", func(vm *manifest.VM) { vm.MemHotAdd = true }),
			spec(types.VirtualMachineConfigSpec{MemoryHotAddEnabled: new(false)}), "false", true,
		},
		{
			providers.FieldNestedVirt, "true", writes("performanceProfile.nestedVirtualization", func(vm *manifest.VM) { vm.NestedVirt = true }),
			spec(types.VirtualMachineConfigSpec{NestedHVEnabled: new(false)}), "false", true,
		},
		{
			providers.FieldSecureBoot, "true", writes("securityProfile.secureBoot", func(vm *manifest.VM) { vm.SecureBoot = true }),
			spec(types.VirtualMachineConfigSpec{BootOptions: &types.VirtualMachineBootOptions{EfiSecureBootEnabled: new(false)}}), "false", true,
		},
		{
			providers.FieldVTd, "true", writes("securityProfile.vtdEnabled", func(vm *manifest.VM) { vm.VTd = true }),
			flags(types.VirtualMachineFlagInfo{VvtdEnabled: new(false)}), "false", true,
		},
		{
			providers.FieldVBS, "true", writes("performanceProfile.virtualizationBasedSecurity", func(vm *manifest.VM) { vm.VBS = true }),
			flags(types.VirtualMachineFlagInfo{VbsEnabled: new(false)}), "false", true,
		},
		{
			providers.FieldTPM, "true", writes("securityProfile.tpmEnabled", func(vm *manifest.VM) { vm.TPM = true }),
			removing(func(d types.BaseVirtualDevice) bool { _, is := d.(*types.VirtualTPM); return is }), "false", true,
		},
		{
			providers.FieldCPULimit, "2000", func(vm *manifest.VM) { vm.Limits.CPULimitMHz = new(2000) },
			cpu(types.ResourceAllocationInfo{Limit: new(int64(-1))}), "-1", true,
		},
		{
			providers.FieldCPUReservation, "200", func(vm *manifest.VM) { vm.Limits.CPUReservationMHz = new(200) },
			cpu(types.ResourceAllocationInfo{Reservation: new(int64(0))}), "0", true,
		},
		{
			providers.FieldCPUShares, "1500", func(vm *manifest.VM) { vm.Limits.CPUShares = new(1500) },
			cpu(types.ResourceAllocationInfo{Shares: &types.SharesInfo{Level: types.SharesLevelHigh, Shares: 2000}}), "2000", true,
		},
		{
			providers.FieldMemoryLimit, "1024", func(vm *manifest.VM) { vm.Limits.MemoryLimitMiB = new(int64(1024)) },
			memory(types.ResourceAllocationInfo{Limit: new(int64(2048))}), "2048", true,
		},
		{
			providers.FieldMemoryReservation, "256", func(vm *manifest.VM) { vm.Limits.MemoryReservationMiB = new(int64(256)) },
			memory(types.ResourceAllocationInfo{Reservation: new(int64(64))}), "64", true,
		},
		{
			providers.FieldDiskSharing.Of("data"), "virtualSharing", func(vm *manifest.VM) { vm.Disks[0].SCSI.SharedBus = "virtualSharing" },
			editing(func(c *types.ParaVirtualSCSIController) bool {
				c.SharedBus = types.VirtualSCSISharingPhysicalSharing
				return c.BusNumber == 1
			}), "physicalSharing", true,
		},
		{
			providers.FieldNICSlot.Of("net0"), "192", func(vm *manifest.VM) { vm.NICs[0].Network = onPortGroup("DC0_DVPG0", "", 192) },
			editing(func(c *types.VirtualVmxnet3) bool {
				c.SlotInfo = &types.VirtualDevicePciBusSlotInfo{PciSlotNumber: 224}
				return true
			}), "224", true,
		},
		{
			providers.FieldExtraConfig.Of("disk.EnableUUID"), "TRUE", func(vm *manifest.VM) { vm.ExtraConfig = map[string]string{"disk.EnableUUID": "TRUE"} },
			spec(types.VirtualMachineConfigSpec{ExtraConfig: []types.BaseOptionValue{&types.OptionValue{Key: "disk.EnableUUID", Value: "FALSE"}}}), "FALSE", true,
		},
		{
			providers.FieldExtraConfig.Of("svga.present"), "FALSE", func(vm *manifest.VM) { vm.ExtraConfig = map[string]string{"svga.present": "FALSE"} },
			spec(types.VirtualMachineConfigSpec{ExtraConfig: []types.BaseOptionValue{&types.OptionValue{Key: "svga.present", Value: ""}}}), "", true,
		},
		{
			providers.FieldRootDiskType, "thick", writes("diskDefaults.type", func(vm *manifest.VM) { vm.RootDisk.Type = thickDisk }),
			editing(func(d *types.VirtualDisk) bool {
				d.Backing = diskBacking(thinDisk, fileOf(d))
				return *d.UnitNumber == 0 && d.ControllerKey >= 0
			}), "thin", false,
		},
	}
}

// removing is an administrator's removal of a device.
func removing(is func(types.BaseVirtualDevice) bool) func(*types.VirtualMachineConfigInfo) types.VirtualMachineConfigSpec {
	return func(now *types.VirtualMachineConfigInfo) types.VirtualMachineConfigSpec {
		c := chassis{devices: slices.Clone(now.Hardware.Device)}
		for _, d := range now.Hardware.Device {
			if is(d) {
				c.remove(d)
			}
		}
		return types.VirtualMachineConfigSpec{DeviceChange: c.changes}
	}
}

// editing is an administrator's change of the devices of a type for which set
// returns true.
func editing[D types.BaseVirtualDevice](set func(D) bool) func(*types.VirtualMachineConfigInfo) types.VirtualMachineConfigSpec {
	return func(now *types.VirtualMachineConfigInfo) types.VirtualMachineConfigSpec {
		c := chassis{devices: slices.Clone(now.Hardware.Device)}
		for _, d := range object.VirtualDeviceList(now.Hardware.Device) {
			if of, is := d.(D); is {
				if twin := copyOf(of); set(twin) {
					c.edit(twin)
				}
			}
		}
		return types.VirtualMachineConfigSpec{DeviceChange: c.changes}
	}
}

// TestEveryTraitIsSetSeenAndRestored makes a VM with each property, has an
// administrator change it, and changes it back.
func TestEveryTraitIsSetSeenAndRestored(t *testing.T) {
	r := newRig(t, vcsim.Options{})
	for _, row := range traitRows() {
		t.Run(string(row.field), func(t *testing.T) {
			r := r.within(t)
			vm := aWish("trait")
			vm.Firmware = manifest.FirmwareUEFI
			vm.Disks = []manifest.Disk{{Name: "data", SizeGiB: 1, SCSI: &manifest.SCSI{Controller: 1, ControllerType: "pvscsi"}}}
			row.write(vm)
			ref := r.create(vm)
			defer r.remove(ref)
			r.reads("when it is made", ref, row.field, row.text)
			r.outside(ref, row.spoil(r.config(ref)))
			r.reads("when an administrator changed it", ref, row.field, row.spoiled)
			err := r.change(ref, providers.Change{Traits: providers.Traits{row.field: row.text}})
			if !row.restored {
				wantKind(t, "what only a VM made anew has", err, providers.NotSupported, "made anew")
				return
			}
			wantKind(t, "changing it back", err, "", "")
			r.reads("when it is changed back", ref, row.field, row.text)
			r.ResetCalls()
			wantKind(t, "changing it back again", r.change(ref, providers.Change{Traits: providers.Traits{row.field: row.text}}), "", "")
			if n := r.Calls()["ReconfigVM_Task"]; n != 0 {
				t.Errorf("what is so already was changed by %d calls", n)
			}
		})
	}
}

func (r *rig) reads(when string, ref providers.Ref, field providers.Field, want string) {
	r.t.Helper()
	if got := r.see(ref).Config.Traits[field]; got != want {
		r.t.Errorf("%s: %s reads %q, want %q", when, field, got, want)
	}
}
