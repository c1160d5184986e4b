package libvirt

import (
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// traitAbilities are those of the traits that a domain's document shows. What
// else a manifest writes takes effect at creation alone.
func traitAbilities() map[providers.Field]providers.Ability {
	return map[providers.Field]providers.Ability{
		providers.FieldCPUHotAdd:  providers.Restart,
		providers.FieldVTd:        providers.Restart,
		providers.FieldNestedVirt: providers.Restart,
		providers.FieldSecureBoot: providers.Replace, // the firmware's variables would be lost
		providers.FieldTPM:        providers.Replace, // and so would the TPM's secrets
	}
}

// character is what a document says of the traits.
type character struct {
	hotAdd, tpm, vtd, nested bool
	secureBoot               bool
	firmwareKnown            bool // so that secureBoot is
}

// character reads the traits. A guest that has used up its room for CPUs was
// made to grow all the same, which the mark in the same document tells.
func (d *domainDoc) character() character {
	c := character{
		hotAdd: d.VCPU.Current > 0 && d.VCPU.Current < d.VCPU.Max || d.Metadata.Mark != nil && d.Metadata.Mark.HotAdd,
		tpm:    len(d.Devices.TPMs) > 0, vtd: len(d.Devices.IOMMUs) > 0,
	}
	for _, f := range d.CPU.Features {
		if f.Name == "vmx" || f.Name == "svm" {
			c.nested = f.Policy == "require" || f.Policy == "force"
		}
	}
	c.secureBoot, c.firmwareKnown = d.secureBoot()
	return c
}

// secureBoot tells whether only signed code boots: the firmware checks, and
// there are keys to check against. A firmware that was left to libvirt to
// choose, and has not been chosen yet, is unknown.
func (d *domainDoc) secureBoot() (on, known bool) {
	if d.firmware() == manifest.FirmwareBIOS {
		return false, true
	}
	features := map[string]bool{}
	for _, f := range d.OS.Info.Features {
		features[f.Name] = f.Enabled == "yes"
	}
	checks, stated := features["secure-boot"]
	if !stated {
		return d.OS.Loader.Secure == "yes", d.OS.Loader.Type != ""
	}
	keys, stated := features["enrolled-keys"]
	return checks && (keys || !stated), true
}

// sets holds the traits of each character: they are read-only, so the many
// VMs of one character share them.
var sets sync.Map

func (c character) traits() providers.Traits {
	if known, ok := sets.Load(c); ok {
		return known.(providers.Traits)
	}
	t := providers.Traits{
		providers.FieldCPUHotAdd:  strconv.FormatBool(c.hotAdd),
		providers.FieldTPM:        strconv.FormatBool(c.tpm),
		providers.FieldVTd:        strconv.FormatBool(c.vtd),
		providers.FieldNestedVirt: strconv.FormatBool(c.nested),
	}
	if c.firmwareKnown {
		t[providers.FieldSecureBoot] = strconv.FormatBool(c.secureBoot)
	}
	known, _ := sets.LoadOrStore(c, t)
	return known.(providers.Traits)
}

// needsHost tells whether a change depends on what the host can do.
func needsHost(t providers.Traits) bool {
	return t[providers.FieldNestedVirt] == "true" || t[providers.FieldVTd] == "true"
}

// setTraits writes the traits of the change into the sheet.
func (e *edit) setTraits() error {
	for _, f := range slices.Sorted(maps.Keys(e.change.Traits)) {
		if err := e.setTrait(f, e.change.Traits[f]); err != nil {
			return err
		}
	}
	return nil
}

func (e *edit) setTrait(f providers.Field, text string) error {
	now := e.seen.character().traits()
	ability, known := traitAbilities()[f]
	switch {
	case !known:
		return cannot("%s of a domain that is there cannot be set", f)
	case !providers.ValidTrait(f, text):
		return invalid("%s cannot be %q", f, text)
	case e.live != nil && e.live.character().traits()[f] != text:
		return cannot("%s cannot be set while the guest runs; let the change wait for a restart", f)
	case now[f] == text:
		return nil
	case ability == providers.Replace:
		return cannot("%s is what the domain was made with; only one made anew has it otherwise", f)
	}
	switch on := text == "true"; f {
	case providers.FieldCPUHotAdd:
		e.mark.HotAdd = on
		return e.sheet.setRoom(on)
	case providers.FieldVTd:
		if on && !e.host.x86() {
			return cannot("VT-d needs an x86_64 host")
		}
		e.sheet.setIOMMU(on)
	case providers.FieldNestedVirt:
		if on && (e.host.domainType != typeKVM || e.host.nestedFeature() == "") {
			return cannot("nested virtualization needs KVM on an Intel or AMD host")
		}
		return e.sheet.setNested(on, e.host.nestedFeature())
	}
	return nil
}
