package vsphere

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

const (
	lanMAC = "02:50:56:00:00:0a"
	sanMAC = "02:50:56:00:00:0b"
)

// aTarget returns a VM of ours as it was read: 2 CPUs, 1024 MiB, a root disk
// of 10 GiB and one named data of 5, interfaces lan and san.
func aTarget(power types.VirtualMachinePowerState) *target {
	t := &target{mark: newMark(anOwner, aVM())}
	t.mark.Disks = []markDisk{{Name: "root", At: "scsi0:0", Made: true}, {Name: "data", At: "scsi0:1", Made: true}}
	t.mark.NICs = []markNIC{{Name: "lan", MAC: lanMAC}, {Name: "san", MAC: sanMAC}}
	t.mark.Extra = []string{"disk.EnableUUID"}
	config := aTemplate("pvscsi", 0)
	config.Hardware.NumCPU, config.Hardware.MemoryMB = 2, 1024
	config.Hardware.Device = append(object.VirtualDeviceList(config.Hardware.Device),
		aDisk(2001, 1000, 1, 5), aCard(4000, lanMAC, "old"), aCard(4001, sanMAC, "old"))
	config.ExtraConfig = []types.BaseOptionValue{&types.OptionValue{Key: "disk.EnableUUID", Value: "TRUE"}}
	config.CpuAllocation = &types.ResourceAllocationInfo{
		Limit: new(int64(-1)), Reservation: new(int64(0)), Shares: &types.SharesInfo{Level: types.SharesLevelNormal, Shares: 2000},
	}
	t.vm.Name, t.vm.Config, t.vm.Runtime.PowerState = "web", config, power
	return t
}

// wanting returns what is said of the VM for a change.
func (t *target) wanting(ch providers.Change) (*draft, error) {
	d, err := t.draft(ch.Live)
	if err != nil {
		return nil, err
	}
	networks := map[string]network{}
	for _, n := range ch.AddNICs {
		if n.Network != nil {
			networks[n.Name] = aNetwork(n.Network.VSphere.Portgroup)
		}
	}
	return d, d.apply(ch, networks)
}

