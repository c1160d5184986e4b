package vcsim

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// visit is a session over the wire.
type visit struct {
	t      *testing.T
	s      *Server
	c      *govmomi.Client
	finder *find.Finder
	pool   *object.ResourcePool
	folder *object.Folder
}

func call(t *testing.T, opts Options) *visit {
	t.Helper()
	s := New(t, opts)
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(s.opts.Username, s.opts.Password)
	ctx := context.Background()
	c, err := govmomi.NewClient(ctx, u, true)
	if err != nil {
		t.Fatal(err)
	}
	v := &visit{t: t, s: s, c: c, finder: find.NewFinder(c.Client)}
	dc, err := v.finder.Datacenter(ctx, "DC0")
	v.ok("datacenter", err)
	v.finder.SetDatacenter(dc)
	v.pool, err = v.finder.ResourcePool(ctx, "DC0_C0/Resources")
	v.ok("pool", err)
	folders, err := dc.Folders(ctx)
	v.ok("folders", err)
	v.folder = folders.VmFolder
	return v
}

func (v *visit) ok(doing string, err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatalf("%s: %v", doing, err)
	}
}

// done waits for a task.
func (v *visit) done(task *object.Task, err error) (*types.TaskInfo, error) {
	if err != nil {
		return nil, err
	}
	return task.WaitForResult(context.Background())
}

// clone clones a template.
func (v *visit) clone(template, name string, spec types.VirtualMachineCloneSpec) (*object.VirtualMachine, error) {
	v.t.Helper()
	ctx := context.Background()
	src, err := v.finder.VirtualMachine(ctx, TemplateFolder+"/"+template)
	v.ok("template", err)
	pool := v.pool.Reference()
	spec.Location.Pool = &pool
	info, err := v.done(src.Clone(ctx, v.folder, name, spec))
	if err != nil {
		return nil, err
	}
	return object.NewVirtualMachine(v.c.Client, info.Result.(types.ManagedObjectReference)), nil
}

func (v *visit) read(vm *object.VirtualMachine) mo.VirtualMachine {
	v.t.Helper()
	var m mo.VirtualMachine
	v.ok("read", vm.Properties(context.Background(), vm.Reference(), []string{"config", "guest", "runtime", "name", "snapshot"}, &m))
	return m
}

func (v *visit) reconfigure(vm *object.VirtualMachine, spec types.VirtualMachineConfigSpec) error {
	_, err := v.done(vm.Reconfigure(context.Background(), spec))
	return err
}

func TestACloneIsAllThatWasAskedFor(t *testing.T) {
	v := call(t, Options{})
	vm, err := v.clone(Template, "a", types.VirtualMachineCloneSpec{Config: &types.VirtualMachineConfigSpec{
		NumCPUs: 4, MemoryMB: 2048, InstanceUuid: "5e4d1e9a-0000-4000-8000-000000000001", Annotation: "note",
		Firmware: "efi", CpuHotAddEnabled: types.NewBool(true), NestedHVEnabled: types.NewBool(true),
		BootOptions:   &types.VirtualMachineBootOptions{EfiSecureBootEnabled: types.NewBool(true)},
		Flags:         &types.VirtualMachineFlagInfo{VbsEnabled: types.NewBool(true)},
		CpuAllocation: &types.ResourceAllocationInfo{Limit: types.NewInt64(1000)},
		ExtraConfig:   []types.BaseOptionValue{&types.OptionValue{Key: "guestinfo.x", Value: "1"}},
	}})
	v.ok("clone", err)
	m := v.read(vm)
	c := m.Config
	if c.InstanceUuid != "5e4d1e9a-0000-4000-8000-000000000001" || c.Hardware.NumCPU != 4 || c.Hardware.MemoryMB != 2048 ||
		c.Annotation != "note" || c.Firmware != "efi" || !isTrue(c.CpuHotAddEnabled) || !isTrue(c.NestedHVEnabled) ||
		!isTrue(c.BootOptions.EfiSecureBootEnabled) || !isTrue(c.Flags.VbsEnabled) ||
		c.CpuAllocation.Limit == nil || *c.CpuAllocation.Limit != 1000 || c.CpuAllocation.Shares == nil ||
		object.OptionValueList(c.ExtraConfig).Map()["guestinfo.x"] != "1" {
		t.Errorf("the clone is not what was asked for: %+v", c)
	}
	if m.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOff {
		t.Errorf("the clone is %s, and nobody asked for that", m.Runtime.PowerState)
	}
}

