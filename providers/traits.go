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
	for _, s := range []struct {
		field Field
		path  string
		on    bool
	}{
		{FieldCPUHotAdd, "performanceProfile.cpuHotAddEnabled", vm.CPUHotAdd},
		{FieldMemoryHotAdd, "performanceProfile.memoryHotAddEnabled", vm.MemHotAdd},
		{FieldNestedVirt, "performanceProfile.nestedVirtualization", vm.NestedVirt},
		{FieldVBS, "performanceProfile.virtualizationBasedSecurity", vm.VBS},
		{FieldSecureBoot, "securityProfile.secureBoot", vm.SecureBoot},
		{FieldTPM, "securityProfile.tpmEnabled", vm.TPM},
		{FieldVTd, "securityProfile.vtdEnabled", vm.VTd},
	} {
		if writes(vm, "VMClass.spec."+s.path) {
			t[s.field] = strconv.FormatBool(s.on)
		}
	}
	t.limits(&vm.Limits)
	t.disks(vm)
	for _, n := range vm.NICs {
		if n.Network != nil && n.Network.VSphere != nil && n.Network.VSphere.PCISlot > 0 {
			t[FieldNICSlot.Of(n.Name)] = strconv.Itoa(n.Network.VSphere.PCISlot)
		}
	}
	for key, value := range vm.ExtraConfig {
		if key != "autostart" { // VM.Autostart
			t[FieldExtraConfig.Of(key)] = value
		}
	}
	return t
}

// writes tells whether a document behind the VM writes the field of that path.
func writes(vm *manifest.VM, path string) bool {
	_, found := slices.BinarySearch(vm.Declared, path)
	return found
}

func (t Traits) limits(l *manifest.Limits) {
	for field, n := range map[Field]*int{
		FieldCPULimit: l.CPULimitMHz, FieldCPUReservation: l.CPUReservationMHz, FieldCPUShares: l.CPUShares,
	} {
		if n != nil {
			t[field] = strconv.Itoa(*n)
		}
	}
	for field, n := range map[Field]*int64{
		FieldMemoryLimit: l.MemoryLimitMiB, FieldMemoryReservation: l.MemoryReservationMiB,
	} {
		if n != nil {
			t[field] = strconv.FormatInt(*n, 10)
		}
	}
}

// disks says how the space of each disk is provided. What a disk spins on is
// the storage's own matter, and so is a type that no document writes.
func (t Traits) disks(vm *manifest.VM) {
	if provision(vm.RootDisk.Type) && writes(vm, "VMClass.spec.diskDefaults.type") {
		t[FieldRootDiskType] = vm.RootDisk.Type
	}
	for _, d := range vm.Disks {
		if provision(d.Type) && writes(vm, "VirtualMachine.spec.disks[].type") {
			t[FieldDiskType.Of(d.Name)] = d.Type
		}
		if d.SCSI == nil {
			continue
		}
		t[FieldDiskBus.Of(d.Name)] = strconv.Itoa(d.SCSI.Controller)
		if d.SCSI.ControllerType != "" {
			t[FieldDiskController.Of(d.Name)] = d.SCSI.ControllerType
		}
		if d.SCSI.SharedBus != "" {
			t[FieldDiskSharing.Of(d.Name)] = d.SCSI.SharedBus
		}
	}
}

// provision tells whether a disk's type says how its space is provided.
func provision(kind string) bool {
	switch kind {
	case "thin", "thick", "eagerzeroedthick":
		return true
	}
	return false
}