func TestAChangeSaysWhatDiffersAndNothingElse(t *testing.T) {
	none := types.VirtualMachineConfigSpec{}
	for _, r := range []struct {
		reason  string
		ch      providers.Change
		spec    types.VirtualMachineConfigSpec // without devices and the mark
		devices []string
		extra   []string
		marked  bool // the mark is written
	}{
		{"nothing", providers.Change{}, none, nil, nil, false},
		{"what is so already", providers.Change{
			CPU: new(2), MemoryMiB: new(int64(1024)), Name: new("web"), Tags: &[]string{}, Retired: &time.Time{},
			GrowDisks: []providers.DiskSize{{Name: "data", SizeGiB: 5}}, AddDisks: []manifest.Disk{{Name: "data", SizeGiB: 5}},
			AddNICs:    []manifest.NIC{{Name: "lan", Network: onPortGroup("old", "", 0), MAC: lanMAC}, {Name: "san"}},
			RemoveNICs: []providers.NICRef{{Name: "gone"}, {MAC: "02:50:56:00:00:0f"}},
			Traits:     providers.Traits{"tpm": "false", "extraConfig[disk.EnableUUID]": "TRUE", "extraConfig[other]": "", "limits.cpuShares": "2000"},
		}, none, nil, nil, false},
		{"amounts", providers.Change{CPU: new(4), MemoryMiB: new(int64(2048))}, types.VirtualMachineConfigSpec{NumCPUs: 4, MemoryMB: 2048}, nil, nil, false},
		{"the name", providers.Change{Name: new("shop")}, types.VirtualMachineConfigSpec{Name: "shop"}, nil, nil, false},
		{"tags", providers.Change{Tags: &[]string{"b", "a", "b"}}, none, nil, nil, true},
		{"retired", providers.Change{Retired: new(time.Unix(1700000000, 0))}, none, nil, nil, true},
		{
			"a larger disk", providers.Change{GrowDisks: []providers.DiskSize{{Name: "root", SizeGiB: 20}, {Name: "data", SizeGiB: 6}}}, none,
			[]string{"edit disk 1000:0 20 GiB thin [ds] web/disk-2000.vmdk", "edit disk 1000:1 6 GiB thin [ds] web/disk-2001.vmdk"}, nil, false,
		},
		{
			"a disk more", providers.Change{AddDisks: []manifest.Disk{{Name: "logs", SizeGiB: 1}}}, none,
			[]string{"add+create disk 1000:2 1 GiB thin"}, nil, true,
		},
		{
			"an interface elsewhere keeps its address", providers.Change{AddNICs: []manifest.NIC{{Name: "lan", Network: onPortGroup("new", "", 0)}}}, none,
			[]string{"edit vmxnet3  " + lanMAC + " on standard new"}, nil, false,
		},
		{
			"one of another model is another one", providers.Change{AddNICs: []manifest.NIC{{Name: "lan", Network: onPortGroup("old", "e1000", 0)}}}, none,
			[]string{"remove vmxnet3  " + lanMAC + " on standard old", "add e1000 manual " + lanMAC + " on standard old"}, nil, false,
		},
		{
			"and so is one with another address", providers.Change{AddNICs: []manifest.NIC{{Name: "lan", MAC: "02:50:56:00:00:0c"}}}, none,
			[]string{"remove vmxnet3  " + lanMAC + " on standard old", "add vmxnet3 manual 02:50:56:00:00:0c on standard old"}, nil, true,
		},
		{
			"a stranger's interface goes by its address", providers.Change{RemoveNICs: []providers.NICRef{{MAC: "02:50:56:00:00:0A"}}}, none,
			[]string{"remove vmxnet3  " + lanMAC + " on standard old"}, nil, true,
		},
		{"a limit, with what stays of it", providers.Change{Traits: providers.Traits{"limits.cpuReservation": "100"}}, types.VirtualMachineConfigSpec{
			CpuAllocation: &types.ResourceAllocationInfo{
				Limit: new(int64(-1)), Reservation: new(int64(100)), Shares: &types.SharesInfo{Level: types.SharesLevelNormal, Shares: 2000},
			},
		}, nil, nil, false},
		{"flags", providers.Change{Traits: providers.Traits{"vtd": "true", "nestedVirtualization": "true"}}, types.VirtualMachineConfigSpec{
			Flags: &types.VirtualMachineFlagInfo{VvtdEnabled: new(true)}, NestedHVEnabled: new(true),
		}, nil, nil, false},
		{"keys of extraConfig", providers.Change{Traits: providers.Traits{"extraConfig[disk.EnableUUID]": "", "extraConfig[x]": "1", "extraConfig[libvirt.y]": "1"}},
			none, nil, []string{"disk.EnableUUID=", "x=1"}, true},
		{
			"a disk on another bus", providers.Change{Traits: providers.Traits{"disks[data].scsi.controller": "2", "disks[data].scsi.sharedBus": "virtualSharing"}}, none,
			[]string{"add pvscsi scsi2 virtualSharing", "edit disk scsi2:0 5 GiB thin [ds] web/disk-2001.vmdk"}, nil, true,
		},
		{
			"a slot", providers.Change{Traits: providers.Traits{"nics[lan].pciSlot": "224"}}, none,
			[]string{"edit vmxnet3  " + lanMAC + " on standard old slot 224"}, nil, false,
		},
		{"what a manifest asks the hardware version to be at least", providers.Change{Traits: providers.Traits{"extraConfig[vsphere.hardwareVersion]": "14"}}, none, nil, nil, true},
	} {
		d, err := aTarget(types.VirtualMachinePowerStatePoweredOff).wanting(r.ch)
		if err != nil {
			t.Errorf("%s: %v", r.reason, err)
			continue
		}
		spec := d.spec
		marked := len(options(spec.ExtraConfig)) != len(spec.ExtraConfig)
		spec.DeviceChange, spec.ExtraConfig = nil, nil
		if diff := cmp.Diff(r.spec, spec); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.reason, diff)
		}
		if diff := cmp.Diff(r.devices, told(d.spec.DeviceChange)); diff != "" {
			t.Errorf("%s: devices (-want +got):\n%s", r.reason, diff)
		}
		if diff := cmp.Diff(r.extra, options(d.spec.ExtraConfig)); diff != "" {
			t.Errorf("%s: extraConfig (-want +got):\n%s", r.reason, diff)
		}
		if keys := d.mark.nic("san").Key; (marked || r.marked) && !d.idle() && keys != 4001 {
			t.Errorf("%s: the mark is written and does not note the key of an interface, %d", r.reason, keys)
		}
		if r.marked && !marked {
			t.Errorf("%s: the mark is not written", r.reason)
		}
		if !r.marked && marked && d.before == mustText(t, d.mark) {
			t.Errorf("%s: the mark is written and has not changed", r.reason)
		}
	}
}

