package vsphere

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

func TestDisksOfANewVM(t *testing.T) {
	scsi := func(bus int, kind, sharing string) *manifest.SCSI {
		return &manifest.SCSI{Controller: bus, ControllerType: kind, SharedBus: sharing}
	}
	for _, r := range []struct {
		reason string
		model  string // of the template's controller
		root   int
		disks  []manifest.Disk
		want   []string
		marks  []string // name@place of the disks, "!" before one that is not ours
	}{
		{"the template's disk stays as large as it is where nobody says more", "pvscsi", 0, nil, nil, []string{"root@scsi0:0"}},
		{"and as it is where that is what is wanted", "pvscsi", 10, nil, nil, []string{"root@scsi0:0"}},
		{"or grows", "pvscsi", 20, nil, []string{"edit disk 1000:0 20 GiB thin [ds] web/disk-2000.vmdk"}, []string{"root@scsi0:0"}},
		{
			"disks without a scsi block follow on bus 0, in their order", "lsilogic", 0,
			[]manifest.Disk{{Name: "a", SizeGiB: 1}, {Name: "b", SizeGiB: 2, Type: "thick"}, {Name: "c", SizeGiB: 3, Type: "eagerzeroedthick"}},
			[]string{"add+create disk 1000:1 1 GiB thin", "add+create disk 1000:2 2 GiB thick", "add+create disk 1000:3 3 GiB eagerzeroedthick"},
			[]string{"root@scsi0:0", "a@scsi0:1", "b@scsi0:2", "c@scsi0:3"},
		},
		{
			"what a disk spins on says nothing of its space", "pvscsi", 0, []manifest.Disk{{Name: "a", SizeGiB: 1, Type: "ssd"}},
			[]string{"add+create disk 1000:1 1 GiB thin"}, []string{"root@scsi0:0", "a@scsi0:1"},
		},
		{
			"a controller that is missing is added, once", "pvscsi", 0,
			[]manifest.Disk{{Name: "a", SizeGiB: 1, SCSI: scsi(1, "", "")}, {Name: "b", SizeGiB: 1, SCSI: scsi(1, "pvscsi", "noSharing")}},
			[]string{"add pvscsi scsi1 noSharing", "add+create disk scsi1:0 1 GiB thin", "add+create disk scsi1:1 1 GiB thin"},
			[]string{"root@scsi0:0", "a@scsi1:0", "b@scsi1:1"},
		},
		{
			"of the model and with the sharing that are written", "pvscsi", 0,
			[]manifest.Disk{{Name: "a", SizeGiB: 1, SCSI: scsi(3, "lsilogic-sas", "physicalSharing")}},
			[]string{"add lsilogic-sas scsi3 physicalSharing", "add+create disk scsi3:0 1 GiB thin"},
			[]string{"root@scsi0:0", "a@scsi3:0"},
		},
		{
			"one that is there is shared as it is written", "pvscsi", 0,
			[]manifest.Disk{{Name: "a", SizeGiB: 1, SCSI: scsi(0, "pvscsi", "virtualSharing")}},
			[]string{"edit pvscsi scsi0 virtualSharing", "add+create disk scsi0:1 1 GiB thin"},
			[]string{"root@scsi0:0", "a@scsi0:1"},
		},
		{
			"a disk without a scsi block keeps off a bus that is shared", "pvscsi", 0,
			[]manifest.Disk{{Name: "a", SizeGiB: 1, SCSI: scsi(0, "pvscsi", "virtualSharing")}, {Name: "b", SizeGiB: 1}},
			[]string{
				"edit pvscsi scsi0 virtualSharing", "add+create disk scsi0:1 1 GiB thin",
				"add pvscsi scsi1 noSharing", "add+create disk scsi1:0 1 GiB thin",
			},
			[]string{"root@scsi0:0", "a@scsi0:1", "b@scsi1:0"},
		},
	} {
		vm := aVM()
		vm.RootDisk.SizeGiB, vm.Disks = r.root, r.disks
		spec, m, err := assemble(creation{owner: anOwner, vm: vm, from: aTemplate(r.model, 0)})
		if err != nil {
			t.Errorf("%s: %v", r.reason, err)
			continue
		}
		if diff := cmp.Diff(r.want, told(spec.DeviceChange)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.reason, diff)
		}
		if diff := cmp.Diff(r.marks, markedDisks(m)); diff != "" {
			t.Errorf("%s: mark (-want +got):\n%s", r.reason, diff)
		}
	}
}

