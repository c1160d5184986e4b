package vsphere

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// everything is a change of every part of a VM that is off.
func everything() providers.Change {
	return providers.Change{
		Name: new("shop"), CPU: new(4), MemoryMiB: new(int64(1024)),
		AddDisks:   []manifest.Disk{{Name: "logs", SizeGiB: 1, SCSI: &manifest.SCSI{Controller: 2, ControllerType: "lsilogic"}}},
		GrowDisks:  []providers.DiskSize{{Name: providers.RootDiskName, SizeGiB: 20}, {Name: "data", SizeGiB: 2}},
		AddNICs:    []manifest.NIC{{Name: "san", Network: onPortGroup("DC0_DVPG1", "e1000e", 0)}, {Name: "net0", Network: onPortGroup("VM Network", "", 0)}},
		RemoveNICs: []providers.NICRef{{Name: "old"}},
		Traits: providers.Traits{
			providers.FieldCPUHotAdd: "true", providers.FieldCPUShares: "1500",
			providers.FieldExtraConfig.Of("disk.EnableUUID"): "TRUE", providers.FieldDiskBus.Of("data"): "3",
		},
		Tags: &[]string{"b", "a"},
	}
}

func TestReconfigureIsOneTask(t *testing.T) {
	r := newRig(t, vcsim.Options{})
	vm := aWish("web")
	vm.Disks = []manifest.Disk{{Name: "data", SizeGiB: 1}}
	vm.NICs = append(vm.NICs, manifest.NIC{Name: "old", Network: onPortGroup("DC0_DVPG0", "", 0)})
	ref := r.create(vm)
	r.ResetCalls()
	if err := r.change(ref, everything()); err != nil {
		t.Fatal(err)
	}
	if n := r.Calls()["ReconfigVM_Task"]; n != 1 {
		t.Errorf("everything at once takes %d calls of ReconfigVM_Task: %v", n, r.Calls())
	}
	got := r.see(ref)
	h := got.Config
	sizes := map[string]int{}
	for _, d := range h.Disks {
		sizes[d.Name] = d.SizeGiB.Value
	}
	nics := map[string]string{}
	for _, n := range h.NICs {
		nics[n.Name] = n.Model + " on " + n.Network
	}
	type facts struct {
		Name, Hot, Shares, Key, Bus, Model string
		CPU                                int
		Memory                             int64
		Disks                              map[string]int
		NICs                               map[string]string
		Tags                               []string
	}
	want := facts{
		"shop", "true", "1500", "TRUE", "3", "lsilogic", 4, 1024,
		map[string]int{"root": 20, "data": 2, "logs": 1},
		map[string]string{"net0": "vmxnet3 on VM Network", "san": "e1000e on DC0_DVPG1"},
		[]string{"a", "b"},
	}
	if diff := cmp.Diff(want, facts{
		got.Name, h.Traits[providers.FieldCPUHotAdd], h.Traits[providers.FieldCPUShares], h.Traits["extraConfig[disk.EnableUUID]"],
		h.Traits[providers.FieldDiskBus.Of("data")], h.Traits[providers.FieldDiskController.Of("logs")],
		h.CPU.Value, h.MemoryMiB.Value, sizes, nics, got.Tags.Value,
	}); diff != "" {
		t.Errorf("after the change (-want +got):\n%s", diff)
	}
	r.ResetCalls()
	if task, err := r.p.Reconfigure(t.Context(), ref, everything()); task != "" || err != nil {
		t.Errorf("the same again: task %q, %v", task, err)
	}
	if n := r.Calls()["ReconfigVM_Task"]; n != 0 {
		t.Errorf("the same again takes %d calls of ReconfigVM_Task", n)
	}
}

// TestAChangeUnderOurHandsIsNotOverwritten lets an administrator be faster.
func TestAChangeUnderOurHandsIsNotOverwritten(t *testing.T) {
	r := newRig(t, vcsim.Options{})
	ref := r.create(aWish("web"))
	var task providers.TaskRef
	err := r.p.do(t.Context(), "reconfigure", "web", func(ctx context.Context, c *vim25.Client) error {
		at, err := r.p.find(ctx, c, ref)
		if err != nil {
			return err
		}
		d, err := at.draft(false)
		if err != nil {
			return err
		}
		r.outside(ref, types.VirtualMachineConfigSpec{NumCPUs: 8})
		if err := d.apply(providers.Change{CPU: new(4), MemoryMiB: new(int64(1024))}, nil); err != nil {
			return err
		}
		task, err = r.p.reconfigure(ctx, c, at, d)
		return err
	})
	if err == nil {
		err = r.settle(task, nil)
	}
	wantKind(t, "a VM that changed since it was read", err, providers.Conflict, "")
	if h := r.see(ref).Config; h.CPU.Value != 8 || h.MemoryMiB.Value != 512 {
		t.Errorf("the administrator's change was overwritten: %d CPUs, %d MiB", h.CPU.Value, h.MemoryMiB.Value)
	}
}