func TestTheMarkIsWrittenWhereItChanges(t *testing.T) {
	known := aTarget(types.VirtualMachinePowerStatePoweredOff)
	known.mark.NICs[0].Key, known.mark.NICs[1].Key = 4000, 4001
	for _, r := range []struct {
		reason string
		t      *target
		want   int // keys of extraConfig that are set
	}{
		{"the keys of its interfaces are news", aTarget(types.VirtualMachinePowerStatePoweredOff), 1},
		{"nothing of it is", known, 0},
	} {
		d, err := r.t.wanting(providers.Change{CPU: new(4)})
		if err != nil || len(d.spec.ExtraConfig) != r.want {
			t.Errorf("%s: %v, %v", r.reason, d.spec.ExtraConfig, err)
		}
	}
}

func TestFlagsGoTogether(t *testing.T) {
	vm := aTarget(types.VirtualMachinePowerStatePoweredOff)
	vm.vm.Config.Firmware, vm.vm.Config.Flags.VbsEnabled = wordUEFI, new(true)
	d, err := vm.wanting(providers.Change{Traits: providers.Traits{providers.FieldVTd: "true"}})
	if err != nil || !isTrue(d.spec.Flags.VbsEnabled) || !isTrue(d.spec.Flags.VvtdEnabled) {
		t.Errorf("a flag beside another: %+v, %v", d.spec.Flags, err)
	}
}