func markedDisks(m *mark) []string {
	var out []string
	for _, d := range m.Disks {
		text := d.Name + "@" + d.At
		if !d.Made {
			text = "!" + text
		}
		out = append(out, text)
	}
	return out
}

func TestDisksThatCannotBe(t *testing.T) {
	many := func(n int) (out []manifest.Disk) {
		for i := range n {
			out = append(out, manifest.Disk{Name: fmt.Sprint("d", i), SizeGiB: 1})
		}
		return out
	}
	one := func(s manifest.SCSI) []manifest.Disk { return []manifest.Disk{{Name: "a", SizeGiB: 1, SCSI: &s}} }
	shared := append(one(manifest.SCSI{Controller: 1, SharedBus: "virtualSharing"}),
		manifest.Disk{Name: "b", SizeGiB: 1, SCSI: &manifest.SCSI{Controller: 1, SharedBus: "noSharing"}})
	packed := many(16)
	for i := range packed {
		packed[i].SCSI = &manifest.SCSI{Controller: 1}
	}
	for _, r := range []struct {
		reason string
		root   int
		disks  []manifest.Disk
		linked bool
		says   string // empty: it can be
	}{
		{"a disk without a size", 0, []manifest.Disk{{Name: "a"}}, false, "no name or no size"},
		{"a bus that there is not", 0, one(manifest.SCSI{Controller: 4}), false, "no SCSI bus 4"},
		{"a model that there is not", 0, one(manifest.SCSI{Controller: 1, ControllerType: "sata"}), false, "no SCSI controller \"sata\""},
		{"another model than the template's controller", 0, one(manifest.SCSI{ControllerType: "lsilogic"}), false, "SCSI bus 0 is pvscsi"},
		{"a sharing that there is not", 0, one(manifest.SCSI{Controller: 1, SharedBus: "some"}), false, "no way \"some\""},
		{"a bus that is shared in two ways", 0, shared, false, "both virtualSharing and noSharing"},
		{"sixteen disks on a bus of fifteen", 0, packed, false, "one too many for SCSI bus 1"},
		{"as many as there are places", 0, many(59), false, ""},
		{"one more", 0, many(60), false, "one too many"},
		{"a root disk below the template's", 5, nil, false, "not made smaller"},
		{"a root disk of a linked clone that is larger", 20, nil, true, "linked clone"},
		{"a root disk of a linked clone as it is", 10, nil, true, ""},
	} {
		vm := aVM()
		vm.RootDisk.SizeGiB, vm.Disks = r.root, r.disks
		_, _, err := assemble(creation{owner: anOwner, vm: vm, from: aTemplate("pvscsi", 0), linked: r.linked})
		kind := providers.InvalidSpec
		if r.says == "" {
			kind = ""
		}
		wantKind(t, r.reason, err, kind, r.says)
	}
}

func TestDisksThatATemplateBrings(t *testing.T) {
	nvme := &types.VirtualNVMEController{}
	nvme.Key, nvme.BusNumber = 31000, 0
	sata := &types.VirtualAHCIController{}
	sata.Key, sata.BusNumber = 15000, 1
	ide := &types.VirtualIDEController{}
	ide.Key, ide.BusNumber = 200, 0
	from := aTemplate("pvscsi", 0)
	from.Hardware.Device = object.VirtualDeviceList{
		nvme, sata, ide, aDisk(32000, 31000, 0, 10), aDisk(16000, 15000, 2, 5), aDisk(3000, 200, 1, 5),
	}
	vm := aVM()
	vm.Disks = []manifest.Disk{{Name: "data", SizeGiB: 1}}
	spec, m, err := assemble(creation{owner: anOwner, vm: vm, from: from})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"root@nvme0:0", "@sata1:2", "@ide0:1", "data@scsi0:0"}
	if diff := cmp.Diff(want, markedDisks(m)); diff != "" {
		t.Errorf("the first disk boots, the others belong to the image (-want +got):\n%s", diff)
	}
	made := slices.Concat(from.Hardware.Device, []types.BaseVirtualDevice{
		spec.DeviceChange[0].GetVirtualDeviceConfigSpec().Device, spec.DeviceChange[1].GetVirtualDeviceConfigSpec().Device,
	})
	var names []string
	for _, d := range disksOf(made, m) {
		names = append(names, fmt.Sprintf("%s %d", d.Name, d.SizeGiB.Value))
	}
	if diff := cmp.Diff([]string{"root 10", "data 1"}, names); diff != "" {
		t.Errorf("disks that are reported (-want +got):\n%s", diff)
	}
}

