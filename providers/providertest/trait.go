package providertest

import (
	"slices"
	"strconv"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// trait is a property that a manifest can write, with two texts that a machine
// can be changed between.
type trait struct {
	name     string
	field    providers.Field
	from, to string
	write    func(vm *manifest.VM, text string)
	// What else a machine with "to" needs: UEFI, and other traits to be true.
	uefi bool
	with []string
	may  []string // further paths of hardware that may change with it
}

const (
	traitDisk  = "data" // of wanted
	keptKey    = "providertest.kept"
	anotherKey = "providertest.another"
)

// traits returns every trait, of the parts that the usual VM has.
func (e *Env) traits() []trait {
	return traitsOf(e.VM(manifest.Key{Namespace: e.Namespace, Name: "traits"}))
}

func traitsOf(vm *manifest.VM) []trait {
	return slices.Concat(flagTraits(), limitTraits(vm.MemoryMiB), diskTraits(), []trait{
		{
			name: "nic-slot", field: providers.FieldNICSlot.Of(vm.NICs[0].Name), from: "192", to: "224",
			write: func(vm *manifest.VM, text string) { withSlot(&vm.NICs[0]).PCISlot = number(text) },
		},
		{
			name: "extra-config", field: providers.FieldExtraConfig.Of(keptKey), from: "1", to: "2",
			write: func(vm *manifest.VM, text string) { setExtra(vm, keptKey, text) },
		},
	})
}

func flagTraits() []trait {
	flag := func(name string, f providers.Field, path string, of func(*manifest.VM) *bool) trait {
		return trait{
			name: name, field: f, from: "false", to: "true",
			write: func(vm *manifest.VM, text string) {
				*of(vm) = text == "true"
				declare(vm, "VMClass.spec."+path)
			},
		}
	}
	all := []trait{
		flag("cpu-hot-add", providers.FieldCPUHotAdd, "performanceProfile.cpuHotAddEnabled", func(vm *manifest.VM) *bool { return &vm.CPUHotAdd }),
		flag("memory-hot-add", providers.FieldMemoryHotAdd, "performanceProfile.memoryHotAddEnabled", func(vm *manifest.VM) *bool { return &vm.MemHotAdd }),
		flag("secure-boot", providers.FieldSecureBoot, "securityProfile.secureBoot", func(vm *manifest.VM) *bool { return &vm.SecureBoot }),
		flag("tpm", providers.FieldTPM, "securityProfile.tpmEnabled", func(vm *manifest.VM) *bool { return &vm.TPM }),
		flag("vtd", providers.FieldVTd, "securityProfile.vtdEnabled", func(vm *manifest.VM) *bool { return &vm.VTd }),
		flag("nested-virtualization", providers.FieldNestedVirt, "performanceProfile.nestedVirtualization", func(vm *manifest.VM) *bool { return &vm.NestedVirt }),
		flag("vbs", providers.FieldVBS, "performanceProfile.virtualizationBasedSecurity", func(vm *manifest.VM) *bool { return &vm.VBS }),
	}
	for i := range all {
		switch t := &all[i]; t.field {
		case providers.FieldCPUHotAdd:
			t.may = []string{"cpuMax"}
		case providers.FieldMemoryHotAdd:
			t.may = []string{"memoryMax"}
		case providers.FieldSecureBoot, providers.FieldTPM:
			t.uefi = true
		case providers.FieldVBS:
			t.uefi, t.with = true, []string{"secure-boot", "vtd", "nested-virtualization"}
		}
	}
	return all
}

// limitTraits stay far below what any host has, and the memory's limit above
// what the VM has.
func limitTraits(mib int64) []trait {
	int64s := func(of func(*manifest.Limits) **int64) func(*manifest.VM, string) {
		return func(vm *manifest.VM, text string) { *of(&vm.Limits) = new(int64(number(text))) }
	}
	ints := func(of func(*manifest.Limits) **int) func(*manifest.VM, string) {
		return func(vm *manifest.VM, text string) { *of(&vm.Limits) = new(number(text)) }
	}
	return []trait{
		{
			name: "cpu-limit", field: providers.FieldCPULimit, from: "1000", to: "2000",
			write: ints(func(l *manifest.Limits) **int { return &l.CPULimitMHz }),
		},
		{
			name: "cpu-reservation", field: providers.FieldCPUReservation, from: "100", to: "200",
			write: ints(func(l *manifest.Limits) **int { return &l.CPUReservationMHz }),
		},
		{
			name: "cpu-shares", field: providers.FieldCPUShares, from: "1500", to: "3000",
			write: ints(func(l *manifest.Limits) **int { return &l.CPUShares }),
		},
		{
			name: "memory-limit", field: providers.FieldMemoryLimit,
			from: strconv.FormatInt(2*mib, 10), to: strconv.FormatInt(3*mib, 10),
			write: int64s(func(l *manifest.Limits) **int64 { return &l.MemoryLimitMiB }),
		},
		{
			name: "memory-reservation", field: providers.FieldMemoryReservation, from: "16", to: "32",
			write: int64s(func(l *manifest.Limits) **int64 { return &l.MemoryReservationMiB }),
		},
	}
}

func diskTraits() []trait {
	return []trait{
		{
			name: "root-disk-type", field: providers.FieldRootDiskType, from: "thin", to: "thick",
			write: func(vm *manifest.VM, text string) {
				vm.RootDisk.Type = text
				declare(vm, "VMClass.spec.diskDefaults.type")
			},
		},
		{
			name: "disk-type", field: providers.FieldDiskType.Of(traitDisk), from: "thin", to: "thick",
			write: func(vm *manifest.VM, text string) {
				dataDisk(vm).Type = text
				declare(vm, "VirtualMachine.spec.disks[].type")
			},
		},
		{
			name: "disk-bus", field: providers.FieldDiskBus.Of(traitDisk), from: "1", to: "2",
			write: func(vm *manifest.VM, text string) { withSCSI(vm).Controller = number(text) },
		},
		{
			name: "disk-controller", field: providers.FieldDiskController.Of(traitDisk), from: "pvscsi", to: "lsilogic",
			write: func(vm *manifest.VM, text string) { withSCSI(vm).ControllerType = text },
		},
		{
			name: "disk-sharing", field: providers.FieldDiskSharing.Of(traitDisk), from: "noSharing", to: "virtualSharing",
			write: func(vm *manifest.VM, text string) { withSCSI(vm).SharedBus = text },
		},
	}
}

// declare notes that a document behind the VM writes a field.
func declare(vm *manifest.VM, path string) {
	if at, there := slices.BinarySearch(vm.Declared, path); !there {
		vm.Declared = slices.Insert(slices.Clone(vm.Declared), at, path)
	}
}

func setExtra(vm *manifest.VM, key, text string) {
	all := map[string]string{key: text}
	for k, v := range vm.ExtraConfig {
		if k != key {
			all[k] = v
		}
	}
	vm.ExtraConfig = all
	declare(vm, "VMClass.spec.extraConfig")
}

// dataDisk returns the disk that wanted adds.
func dataDisk(vm *manifest.VM) *manifest.Disk {
	for i := range vm.Disks {
		if vm.Disks[i].Name == traitDisk {
			return &vm.Disks[i]
		}
	}
	return &manifest.Disk{}
}

// withSCSI puts the disk on a controller that is its own.
func withSCSI(vm *manifest.VM) *manifest.SCSI {
	d := dataDisk(vm)
	scsi := manifest.SCSI{Controller: 1}
	if d.SCSI != nil {
		scsi = *d.SCSI
	}
	d.SCSI = &scsi
	return d.SCSI
}

// withSlot gives the interface a network of its own to write in.
func withSlot(nic *manifest.NIC) *manifest.VSphereNetwork {
	network, own := manifest.Network{}, manifest.VSphereNetwork{}
	if nic.Network != nil {
		network = *nic.Network
	}
	if network.VSphere != nil {
		own = *network.VSphere
	}
	network.VSphere = &own
	nic.Network = &network
	return network.VSphere
}

// number reads a text of the table.
func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}