func TestACloneThatCannotBeIsNotThere(t *testing.T) {
	v := call(t, Options{})
	_, err := v.clone(Template, "a", types.VirtualMachineCloneSpec{Config: &types.VirtualMachineConfigSpec{
		DeviceChange: []types.BaseVirtualDeviceConfigSpec{&types.VirtualDeviceConfigSpec{
			Operation: types.VirtualDeviceConfigSpecOperationEdit, Device: &types.VirtualDisk{VirtualDevice: types.VirtualDevice{Key: 9999}},
		}},
	}})
	if err == nil {
		t.Error("a clone with a change of a device that it does not have succeeded")
	}
	if vms, _ := v.finder.VirtualMachineList(context.Background(), "a"); len(vms) != 0 {
		t.Errorf("a clone that failed is there: %v", vms)
	}
}

func TestWhatAVCenterRefusesIsRefused(t *testing.T) {
	v := call(t, Options{})
	ctx := context.Background()
	const uuid = "5e4d1e9a-0000-4000-8000-000000000002"
	vm, err := v.clone(SnapshotTemplate, "a", types.VirtualMachineCloneSpec{Config: &types.VirtualMachineConfigSpec{InstanceUuid: uuid, MemoryMB: 1024}})
	v.ok("clone", err)
	stale := v.read(vm).Config.ChangeVersion
	v.ok("reconfigure", v.reconfigure(vm, types.VirtualMachineConfigSpec{Annotation: "moved on"}))
	_, err = v.done(vm.PowerOn(ctx))
	v.ok("power on", err)
	disk := object.VirtualDeviceList(v.read(vm).Config.Hardware.Device).SelectByType((*types.VirtualDisk)(nil))[0].(*types.VirtualDisk)
	smaller := *disk
	smaller.CapacityInBytes, smaller.CapacityInKB = gib, gib/1024
	create := func(name, uuid string) error {
		spec := types.VirtualMachineConfigSpec{Name: name, InstanceUuid: uuid, Files: &types.VirtualMachineFileInfo{VmPathName: "[LocalDS_0]"}}
		_, err := v.done(v.folder.CreateVM(ctx, spec, v.pool, nil))
		return err
	}
	cloned := func(name string, spec types.VirtualMachineCloneSpec) error {
		_, err := v.clone(Template, name, spec)
		return err
	}
	v.ok("another", create("b", ""))
	for _, tc := range []struct {
		reason string
		err    error
		want   types.BaseMethodFault
	}{
		{"a name that is used", create("a", ""), &types.DuplicateName{}},
		{"a UUID that is used", create("c", strings.ToUpper(uuid)), &types.InvalidArgument{}},
		{"a clone of a name that is used", cloned("a", types.VirtualMachineCloneSpec{}), &types.DuplicateName{}},
		{"a clone of a UUID that is used", cloned("c", types.VirtualMachineCloneSpec{Config: &types.VirtualMachineConfigSpec{InstanceUuid: uuid}}), &types.InvalidArgument{}},
		{"a linked clone of nothing", cloned("c", types.VirtualMachineCloneSpec{Location: types.VirtualMachineRelocateSpec{DiskMoveType: "createNewChildDiskBacking"}}), &types.InvalidArgument{}},
		{"a new name that is used", v.reconfigure(vm, types.VirtualMachineConfigSpec{Name: "b"}), &types.DuplicateName{}},
		{"a change of what has changed", v.reconfigure(vm, types.VirtualMachineConfigSpec{ChangeVersion: stale, Annotation: "x"}), &types.ConcurrentAccess{}},
		{"CPU without hot-add", v.reconfigure(vm, types.VirtualMachineConfigSpec{NumCPUs: 8}), &types.CpuHotPlugNotSupported{}},
		{"memory without hot-add", v.reconfigure(vm, types.VirtualMachineConfigSpec{MemoryMB: 4096}), &types.MemoryHotPlugNotSupported{}},
		{"memory taken away", v.reconfigure(vm, types.VirtualMachineConfigSpec{MemoryMB: 512}), &types.MemoryHotPlugNotSupported{}},
		{"memory below zero", v.reconfigure(vm, types.VirtualMachineConfigSpec{MemoryMB: -4}), &types.InvalidArgument{}},
		{"hot-add while on", v.reconfigure(vm, types.VirtualMachineConfigSpec{CpuHotAddEnabled: types.NewBool(true)}), &types.InvalidPowerState{}},
		{"firmware while on", v.reconfigure(vm, types.VirtualMachineConfigSpec{Firmware: "efi"}), &types.InvalidPowerState{}},
		{"a smaller disk", v.reconfigure(vm, types.VirtualMachineConfigSpec{DeviceChange: []types.BaseVirtualDeviceConfigSpec{
			&types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationEdit, Device: &smaller}}}), &types.InvalidDeviceOperation{}},
	} {
		if tc.err == nil || !fault.Is(tc.err, tc.want) {
			t.Errorf("%s: %v, want %T", tc.reason, tc.err, tc.want)
		}
	}
}

