package providers

import (
	"strings"
	"testing"

	"github.com/vmsteward/vmsteward/manifest"
)

func TestValues(t *testing.T) {
	for _, r := range []struct {
		entries string
		text    string
		want    bool
		reason  string
	}{
		{"", "a", true, "without entries, every text"},
		{"", "", true, "the empty text is one"},
		{"a b", "b", true, "one of those listed"},
		{"a b", "c", false, "and no other"},
		{"a", "A", false, "case counts"},
		{"a", "ab", false, "an entry without a dot at its end is no beginning"},
		{"a.", "a.b", true, "with one it is"},
		{"a.", "a.", true, "of itself, too"},
		{"a.", "a", false, "the dot belongs to it"},
		{"!a", "a", false, "taken out"},
		{"!a", "b", true, "entries that only take out leave all others"},
		{"!a !b.", "b.c", false, "a beginning is taken out"},
		{"!a !b.", "b", true, "which this does not begin with"},
		{"a. !a.b", "a.c", true, "of those listed, what is not taken out"},
		{"a. !a.b", "a.b", false, "and not what is"},
		{"!a.b a.", "a.b", false, "whatever the order"},
		{"a. !a.b", "c", false, "one entry that lists is enough to leave out the rest"},
		{"!", "", false, "the empty text can be taken out"},
		{"!", "a", true, "and is no beginning"},
	} {
		if got := Values(strings.Fields(r.entries)).Has(r.text); got != r.want {
			t.Errorf("{%s} has %q: %t, want %t: %s", r.entries, r.text, got, r.want, r.reason)
		}
	}
}

func TestConditionsByTheValuesOfAVM(t *testing.T) {
	disks := func(disks ...manifest.Disk) manifest.VM { return manifest.VM{Disks: disks} }
	keys := func(keys ...string) manifest.VM {
		vm := manifest.VM{ExtraConfig: map[string]string{}}
		for _, key := range keys {
			vm.ExtraConfig[key] = "value"
		}
		return vm
	}
	for _, r := range []struct {
		path   string
		only   string
		vm     manifest.VM
		want   bool
		reason string
	}{
		{"VirtualMachine.spec.disks[].type", "thin", disks(manifest.Disk{Type: "thin"}, manifest.Disk{}), true, "a type that is not said is none"},
		{"VirtualMachine.spec.disks[].type", "thin", disks(manifest.Disk{Type: "thin"}, manifest.Disk{Type: "ssd"}), false, "one disk is enough"},
		{"VirtualMachine.spec.disks[].type", "thin", disks(), true, "no disk has another"},
		{"VirtualMachine.spec.disks[].scsi.sharedBus", "no", disks(manifest.Disk{}, manifest.Disk{SCSI: &manifest.SCSI{}}), true, "neither says one"},
		{"VirtualMachine.spec.disks[].scsi.sharedBus", "no", disks(manifest.Disk{SCSI: &manifest.SCSI{SharedBus: "no"}}), true, "the one that is listed"},
		{"VirtualMachine.spec.disks[].scsi.sharedBus", "no", disks(manifest.Disk{SCSI: &manifest.SCSI{SharedBus: "yes"}}), false, "another"},
		{"VirtualMachine.spec.importedDisk.format", "vmdk", manifest.VM{}, true, "there is no such disk"},
		{"VirtualMachine.spec.importedDisk.format", "vmdk", manifest.VM{Imported: &manifest.ImportedDisk{Format: "vmdk"}}, true, "the one that is listed"},
		{"VirtualMachine.spec.importedDisk.format", "vmdk", manifest.VM{Imported: &manifest.ImportedDisk{}}, false, "a disk has a format, and it is not this one"},
		{"VMClass.spec.diskDefaults.type", "thin", manifest.VM{}, true, "not said"},
		{"VMClass.spec.diskDefaults.type", "thin", manifest.VM{RootDisk: manifest.RootDisk{Type: "ssd"}}, false, "another"},
		{"VMClass.spec.extraConfig", "autostart", keys("autostart"), true, "a key is a value"},
		{"VMClass.spec.extraConfig", "autostart", keys("autostart", "more"), false, "one other is enough"},
		{"VMClass.spec.extraConfig", "!a.", keys("b", "c"), true, "none is taken out"},
		{"VMClass.spec.extraConfig", "!a.", keys("b", "a.b"), false, "one is"},
		{"VMClass.spec.performanceProfile.memoryHotAddEnabled", "false", manifest.VM{VBS: true}, true, "off"},
		{"VMClass.spec.performanceProfile.memoryHotAddEnabled", "false", manifest.VM{MemHotAdd: true}, false, "on"},
		{"VMClass.spec.performanceProfile.virtualizationBasedSecurity", "false", manifest.VM{MemHotAdd: true}, true, "off"},
		{"VMClass.spec.performanceProfile.virtualizationBasedSecurity", "false", manifest.VM{VBS: true}, false, "on"},
		{"VMClass.spec.firmware", "!BIOS", manifest.VM{Firmware: manifest.FirmwareUEFI}, false, "no condition can be about it, so none is met"},
		{"VMClass.spec.firmware", "", manifest.VM{Firmware: manifest.FirmwareUEFI}, true, "without one, none need be"},
	} {
		honours := Honours{r.path: {Only: strings.Fields(r.only), Note: "some alone"}}
		if got := honours.Acts(r.path, &r.vm); got != r.want {
			t.Errorf("%s only for {%s}: %t, want %t: %s", r.path, r.only, got, r.want, r.reason)
		}
	}
}

// TestConditionsCanBeAboutFieldsOfManifests holds eachValue against the
// manifests: what it knows is what the words of Honour.Only name.
func TestConditionsCanBeAboutFieldsOfManifests(t *testing.T) {
	var known []string
	for _, kind := range []string{manifest.KindVirtualMachine, manifest.KindVMClass, manifest.KindVMImage, manifest.KindVMNetworkAttachment} {
		for f := range manifest.Fields(kind) {
			if eachValue(f.Path, &manifest.VM{}, func(string) {}) {
				known = append(known, f.Path)
			}
		}
	}
	if len(known) != 7 {
		t.Errorf("a condition can be about %d fields, want the 7 that Honour.Only names: %v", len(known), known)
	}
}

// TestAConditionOnAnEntryAboveIsAboutEachFieldBelow lets one entry stand for
// two fields, each of which is weighed by its own values.
func TestAConditionOnAnEntryAboveIsAboutEachFieldBelow(t *testing.T) {
	const profile = "VMClass.spec.performanceProfile"
	honours := Honours{profile: {Only: Values{"false"}, Note: "false alone"}}
	vm := &manifest.VM{MemHotAdd: true}
	for path, want := range map[string]bool{
		profile + ".memoryHotAddEnabled":         false,
		profile + ".virtualizationBasedSecurity": true,
		profile + ".cpuHotAddEnabled":            false, // no condition can be about it
	} {
		if got := honours.Acts(path, vm); got != want {
			t.Errorf("%s: %t, want %t", path, got, want)
		}
	}
}
