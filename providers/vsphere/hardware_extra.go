package vsphere

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vmsteward/vmsteward/providers"
)

// The keys of extraConfig that are settings of this provider, and not handed
// on to the VM.
const (
	keyHardwareVersion = "vsphere.hardwareVersion" // the least that it may be, such as "21"
	keyCloneMode       = "vsphere.cloneMode"       // "full" or "linked", of a new VM
)

// The values of keyCloneMode.
const (
	cloneFull   = "full"
	cloneLinked = "linked"
)

// keyUse is what is done with a key of extraConfig.
type keyUse int

const (
	keyHandedOn  keyUse = iota // set in the VM
	keySetting                 // says something to this provider
	keyElsewhere               // speaks to another provider, or to the reconciler
	keyRefused                 // is not a manifest's to set
)

// unnameable are characters that the path of a property cannot have: such a key
// could be set, and not be read back.
const unnameable = "\"[]\\"

// ownKeys are the keys that say something to a VM here. The others speak to
// the reconciler, which keeps autostart, or to another provider.
func ownKeys() providers.Values { return providers.Values{"!autostart", "!libvirt.", "!proxmox."} }

// useOf tells what is done with a key of a manifest's extraConfig.
func useOf(key string) keyUse {
	lower := strings.ToLower(key)
	begins := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(lower, p) })
	}
	switch {
	case key == keyHardwareVersion || key == keyCloneMode:
		return keySetting
	case !ownKeys().Has(key):
		return keyElsewhere
	case key == "" || strings.ContainsAny(key, unnameable) || begins("vmsteward.", "guestinfo.", "vsphere."):
		return keyRefused
	}
	return keyHandedOn
}

// setExtraConfig sets a key of the VM, or takes it away, and notes it in the
// mark, so that it is known to be a manifest's.
func setExtraConfig(d *draft, key, text string) error {
	switch useOf(key) {
	case keyRefused:
		return invalid("extraConfig %q is not a manifest's to set; remove it", key)
	case keyHandedOn:
		d.option(key, text)
		d.mark.setExtra(key, text != "")
	}
	return nil
}

// setHardwareVersion asks for a hardware version at least. A machine that has
// a later one keeps it: there is no way back.
func setHardwareVersion(d *draft, key, text string) error {
	if text == "" {
		d.mark.Version = 0
		return nil
	}
	want, err := strconv.Atoi(text)
	if err != nil || strconv.Itoa(want) != text || want < oldestVersion {
		return invalid("%s is %q and not a number, such as 21", key, text)
	}
	d.mark.Version = want
	have, known := versionOf(d.now.Version)
	switch {
	case !known: // of a VM that is made from nothing
		d.spec.Version = versionPrefix + text
	case want > have:
		d.upgrade = want
	}
	return nil
}

const (
	versionPrefix = "vmx-"
	oldestVersion = 4
)

// versionOf reads a hardware version: "vmx-21" is 21.
func versionOf(text string) (n int, ok bool) {
	digits, ok := strings.CutPrefix(text, versionPrefix)
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil
}

// setExtra notes that a key is a manifest's, or is not any more.
func (m *mark) setExtra(key string, on bool) {
	at, found := slices.BinarySearch(m.Extra, key)
	switch {
	case on && !found:
		m.Extra = slices.Insert(m.Extra, at, key)
	case !on && found:
		m.Extra = slices.Delete(m.Extra, at, at+1)
	}
}