func TestTheGuestAnswersIfItCan(t *testing.T) {
	v := call(t, Options{})
	ctx := context.Background()
	vm, err := v.clone(Template, "a", types.VirtualMachineCloneSpec{PowerOn: true})
	v.ok("clone", err)
	if m := v.read(vm); !toolsRun(&m) || m.Guest.IpAddress == "" || m.Guest.HostName != "a" {
		t.Errorf("the guest of a VM that runs: %+v", m.Guest)
	}
	v.s.SetGuest(vm.Reference(), Guest{})
	if err := vm.ShutdownGuest(ctx); !fault.Is(err, &types.ToolsUnavailable{}) {
		t.Errorf("shutdown without tools: %v, want ToolsUnavailable", err)
	}
	v.s.SetGuest(vm.Reference(), Guest{Tools: true, Deaf: true, Addresses: []string{"192.0.2.7"}})
	v.ok("shutdown of a deaf guest", vm.ShutdownGuest(ctx))
	if m := v.read(vm); m.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn || m.Guest.IpAddress != "192.0.2.7" {
		t.Errorf("a deaf guest is %s, its address %q", m.Runtime.PowerState, m.Guest.IpAddress)
	}
	v.s.SetGuest(vm.Reference(), Guest{Tools: true})
	v.ok("shutdown", vm.ShutdownGuest(ctx))
	v.ok("off", vm.WaitForPowerState(ctx, types.VirtualMachinePowerStatePoweredOff))
	if m := v.read(vm); toolsRun(&m) || m.Guest.IpAddress != "" {
		t.Errorf("the guest of a VM that is off: %+v", m.Guest)
	}
}

func TestFaultsHitWhatTheyAreMeantFor(t *testing.T) {
	v := call(t, Options{})
	ctx := context.Background()
	vm, err := v.clone(Template, "a", types.VirtualMachineCloneSpec{})
	v.ok("clone", err)
	v.s.Fail(Rule{Method: "PowerOnVM_Task", Skip: 1, Fault: &types.TaskInProgress{}})
	_, err = v.done(vm.PowerOn(ctx))
	v.ok("the call that passes", err)
	_, err = vm.PowerOn(ctx)
	if !fault.Is(err, &types.TaskInProgress{}) {
		t.Errorf("the call that is hit: %v", err)
	}
	v.s.Fail(Rule{Method: "PowerOffVM_Task", Task: true, Fault: &types.HostNotConnected{}})
	task, err := vm.PowerOff(ctx)
	v.ok("the call whose task is hit", err)
	if err := task.WaitEx(ctx); !fault.Is(err, &types.HostNotConnected{}) {
		t.Errorf("the task that is hit: %v", err)
	}
	v.s.Fail(Rule{Method: "PowerOffVM_Task", Lost: true, Status: 503})
	if _, err := vm.PowerOff(ctx); err == nil || soap.IsSoapFault(err) {
		t.Errorf("the call whose answer is lost: %v", err)
	}
	v.ok("off", vm.WaitForPowerState(ctx, types.VirtualMachinePowerStatePoweredOff))
	v.s.Fail(Rule{Method: "PowerOnVM_Task", Hold: true})
	task, err = vm.PowerOn(ctx)
	v.ok("the call whose task is held", err)
	if m := v.read(vm); m.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOff {
		t.Errorf("a task that is held took effect")
	}
	v.s.Heal()
	v.ok("the task that was held", task.WaitEx(ctx))
}

func TestBlurHidesAVM(t *testing.T) {
	v := call(t, Options{})
	vm, err := v.clone(Template, "a", types.VirtualMachineCloneSpec{})
	v.ok("clone", err)
	v.s.Blur(vm.Reference(), Inaccessible)
	if m := v.read(vm); m.Config != nil || m.Runtime.ConnectionState != types.VirtualMachineConnectionStateInaccessible {
		t.Errorf("an inaccessible VM: config %v, %s", m.Config, m.Runtime.ConnectionState)
	}
	v.s.Blur(vm.Reference(), Forbidden)
	var m mo.VirtualMachine
	if err := property.DefaultCollector(v.c.Client).RetrieveOne(context.Background(), vm.Reference(), []string{"name"}, &m); !fault.Is(err, &types.NoPermission{}) {
		t.Errorf("a forbidden VM: %v", err)
	}
	v.s.Blur(vm.Reference(), Clear)
	if m := v.read(vm); m.Config == nil || m.Name != "a" {
		t.Errorf("a VM that was unreadable: %+v", m)
	}
}
