package providers

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/manifest"
)

func TestWantedTraitsAreThoseThatAreWritten(t *testing.T) {
	vm := &manifest.VM{
		CPUHotAdd: true, MemHotAdd: true, TPM: true,
		Declared: []string{
			"VMClass.spec.performanceProfile.cpuHotAddEnabled", "VMClass.spec.securityProfile.secureBoot",
			"VirtualMachine.spec.disks[].type",
		},
		ExtraConfig: map[string]string{"disk.EnableUUID": "TRUE", "autostart": "true"},
		Limits:      manifest.Limits{CPUShares: new(2000), MemoryReservationMiB: new(int64(512))},
		RootDisk:    manifest.RootDisk{Type: "thin"},
		Disks: []manifest.Disk{
			{Name: "data", Type: "thick", SCSI: &manifest.SCSI{Controller: 1, ControllerType: "pvscsi"}},
			{Name: "fast", Type: "ssd"},
		},
		NICs: []manifest.NIC{
			{Name: "lan", Network: &manifest.Network{VSphere: &manifest.VSphereNetwork{PCISlot: 192}}}, {Name: "own"},
		},
	}
	want := Traits{
		"cpuHotAdd":                    "true",  // written and on
		"secureBoot":                   "false", // written and off
		"limits.cpuShares":             "2000",
		"limits.memoryReservation":     "512",
		"disks[data].type":             "thick", // ssd says nothing of how space is provided
		"disks[data].scsi.controller":  "1",
		"disks[data].scsi.type":        "pvscsi",
		"nics[lan].pciSlot":            "192",
		"extraConfig[disk.EnableUUID]": "TRUE", // autostart is a field of its own
	}
	if diff := cmp.Diff(want, WantedTraits(vm)); diff != "" {
		t.Errorf("traits (-want +got):\n%s", diff)
	}
}

func TestAbilityOfAFieldWithAName(t *testing.T) {
	caps := Capabilities{Change: map[Field]Ability{
		FieldExtraConfig: Live, "extraConfig[version]": Restart, "extraConfig[other.]": Uncompared, "extraConfig[other.kept]": Restart,
		FieldTPM: Never,
	}}
	for _, r := range []struct {
		field  Field
		want   Ability
		stated bool
		reason string
	}{
		{"extraConfig[any.key]", Live, true, "what is stated for the kind holds for each name"},
		{"extraConfig[version]", Restart, true, "what is stated for a name comes first"},
		{"extraConfig[other.key]", Uncompared, false, "what is stated for a beginning comes before what is stated for the kind"},
		{"extraConfig[other.kept]", Restart, true, "and after what is stated for a name"},
		{"extraConfig[others.key]", Live, true, "a beginning ends with its dot"},
		{"extraConfig[other]", Live, true, "and is not there without one"},
		{"extraConfig[a[0]]", Live, true, "a name may have brackets"},
		{"tpm", Never, true, "a field without brackets is itself"},
		{"disks[data].type", "", false, "what is not stated is not compared"},
	} {
		if got, ok := caps.Ability(r.field); got != r.want || ok != r.stated {
			t.Errorf("%s: %s is %q, %t; want %q, %t", r.reason, r.field, got, ok, r.want, r.stated)
		}
	}
	if f := FieldDiskBus.Of("data"); f != "disks[data].scsi.controller" || f.Template() != FieldDiskBus || f.Name() != "data" {
		t.Errorf("%s is of %s with the name %q", f, f.Template(), f.Name())
	}
}

func TestValidTraits(t *testing.T) {
	for _, r := range []struct {
		field  Field
		text   string
		want   bool
		reason string
	}{
		{FieldTPM, "true", true, "one of two words"},
		{FieldTPM, "yes", false, "neither of the two"},
		{FieldCPUShares, "2000", true, "a number"},
		{FieldCPUShares, "-1", true, "how hypervisors write unlimited"},
		{FieldCPUShares, "02000", false, "not as it is written"},
		{FieldCPUShares, "", false, "no number"},
		{"disks[root].type", "thick", true, "the root disk is a disk"},
		{"disks[data].type", "ssd", false, "says nothing of how space is provided"},
		{"disks[data].scsi.type", "pvscsi", true, "a model"},
		{"disks[data].scsi.sharedBus", "some", false, "no sharing"},
		{"nics[lan].pciSlot", "192", true, "a number"},
		{"extraConfig[a]", "", true, "takes the key away"},
		{"extraConfig[]", "x", false, "no key"},
		{"cpu", "2", false, "no trait"},
	} {
		if got := ValidTrait(r.field, r.text); got != r.want {
			t.Errorf("%s=%q is valid: %t, want %t: %s", r.field, r.text, got, r.want, r.reason)
		}
	}
}