func TestAnExistingDiskToBootFrom(t *testing.T) {
	vm := aVM()
	vm.Image, vm.Disks = nil, []manifest.Disk{{Name: "data", SizeGiB: 1}}
	c := creation{owner: anOwner, vm: vm, bootDisk: "[ds] old/old.vmdk"}
	spec, m, err := assemble(c)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"add pvscsi scsi0 noSharing", "add disk scsi0:0 0 GiB  [ds] old/old.vmdk", "add+create disk scsi0:1 1 GiB thin"}
	if diff := cmp.Diff(want, told(spec.DeviceChange)); diff != "" {
		t.Errorf("devices (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"!root@scsi0:0", "data@scsi0:1"}, markedDisks(m)); diff != "" {
		t.Errorf("the disk is not ours to delete (-want +got):\n%s", diff)
	}
	c.bootDisk = ""
	_, _, err = assemble(c)
	wantKind(t, "nothing to boot from", err, providers.InvalidSpec, "nothing to boot from")
}

func TestLocatorsSayHowTheRootDiskIsProvided(t *testing.T) {
	vm := aVM()
	vm.RootDisk.Type = eagerDisk
	c := creation{owner: anOwner, vm: vm, from: aTemplate("pvscsi", 0)}
	where := types.ManagedObjectReference{Type: "Datastore", Value: "datastore-1"}
	if got := locators(c, where); got != nil {
		t.Errorf("a type that no document writes is told: %+v", got)
	}
	vm.Declared = []string{"VMClass.spec.diskDefaults.type"}
	got := locators(c, where)
	if len(got) != 1 || got[0].DiskId != 2000 || got[0].Datastore != where {
		t.Fatalf("locators: %+v", got)
	}
	if b := got[0].DiskBackingInfo.(*types.VirtualDiskFlatVer2BackingInfo); isTrue(b.ThinProvisioned) || !isTrue(b.EagerlyScrub) {
		t.Errorf("backing: thin %v, scrubbed %v", *b.ThinProvisioned, *b.EagerlyScrub)
	}
	c.linked = true
	if got := locators(c, where); got != nil {
		t.Errorf("a linked clone has its template's disk: %+v", got)
	}
}

func TestProvisionOfADisk(t *testing.T) {
	parent := diskBacking(eagerDisk, "")
	child := diskBacking(thinDisk, "")
	child.Parent = parent
	for _, r := range []struct {
		backing types.BaseVirtualDeviceBackingInfo
		want    string
		reason  string
	}{
		{diskBacking(thinDisk, ""), thinDisk, "as it was made"},
		{diskBacking(thickDisk, ""), thickDisk, "as it was made"},
		{diskBacking(eagerDisk, ""), eagerDisk, "as it was made"},
		{child, eagerDisk, "a snapshot says nothing of the disk behind it"},
		{&types.VirtualDiskFlatVer2BackingInfo{}, "", "the server does not say"},
		{&types.VirtualDiskFlatVer2BackingInfo{ThinProvisioned: new(false)}, "", "thick, and no word of zeros"},
		{&types.VirtualDiskRawDiskMappingVer1BackingInfo{}, "", "a raw device"},
	} {
		if got := provisionOf(&types.VirtualDisk{VirtualDevice: types.VirtualDevice{Backing: r.backing}}); got != r.want {
			t.Errorf("%s: %q, want %q", r.reason, got, r.want)
		}
	}
}
