package providers

import (
	"strconv"
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
)

// Values is a set of texts. Each entry stands for some texts: for those that
// begin with it if it ends in ".", else for itself alone. With "!" in front,
// an entry takes out what the rest of it stands for. A text is in the set if
// no entry takes it out, and one stands for it or all entries only take out.
// The set without entries therefore holds every text, and
// {"!autostart", "!libvirt."} all but autostart and what begins with
// "libvirt.". Case counts, the order does not.
type Values []string

// Has tells whether the text is in the set.
func (v Values) Has(text string) bool {
	in, listed := false, false
	for _, entry := range v {
		entry, out := strings.CutPrefix(entry, "!")
		means := entry == text || strings.HasSuffix(entry, ".") && strings.HasPrefix(text, entry)
		switch {
		case !out:
			listed, in = true, in || means
		case means:
			return false
		}
	}
	return in || !listed
}

// met tells whether every value that a VM has of a field is in the set. It
// never is for a field whose values eachValue does not know.
func (v Values) met(path string, vm *manifest.VM) bool {
	all := true
	known := eachValue(path, vm, func(text string) { all = all && v.Has(text) })
	return known && all
}

// eachValue calls put with every value that a VM has of a field that Honour.Only
// can be about. A type or a kind of sharing that is not said is no value. It
// returns false for any other field.
func eachValue(path string, vm *manifest.VM, put func(string)) bool {
	said := func(text string) {
		if text != "" {
			put(text)
		}
	}
	switch path {
	case "VirtualMachine.spec.disks[].type":
		for i := range vm.Disks {
			said(vm.Disks[i].Type)
		}
	case "VirtualMachine.spec.disks[].scsi.sharedBus":
		for i := range vm.Disks {
			if scsi := vm.Disks[i].SCSI; scsi != nil {
				said(scsi.SharedBus)
			}
		}
	case "VirtualMachine.spec.importedDisk.format":
		if vm.Imported != nil {
			put(vm.Imported.Format)
		}
	case "VMClass.spec.diskDefaults.type":
		said(vm.RootDisk.Type)
	case "VMClass.spec.extraConfig":
		for key := range vm.ExtraConfig {
			put(key)
		}
	case "VMClass.spec.performanceProfile.memoryHotAddEnabled":
		put(strconv.FormatBool(vm.MemHotAdd))
	case "VMClass.spec.performanceProfile.virtualizationBasedSecurity":
		put(strconv.FormatBool(vm.VBS))
	default:
		return false
	}
	return true
}
