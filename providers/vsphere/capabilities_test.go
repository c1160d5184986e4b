package vsphere

import (
	"testing"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

var manifestKinds = []string{
	manifest.KindVirtualMachine, manifest.KindVMClass, manifest.KindVMImage, manifest.KindVMNetworkAttachment,
}

func TestEveryFieldHasItsAnswer(t *testing.T) {
	table := providers.NewHonours(honoured())
	used := map[string]bool{}
	for _, kind := range manifestKinds {
		for f := range manifest.Fields(kind) {
			entry, ok := table.Of(f.Path)
			if !ok {
				t.Errorf("%s: nothing is said of it", f.Path)
			}
			if entry.Only != nil && entry.Note == "" {
				t.Errorf("%s: a condition without words", f.Path)
			}
			for at := range table {
				used[at] = used[at] || len(at) <= len(f.Path) && f.Path[:len(at)] == at
			}
		}
	}
	for at := range honoured() {
		if !used[at] {
			t.Errorf("%s: there is no such field", at)
		}
	}
}

// TestWhatIsComparedCanBeChanged holds the table of fields and the abilities
// together: a field that shapes a VM for good is compared, and has an ability.
func TestWhatIsComparedCanBeChanged(t *testing.T) {
	caps := providers.Capabilities{Change: abilities(), Honours: providers.NewHonours(honoured())}
	for _, kind := range manifestKinds {
		for f := range manifest.Fields(kind) {
			entry, _ := caps.Honours.Of(f.Path)
			if entry.Act != providers.Apply {
				continue
			}
			field := entry.Field
			if field == "" {
				var ok bool
				if field, ok = providers.Compared(f.Path); !ok {
					t.Errorf("%s shapes a VM ever after, and no field is compared for it", f.Path)
					continue
				}
			}
			if _, ok := caps.Ability(field); !ok {
				t.Errorf("%s is compared as %s, which has no ability", f.Path, field)
			}
		}
	}
}

func TestEveryTraitIsKnown(t *testing.T) {
	caps := providers.Capabilities{Change: abilities()}
	for _, f := range []providers.Field{
		providers.FieldCPUHotAdd, providers.FieldMemoryHotAdd, providers.FieldSecureBoot, providers.FieldTPM, providers.FieldVTd,
		providers.FieldVBS, providers.FieldNestedVirt, providers.FieldCPULimit, providers.FieldCPUReservation, providers.FieldCPUShares,
		providers.FieldMemoryLimit, providers.FieldMemoryReservation, providers.FieldRootDiskType, providers.FieldDiskType.Of("data"),
		providers.FieldDiskBus.Of("data"), providers.FieldDiskController.Of("data"), providers.FieldDiskSharing.Of("data"),
		providers.FieldNICSlot.Of("lan"), providers.FieldExtraConfig.Of("disk.EnableUUID"), providers.FieldExtraConfig.Of(keyHardwareVersion),
	} {
		if _, ok := caps.Ability(f); !ok {
			t.Errorf("%s has no ability", f)
		}
	}
	for _, key := range []string{keyCloneMode, "libvirt.machine", "proxmox.numa"} {
		if a, ok := caps.Ability(providers.FieldExtraConfig.Of(key)); ok {
			t.Errorf("key %s, which is not the VM's, is compared and changed %s", key, a)
		}
	}
}

func TestKeysOfExtraConfig(t *testing.T) {
	for _, r := range []struct {
		key    string
		want   keyUse
		reason string
	}{
		{"disk.EnableUUID", keyHandedOn, "a key of the VM"},
		{keyHardwareVersion, keySetting, "a setting of ours"},
		{keyCloneMode, keySetting, "a setting of ours"},
		{"vsphere.cloneMod", keyRefused, "a setting that there is not"},
		{"VSPHERE.cloneMode", keyRefused, "ours are spelled as they are"},
		{"vmsteward.mark", keyRefused, "the mark"},
		{"VMSteward.Mark", keyRefused, "the mark, as vSphere reads it"},
		{"guestinfo.userdata", keyRefused, "first-boot data"},
		{"", keyRefused, "no key"},
		{"libvirt.machine", keyElsewhere, "another provider's"},
		{"libvirt.a[0]", keyElsewhere, "likewise, though it could not be set here"},
		{"LIBVIRT.machine", keyHandedOn, "theirs are spelled as they are, too"},
		{"autostart", keyElsewhere, "a host's"},
	} {
		if got := useOf(r.key); got != r.want {
			t.Errorf("%s: %q is %d, want %d", r.reason, r.key, got, r.want)
		}
	}
}
