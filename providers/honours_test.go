package providers

import (
	"strings"
	"testing"

	"github.com/vmsteward/vmsteward/manifest"
)

func TestHonoursByTheLongestEntry(t *testing.T) {
	honours := NewHonours(Honours{
		"VirtualMachine.spec.disks":                             {},
		"VirtualMachine.spec.disks[].storageClass":              {Act: Ignore},
		"VirtualMachine.spec.disks[].scsi":                      {Act: Refuse},
		"VirtualMachine.spec.resources.cpu":                     {},
		"VirtualMachine.spec.userData":                          {Act: AtCreation},
		"VMClass.spec.cpu":                                      {},
		"VMClass.spec.performanceProfile.memoryHotAddEnabled":   {Only: Values{"false"}},
		"VMImage.spec.metadata":                                 {Act: Describe},
		"VMNetworkAttachment.spec.network.proxmox":              {Act: Elsewhere},
		"VirtualMachine.spec.lifecycle.gracefulShutdownTimeout": {Act: Follow, Note: "a provider's own entry"},
	})
	vm := &manifest.VM{MemHotAdd: true}
	for _, row := range []struct {
		path string
		want bool
		why  string
	}{
		{"VirtualMachine.spec.disks[].sizeGiB", true, "below disks"},
		{"VirtualMachine.spec.disks[].storageClass", false, "an entry of its own that ignores it"},
		{"VirtualMachine.spec.disks[].scsi.controller", false, "below an entry that refuses"},
		{"VirtualMachine.spec.disks[].expandPolicy", true, "the reconciler's, whichever the provider"},
		{"VirtualMachine.spec.powerState", true, "likewise"},
		{"VirtualMachine.spec.userData.cloudInit.inline", true, "at creation is done, too"},
		{"VirtualMachine.spec.placement.cluster", false, "in no entry"},
		{"VirtualMachine.spec.resources.gpu.count", false, "CPU alone"},
		{"VMClass.spec.cpuSomething", false, "a prefix ends at a word"},
		{"VMClass.spec.performanceProfile.memoryHotAddEnabled", false, "not for this VM"},
		{"VMImage.spec.metadata.displayName", true, "nothing is to be done"},
		{"VMNetworkAttachment.spec.network.proxmox.bridge", true, "nothing is to be done here"},
		{"", false, "no path"},
	} {
		if got := honours.Acts(row.path, vm); got != row.want {
			t.Errorf("%q: %t, want %t: %s", row.path, got, row.want, row.why)
		}
	}
	if entry, _ := honours.Of("VirtualMachine.spec.lifecycle.gracefulShutdownTimeout"); entry.Note != "a provider's own entry" {
		t.Errorf("a provider's entry does not come first: %+v", entry)
	}
}

// TestEveryComparedPathIsAFieldOfAManifest holds the tables of this package
// against the manifests.
func TestEveryComparedPathIsAFieldOfAManifest(t *testing.T) {
	var paths []string
	for _, kind := range []string{manifest.KindVirtualMachine, manifest.KindVMClass, manifest.KindVMImage, manifest.KindVMNetworkAttachment} {
		for f := range manifest.Fields(kind) {
			paths = append(paths, f.Path)
		}
	}
	known := func(entry string) bool {
		for _, path := range paths {
			if rest, ok := strings.CutPrefix(path, entry); ok && (rest == "" || strings.ContainsAny(rest[:1], ".[")) {
				return true
			}
		}
		return false
	}
	for entry := range compared() {
		if !known(entry) {
			t.Errorf("no manifest has the compared field %s", entry)
		}
	}
	for entry := range NewHonours(nil) {
		if !known(entry) {
			t.Errorf("no manifest has the reconciler's field %s", entry)
		}
	}
}

// TestEveryTraitIsWrittenSomewhere wants a path for every field that a
// manifest can write, so that its ability is published.
func TestEveryTraitIsWrittenSomewhere(t *testing.T) {
	reached := map[Field]bool{FieldAutostart: true} // through extraConfig
	for _, f := range compared() {
		reached[f] = true
	}
	vm := &manifest.VM{Declared: []string{
		"VMClass.spec.diskDefaults.type", "VMClass.spec.performanceProfile.cpuHotAddEnabled",
		"VMClass.spec.performanceProfile.memoryHotAddEnabled", "VMClass.spec.performanceProfile.nestedVirtualization",
		"VMClass.spec.performanceProfile.virtualizationBasedSecurity", "VMClass.spec.securityProfile.secureBoot",
		"VMClass.spec.securityProfile.tpmEnabled", "VMClass.spec.securityProfile.vtdEnabled", "VirtualMachine.spec.disks[].type",
	}}
	vm.RootDisk.Type = "thin"
	vm.Disks = []manifest.Disk{{Name: "a", Type: "thin", SCSI: &manifest.SCSI{ControllerType: "pvscsi", SharedBus: "noSharing"}}}
	vm.NICs = []manifest.NIC{{Name: "a", Network: &manifest.Network{VSphere: &manifest.VSphereNetwork{PCISlot: 1}}}}
	vm.Limits = manifest.Limits{
		CPULimitMHz: new(1), CPUReservationMHz: new(1), CPUShares: new(1), MemoryLimitMiB: new(int64(1)), MemoryReservationMiB: new(int64(1)),
	}
	vm.ExtraConfig = map[string]string{"key": "value"}
	traits := WantedTraits(vm)
	if len(traits) != 19 {
		t.Errorf("the VM writes %d traits, want every one of the 19", len(traits))
	}
	for field := range traits {
		if !reached[field.Template()] && !reached[field] {
			t.Errorf("no path of a manifest leads to %s", field)
		}
	}
}
