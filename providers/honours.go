package providers

import (
	"maps"
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
)

// Act is what is done about a field of a manifest.
type Act string

// The acts. What is refused or ignored is named in a warning.
const (
	// Apply shapes the VM for good: Capabilities.Change has the field that
	// Compared names for the path.
	Apply      Act = ""
	AtCreation Act = "creation"  // shapes the VM when it is made, and never again
	Follow     Act = "follow"    // says what else counts, or how something is done
	Elsewhere  Act = "elsewhere" // speaks to another hypervisor
	Describe   Act = "describe"  // says what something is, and asks for nothing
	Refuse     Act = "refuse"    // a VM that sets it is not made
	Ignore     Act = "ignore"    // has no effect
)

// Honour is what a provider does about one field, and about whatever is below
// it and has no entry of its own.
type Honour struct {
	Act   Act   `json:"act,omitempty"`
	Field Field `json:"field,omitempty"` // compared; empty: the one that Compared names
	// Only has the values of the field for which it is done, empty: all. For a
	// VM with any other it is not done at all, which is warned about. A value
	// is what the manifest writes, "true" or "false" of a switch; that of
	// extraConfig is a key. It can be about these fields, and is never met for
	// another:
	//
	//	VirtualMachine.spec.disks[].type
	//	VirtualMachine.spec.disks[].scsi.sharedBus
	//	VirtualMachine.spec.importedDisk.format
	//	VMClass.spec.diskDefaults.type
	//	VMClass.spec.extraConfig
	//	VMClass.spec.performanceProfile.memoryHotAddEnabled
	//	VMClass.spec.performanceProfile.virtualizationBasedSecurity
	Only Values `json:"only,omitempty"`
	Note string `json:"note,omitempty"` // the limits, for people: a clause; never empty beside Only
}

// Honours is what a provider does about the fields of manifests, by path as in
// manifest.VM.Declared. A path without an entry, and without one above it, is
// ignored.
type Honours map[string]Honour

// NewHonours returns a provider's table together with what the reconciler does
// whichever the provider is.
func NewHonours(own Honours) Honours {
	all := Honours{
		"VirtualMachine.spec.providerRef": {Act: Follow, Note: "a VM is not moved: another provider makes another VM"},
		"VirtualMachine.spec.classRef":    {Act: Follow, Note: "what differs in the class counts"},
		"VirtualMachine.spec.imageRef":    {},
		"VirtualMachine.spec.powerState":  {},
		"VirtualMachine.spec.lifecycle.gracefulShutdownTimeout": {
			Act: Follow, Note: "holds from the next shutdown on",
		},
		"VirtualMachine.spec.disks[].expandPolicy": {
			Act: Follow, Note: "where it is written, Offline makes growing wait for a restart",
		},
	}
	maps.Copy(all, own)
	return all
}

// Of returns what is said of a path: the longest entry that it begins with.
func (h Honours) Of(path string) (Honour, bool) { return longest(h, path) }

// Acts tells whether something is done about a path for this VM, so that it
// need not be warned about.
func (h Honours) Acts(path string, vm *manifest.VM) bool {
	entry, ok := h.Of(path)
	return ok && entry.Act != Refuse && entry.Act != Ignore && (len(entry.Only) == 0 || entry.Only.met(path, vm))
}

// longest returns the entry for a path, or for the nearest path above it:
// "a.b[]" is above "a.b[].c", and "a.b" above "a.b[]".
func longest[V any](table map[string]V, path string) (v V, ok bool) {
	for {
		if v, ok = table[path]; ok {
			return v, true
		}
		up := strings.LastIndexAny(path, ".[")
		if up < 0 {
			return v, false
		}
		path = path[:up]
	}
}
