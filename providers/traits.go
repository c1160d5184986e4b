package providers

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
)

// The traits: properties of a machine that are compared as one short text
// each. The text is "true" or "false", a number without unit, or as said at
// each. A trait is only wanted when the manifest writes it.
const (
	FieldCPUHotAdd         Field = "cpuHotAdd"
	FieldMemoryHotAdd      Field = "memoryHotAdd"
	FieldSecureBoot        Field = "secureBoot"
	FieldTPM               Field = "tpm"
	FieldVTd               Field = "vtd"
	FieldVBS               Field = "vbs"
	FieldNestedVirt        Field = "nestedVirtualization"
	FieldCPULimit          Field = "limits.cpu"               // MHz
	FieldCPUReservation    Field = "limits.cpuReservation"    // MHz
	FieldCPUShares         Field = "limits.cpuShares"         // relative
	FieldMemoryLimit       Field = "limits.memory"            // MiB
	FieldMemoryReservation Field = "limits.memoryReservation" // MiB
	FieldRootDiskType      Field = "disks[root].type"         // as FieldDiskType
	FieldDiskType          Field = "disks[].type"             // thin, thick, eagerzeroedthick
	FieldDiskBus           Field = "disks[].scsi.controller"  // number of the SCSI bus
	FieldDiskController    Field = "disks[].scsi.type"        // model of the SCSI controller
	FieldDiskSharing       Field = "disks[].scsi.sharedBus"   // noSharing, virtualSharing, physicalSharing
	FieldNICSlot           Field = "nics[].pciSlot"           // PCI slot number
	FieldExtraConfig       Field = "extraConfig[]"            // the text itself
)

// Traits are properties by their field, with names in the brackets:
// "disks[data].type". What is not in it is unknown, except that a key of
// extraConfig that is not in it has no value.
type Traits map[Field]string

// Template returns the field with what is in its brackets taken out:
// "disks[data].type" is of "disks[].type".
func (f Field) Template() Field {
	open := strings.IndexByte(string(f), '[')
	shut := strings.LastIndexByte(string(f), ']')
	if open < 0 || shut < open {
		return f
	}
	return f[:open+1] + f[shut:]
}

// Of returns the field with a name in its brackets.
func (f Field) Of(name string) Field {
	return Field(strings.Replace(string(f), "[]", "["+name+"]", 1))
}

// Name returns what is in the field's brackets.
func (f Field) Name() string {
	open := strings.IndexByte(string(f), '[')
	shut := strings.LastIndexByte(string(f), ']')
	if open < 0 || shut < open {
		return ""
	}
	return string(f[open+1 : shut])
}

// Ability returns how a field can be changed: what is stated for it by its
// name, for those whose names begin alike ("extraConfig[libvirt.]"), or else
// for all of its kind. ok is false if it is not compared at all.
func (c *Capabilities) Ability(f Field) (a Ability, ok bool) {
	for _, at := range []Field{f, f.family(), f.Template()} {
		if a, ok = c.Change[at]; ok {
			return a, a != Uncompared
		}
	}
	return "", false
}

// family returns the field with what is in its brackets cut after the first
// dot.
func (f Field) family() Field {
	name := f.Name()
	first, _, dotted := strings.Cut(name, ".")
	if !dotted {
		return f
	}
	return Field(strings.Replace(string(f), "["+name+"]", "["+first+".]", 1))
}

// WantedTraits returns the traits that a manifest writes.
func WantedTraits(vm *manifest.VM) Traits {
	t := make(Traits)
	EachWantedTrait(vm, func(f Field, value string) { t[f] = value })
	return t
}

// EachWantedTrait calls put with each trait that a manifest writes, in no
// particular order. Where a VM has none, it costs next to nothing.
func EachWantedTrait(vm *manifest.VM, put func(Field, string)) {
	for _, s := range [...]struct {
		field Field
		path  string
		on    bool
	}{
		{FieldCPUHotAdd, "VMClass.spec.performanceProfile.cpuHotAddEnabled", vm.CPUHotAdd},
		{FieldMemoryHotAdd, "VMClass.spec.performanceProfile.memoryHotAddEnabled", vm.MemHotAdd},
		{FieldNestedVirt, "VMClass.spec.performanceProfile.nestedVirtualization", vm.NestedVirt},
		{FieldVBS, "VMClass.spec.performanceProfile.virtualizationBasedSecurity", vm.VBS},
		{FieldSecureBoot, "VMClass.spec.securityProfile.secureBoot", vm.SecureBoot},
		{FieldTPM, "VMClass.spec.securityProfile.tpmEnabled", vm.TPM},
		{FieldVTd, "VMClass.spec.securityProfile.vtdEnabled", vm.VTd},
	} {
		if writes(vm, s.path) {
			put(s.field, strconv.FormatBool(s.on))
		}
	}
	limits(&vm.Limits, put)
	disks(vm, put)
	for i := range vm.NICs {
		if n := &vm.NICs[i]; n.Network != nil && n.Network.VSphere != nil && n.Network.VSphere.PCISlot > 0 {
			put(FieldNICSlot.Of(n.Name), strconv.Itoa(n.Network.VSphere.PCISlot))
		}
	}
	for key, value := range vm.ExtraConfig {
		if key != "autostart" { // VM.Autostart
			put(FieldExtraConfig.Of(key), value)
		}
	}
}

// writes tells whether a document behind the VM writes the field of that path.
func writes(vm *manifest.VM, path string) bool {
	_, found := slices.BinarySearch(vm.Declared, path)
	return found
}

func limits(l *manifest.Limits, put func(Field, string)) {
	putNumber(FieldCPULimit, l.CPULimitMHz, put)
	putNumber(FieldCPUReservation, l.CPUReservationMHz, put)
	putNumber(FieldCPUShares, l.CPUShares, put)
	putNumber(FieldMemoryLimit, l.MemoryLimitMiB, put)
	putNumber(FieldMemoryReservation, l.MemoryReservationMiB, put)
}

func putNumber[N int | int64](f Field, n *N, put func(Field, string)) {
	if n != nil {
		put(f, strconv.FormatInt(int64(*n), 10))
	}
}

// disks says how the space of each disk is provided. What a disk spins on is
// the storage's own matter, and so is a type that no document writes.
func disks(vm *manifest.VM, put func(Field, string)) {
	if provision(vm.RootDisk.Type) && writes(vm, "VMClass.spec.diskDefaults.type") {
		put(FieldRootDiskType, vm.RootDisk.Type)
	}
	for i := range vm.Disks {
		d := &vm.Disks[i]
		if provision(d.Type) && writes(vm, "VirtualMachine.spec.disks[].type") {
			put(FieldDiskType.Of(d.Name), d.Type)
		}
		if d.SCSI == nil {
			continue
		}
		put(FieldDiskBus.Of(d.Name), strconv.Itoa(d.SCSI.Controller))
		if d.SCSI.ControllerType != "" {
			put(FieldDiskController.Of(d.Name), d.SCSI.ControllerType)
		}
		if d.SCSI.SharedBus != "" {
			put(FieldDiskSharing.Of(d.Name), d.SCSI.SharedBus)
		}
	}
}

// Provisions are the types of disks that say how the space is provided. What a
// disk spins on is the storage's own matter.
func Provisions() Values { return Values{"thin", "thick", "eagerzeroedthick"} }

// provision tells whether a disk's type says how its space is provided.
func provision(kind string) bool { return Provisions().Has(kind) }