func mustText(t *testing.T, m *mark) string {
	t.Helper()
	text, err := m.text()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAnUpgradeIsAskedForWhereItIsNeeded(t *testing.T) {
	for _, r := range []struct {
		asked string
		want  int
	}{{"21", 21}, {"19", 0}, {"14", 0}} {
		d, err := aTarget(types.VirtualMachinePowerStatePoweredOff).
			wanting(providers.Change{Traits: providers.Traits{providers.FieldExtraConfig.Of(keyHardwareVersion): r.asked}})
		if err != nil || d.upgrade != r.want || d.mark.Version == 0 {
			t.Errorf("version %s of a VM that has 19: upgrade to %d, want %d; mark %+v, %v", r.asked, d.upgrade, r.want, d.mark, err)
		}
	}
}

func TestChangesThatAreRefused(t *testing.T) {
	const on, off, suspended = types.VirtualMachinePowerStatePoweredOn, types.VirtualMachinePowerStatePoweredOff, types.VirtualMachinePowerStateSuspended
	trait := func(f providers.Field, text string) providers.Change {
		return providers.Change{Live: true, Traits: providers.Traits{f: text}}
	}
	hotAdd := func(t *target) {
		t.vm.Config.CpuHotAddEnabled, t.vm.Config.MemoryHotAddEnabled = new(true), new(true)
		t.vm.Config.HotPlugMemoryLimit, t.vm.Config.HotPlugMemoryIncrementSize = 4096, 128
	}
	spareBus := func(t *target) {
		c := newController(defaultController, 1, types.VirtualSCSISharingNoSharing)
		c.GetVirtualSCSIController().Key = 1001
		t.vm.Config.Hardware.Device = append(t.vm.Config.Hardware.Device, scsiDevice(c))
	}
	asksForVersion := func(t *target) { t.mark.Version = 19 }
	snapshot := func(t *target) {
		disk := t.vm.Config.Hardware.Device[3].(*types.VirtualDisk)
		disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo).Parent = diskBacking(thinDisk, "")
	}
	for _, r := range []struct {
		reason string
		power  types.VirtualMachinePowerState
		shape  func(*target)
		ch     providers.Change
		kind   providers.Kind // "": it is not refused
		says   string
	}{
		{"more CPUs with hot-add", on, hotAdd, providers.Change{Live: true, CPU: new(4)}, "", ""},
		{"more CPUs without", on, nil, providers.Change{Live: true, CPU: new(4)}, providers.NotSupported, "without hot-add of CPUs"},
		{"fewer CPUs", on, hotAdd, providers.Change{Live: true, CPU: new(1)}, providers.NotSupported, "not taken from a running guest"},
		{"fewer CPUs of a VM that is off", off, nil, providers.Change{CPU: new(1)}, "", ""},
		{"no CPU", off, nil, providers.Change{CPU: new(0)}, providers.InvalidSpec, "0 CPUs"},
		{"CPUs at the next start, which there is no place to write", on, hotAdd, providers.Change{CPU: new(4)}, providers.NotSupported, "ask for a live change"},
		{"more memory with hot-add", on, hotAdd, providers.Change{Live: true, MemoryMiB: new(int64(2048))}, "", ""},
		{"more memory without", on, nil, providers.Change{Live: true, MemoryMiB: new(int64(2048))}, providers.NotSupported, "without hot-add of memory"},
		{"less memory", on, hotAdd, providers.Change{Live: true, MemoryMiB: new(int64(512))}, providers.NotSupported, "not taken from a running guest"},
		{"more memory than the machine has room for", on, hotAdd, providers.Change{Live: true, MemoryMiB: new(int64(8192))}, providers.NotSupported, "room for 4096"},
		{"memory in odd steps", on, hotAdd, providers.Change{Live: true, MemoryMiB: new(int64(1028))}, providers.NotSupported, "steps of 128"},
		{"the same amounts of a VM without hot-add", on, nil, providers.Change{CPU: new(2), MemoryMiB: new(int64(1024))}, "", ""},
		{"a disk more of a VM that runs", on, nil, providers.Change{Live: true, AddDisks: []manifest.Disk{{Name: "x", SizeGiB: 1}}}, "", ""},
		{"but not at once", on, nil, providers.Change{AddDisks: []manifest.Disk{{Name: "x", SizeGiB: 1}}}, providers.NotSupported, "ask for a live change"},
		{"a disk on a bus that is shared in another way", off, nil, providers.Change{AddDisks: []manifest.Disk{
			{Name: "x", SizeGiB: 1, SCSI: &manifest.SCSI{SharedBus: "virtualSharing"}},
		}}, providers.InvalidSpec, "SCSI bus 0 is noSharing"},
		{"sharing the bus of a VM that runs", on, nil, trait(providers.FieldDiskSharing.Of("data"), "virtualSharing"), providers.NotSupported, "only while the VM is off"},
		{"sharing a bus that waits for disks, of a VM that runs", on, spareBus, providers.Change{Live: true, AddDisks: []manifest.Disk{
			{Name: "x", SizeGiB: 1, SCSI: &manifest.SCSI{Controller: 1, SharedBus: "virtualSharing"}},
		}}, providers.NotSupported, "only while the VM is off"},
		{"a hardware version of a VM that runs", on, nil, trait(providers.FieldExtraConfig.Of(keyHardwareVersion), "21"), providers.NotSupported, "only while the VM is off"},
		{"none any more, of a VM that runs", on, asksForVersion, trait(providers.FieldExtraConfig.Of(keyHardwareVersion), ""), "", ""},
		{"a disk of no size", off, nil, providers.Change{AddDisks: []manifest.Disk{{Name: "x"}}}, providers.InvalidSpec, "no size"},
		{"a smaller disk", off, nil, providers.Change{GrowDisks: []providers.DiskSize{{Name: "data", SizeGiB: 4}}}, providers.InvalidSpec, "not made smaller"},
		{"a disk that there is not", off, nil, providers.Change{GrowDisks: []providers.DiskSize{{Name: "x", SizeGiB: 4}}}, providers.InvalidSpec, "no disk \"x\""},
		{"a disk behind a snapshot", off, snapshot, providers.Change{GrowDisks: []providers.DiskSize{{Name: "data", SizeGiB: 9}}}, providers.NotSupported, "snapshots"},
		{"an interface of a suspended VM, without a word", suspended, nil, providers.Change{RemoveNICs: []providers.NICRef{{Name: "lan"}}}, providers.NotSupported, "ask for a live change"},
		{"a group's address", off, nil, providers.Change{AddNICs: []manifest.NIC{{Name: "lan", MAC: "01:50:56:00:00:01"}}}, providers.InvalidSpec, "hardware address"},
		{"hot-add of a VM that runs", on, nil, trait(providers.FieldCPUHotAdd, "true"), providers.NotSupported, "only while the VM is off"},
		{"a limit of a VM that runs", on, nil, trait(providers.FieldCPULimit, "1000"), "", ""},
		{"a word that is no number", on, nil, trait(providers.FieldCPULimit, "much"), providers.InvalidSpec, "not a whole number"},
		{"a word that is neither", off, nil, trait(providers.FieldTPM, "maybe"), providers.InvalidSpec, "neither true nor false"},
		{"secure boot of a BIOS", off, nil, trait(providers.FieldSecureBoot, "true"), providers.InvalidSpec, "needs UEFI"},
		{"a disk provided in another way", off, nil, trait(providers.FieldDiskType.Of("data"), "thick"), providers.NotSupported, "made anew"},
		{"a trait that there is not", off, nil, trait("color", "blue"), providers.NotSupported, "cannot be set"},
		{"a bus that there is not", off, nil, trait(providers.FieldDiskBus.Of("data"), "7"), providers.InvalidSpec, "no SCSI bus 7"},
		{"a trait of a disk that there is not", off, nil, trait(providers.FieldDiskBus.Of("x"), "1"), providers.InvalidSpec, "no disk"},
		{"a trait of an interface that there is not", off, nil, trait(providers.FieldNICSlot.Of("x"), "192"), providers.InvalidSpec, "no NIC"},
		{"a key that is not a manifest's", off, nil, trait("extraConfig[guestinfo.x]", "1"), providers.InvalidSpec, "not a manifest's"},
		{"a key that is taken from a VM that runs", on, nil, trait("extraConfig[disk.EnableUUID]", ""), "", ""},
		{"starting with the host", off, nil, providers.Change{Autostart: new(true)}, providers.NotSupported, "at the host"},
		{"tags of a VM that runs, at once or not", on, nil, providers.Change{Tags: &[]string{"x"}, Name: new("shop")}, "", ""},
	} {
		t1 := aTarget(r.power)
		if r.shape != nil {
			r.shape(t1)
		}
		_, err := t1.wanting(r.ch)
		wantKind(t, r.reason, err, r.kind, r.says)
	}
}

func TestADraftLeavesWhatWasReadAsItIs(t *testing.T) {
	one, two := aTarget(types.VirtualMachinePowerStatePoweredOff), aTarget(types.VirtualMachinePowerStatePoweredOff)
	_, err := one.wanting(providers.Change{
		GrowDisks: []providers.DiskSize{{Name: "root", SizeGiB: 20}},
		AddNICs:   []manifest.NIC{{Name: "lan", Network: onPortGroup("new", "", 0)}},
		Traits:    providers.Traits{"disks[data].scsi.sharedBus": "virtualSharing", "nics[san].pciSlot": "32", "limits.cpu": "100"},
	})
	wantKind(t, "a change of many kinds of device", err, "", "")
	if diff := cmp.Diff(two.vm.Config, one.vm.Config); diff != "" {
		t.Errorf("what was read has changed (-want +got):\n%s", diff)
	}
}