func TestANameThatAnotherHasIsAConflict(t *testing.T) {
	r := newRig(t, vcsim.Options{})
	ref := r.create(aWish("web"))
	r.create(aWish("shop"))
	wantKind(t, "another VM's name", r.change(ref, providers.Change{Name: new("shop")}), providers.Conflict, "")
	if got := r.see(ref).Name; got != "web" {
		t.Errorf("the VM is named %q", got)
	}
}

func TestTheHardwareVersionGoesUp(t *testing.T) {
	r := newRig(t, vcsim.Options{})
	ref := r.create(aWish("web"))
	field := providers.FieldExtraConfig.Of(keyHardwareVersion)
	up := providers.Change{Traits: providers.Traits{field: "20"}, Tags: &[]string{"new"}}
	r.power(ref, providers.PowerStart)
	wantKind(t, "of a VM that runs", r.change(ref, up), providers.NotSupported, "only while the VM is off")
	r.power(ref, providers.PowerStop)
	for range 2 {
		if err := r.change(ref, up); err != nil {
			t.Fatal(err)
		}
		if vm := r.see(ref); vm.Config.Traits[field] != "20" || len(vm.Tags.Value) != 1 {
			t.Errorf("version %q and tags %q, want 20 and one", vm.Config.Traits[field], vm.Tags.Value)
		}
	}
	if n := r.Calls()["UpgradeVM_Task"]; n != 1 {
		t.Errorf("%d upgrades, want 1", n)
	}
	if err := r.change(ref, providers.Change{Traits: providers.Traits{field: ""}, Live: true}); err != nil {
		t.Fatal(err)
	}
	if got, there := r.see(ref).Config.Traits[field]; there {
		t.Errorf("nobody asks for a version, and it is %q", got)
	}
}

func TestANewVMHasTheHardwareVersionBeforeItStarts(t *testing.T) {
	r := newRig(t, vcsim.Options{})
	field := providers.FieldExtraConfig.Of(keyHardwareVersion)
	for _, row := range []struct {
		version  string
		upgrades int
		reason   string
	}{
		{"20", 1, "later than the template's"},
		{"19", 0, "just the template's"},
		{"14", 0, "earlier than the template's, which is good enough"},
	} {
		r.ResetCalls()
		vm := aWish("web")
		vm.ExtraConfig = map[string]string{keyHardwareVersion: row.version}
		ref := r.create(vm)
		if got := r.see(ref).Config.Traits[field]; got != row.version {
			t.Errorf("%s: version %q is made as %q", row.reason, row.version, got)
		}
		if n := r.Calls()["UpgradeVM_Task"]; n != row.upgrades {
			t.Errorf("%s: %d upgrades, want %d", row.reason, n, row.upgrades)
		}
		r.remove(ref)
	}
	vm := aWish("web")
	vm.ExtraConfig = map[string]string{keyHardwareVersion: "200"}
	err := r.settle(r.begin(vm))
	wantKind(t, "a version that no host has", err, providers.NotSupported, "")
}

func TestARunningMachineTakesWhatItCan(t *testing.T) {
	r := newRig(t, vcsim.Options{})
	vm := aWish("web")
	vm.CPUHotAdd, vm.MemHotAdd = true, true
	ref := r.create(vm)
	r.power(ref, providers.PowerStart)
	ch := providers.Change{
		Live: true, CPU: new(2), MemoryMiB: new(int64(1024)), AddDisks: []manifest.Disk{{Name: "data", SizeGiB: 1}},
		GrowDisks: []providers.DiskSize{{Name: providers.RootDiskName, SizeGiB: 12}},
		AddNICs:   []manifest.NIC{{Name: "san", Network: onPortGroup("DC0_DVPG1", "", 0)}},
	}
	if err := r.change(ref, ch); err != nil {
		t.Fatal(err)
	}
	h := r.see(ref).Config
	if h.CPU.Value != 2 || h.MemoryMiB.Value != 1024 || len(h.Disks) != 2 || len(h.NICs) != 2 {
		t.Errorf("after a live change: %+v", h)
	}
	for _, c := range cardsOf(r.config(ref).Hardware.Device) {
		if how := c.GetVirtualEthernetCard().Connectable; how == nil || !how.Connected || !how.StartConnected {
			t.Errorf("interface %s of a VM that runs is connected %+v", cardMAC(c), how)
		}
	}
}
