package vsphere

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// yard is a provider beside a simulated vCenter, whose administrator makes and
// changes VMs without it.
type yard struct {
	*vcsim.Server
	t   *testing.T
	ctx context.Context
	p   *Provider
}

func newYard(t *testing.T, opts vcsim.Options) *yard {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	y := &yard{Server: vcsim.New(t, opts), t: t, ctx: ctx}
	y.p = y.connect()
	return y
}

// connect returns another provider beside the same vCenter.
func (y *yard) connect() *Provider {
	y.t.Helper()
	p, err := New(y.Settings("test"), slog.New(slog.DiscardHandler))
	if err != nil {
		y.t.Fatal(err)
	}
	y.t.Cleanup(func() {
		if err := p.Close(); err != nil {
			y.t.Errorf("close: %v", err)
		}
	})
	return p
}

func owner(name string) providers.Owner {
	return providers.Owner{Fleet: "test", VM: manifest.Key{Namespace: "default", Name: name}}
}

func refTo(name string) providers.Ref { return providers.Ref{Owner: owner(name)} }

// edit changes the specification of a VM that is made.
type edit func(spec *types.VirtualMachineConfigSpec)

// make makes a VM in DC0, powered off, with a SCSI controller and what the
// edits add.
func (y *yard) make(name string, edits ...edit) *object.VirtualMachine {
	y.t.Helper()
	return y.makeIn("DC0", name, edits...)
}

func (y *yard) makeIn(center, name string, edits ...edit) *object.VirtualMachine {
	y.t.Helper()
	return y.made(y.begin(center, name, edits...))
}

// makeAll makes VMs at once.
func (y *yard) makeAll(names []string, edits func(name string) []edit) {
	y.t.Helper()
	var tasks []*object.Task
	for _, name := range names {
		tasks = append(tasks, y.begin("DC0", name, edits(name)...))
	}
	for _, task := range tasks {
		y.made(task)
	}
}

func (y *yard) begin(center, name string, edits ...edit) *object.Task {
	y.t.Helper()
	spec := types.VirtualMachineConfigSpec{
		Name: name, NumCPUs: 1, MemoryMB: 512, GuestId: "otherLinux64Guest", Version: "vmx-19",
		Files: &types.VirtualMachineFileInfo{VmPathName: "[LocalDS_0]"},
		DeviceChange: []types.BaseVirtualDeviceConfigSpec{&types.VirtualDeviceConfigSpec{
			Operation: types.VirtualDeviceConfigSpecOperationAdd,
			Device: &types.ParaVirtualSCSIController{VirtualSCSIController: types.VirtualSCSIController{
				SharedBus:         types.VirtualSCSISharingNoSharing,
				VirtualController: types.VirtualController{VirtualDevice: types.VirtualDevice{Key: -100}},
			}},
		}},
	}
	for _, e := range edits {
		e(&spec)
	}
	finder := find.NewFinder(y.Client())
	folder, err := finder.Folder(y.ctx, "/"+center+"/vm")
	if err != nil {
		y.t.Fatal(err)
	}
	pool, err := finder.ResourcePool(y.ctx, "/"+center+"/host/"+center+"_C0/Resources")
	if err != nil {
		y.t.Fatal(err)
	}
	task, err := folder.CreateVM(y.ctx, spec, pool, nil)
	if err != nil {
		y.t.Fatal(err)
	}
	return task
}

func (y *yard) made(task *object.Task) *object.VirtualMachine {
	y.t.Helper()
	info, err := task.WaitForResult(y.ctx)
	if err != nil {
		y.t.Fatal(err)
	}
	return object.NewVirtualMachine(y.Client(), info.Result.(types.ManagedObjectReference))
}

// marked makes the VM ours.
func marked(m *mark) edit {
	return func(spec *types.VirtualMachineConfigSpec) {
		spec.InstanceUuid = m.UUID
		text, err := m.text()
		if err != nil {
			panic(err)
		}
		spec.ExtraConfig = append(spec.ExtraConfig, &types.OptionValue{Key: markKey, Value: text})
	}
}

// markFor returns the mark of a VM without disks.
func markFor(name string, disks ...markDisk) *mark {
	m := newMark(owner(name), &manifest.VM{})
	m.Disks = disks
	return m
}

// disk adds a new disk of 1 GiB, in a file of its own or the VM's folder.
func disk(unit int32, file string) edit {
	return func(spec *types.VirtualMachineConfigSpec) {
		d := &types.VirtualDisk{CapacityInKB: 1 << 20, CapacityInBytes: 1 << 30}
		d.Key, d.ControllerKey, d.UnitNumber = -200-unit, -100, &unit
		d.Backing = &types.VirtualDiskFlatVer2BackingInfo{
			DiskMode:                     string(types.VirtualDiskModePersistent),
			VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: file},
		}
		spec.DeviceChange = append(spec.DeviceChange, &types.VirtualDeviceConfigSpec{
			Operation: types.VirtualDeviceConfigSpecOperationAdd, FileOperation: types.VirtualDeviceConfigSpecFileOperationCreate,
			Device: d,
		})
	}
}

func option(key, value string) edit {
	return func(spec *types.VirtualMachineConfigSpec) {
		spec.ExtraConfig = append(spec.ExtraConfig, &types.OptionValue{Key: key, Value: value})
	}
}

// done waits for what the administrator began.
func (y *yard) done(task *object.Task, err error) {
	y.t.Helper()
	if err == nil {
		err = task.WaitEx(y.ctx)
	}
	if err != nil {
		y.t.Fatal(err)
	}
}

// reconfigure changes a VM as the administrator.
func (y *yard) reconfigure(vm *object.VirtualMachine, spec types.VirtualMachineConfigSpec) {
	y.t.Helper()
	task, err := vm.Reconfigure(y.ctx, spec)
	y.done(task, err)
}

// properties reads a VM as the administrator.
func (y *yard) properties(vm *object.VirtualMachine, paths ...string) mo.VirtualMachine {
	y.t.Helper()
	var out mo.VirtualMachine
	if err := property.DefaultCollector(y.Client()).RetrieveOne(y.ctx, vm.Reference(), paths, &out); err != nil {
		y.t.Fatal(err)
	}
	return out
}

// list returns the inventory by name.
func (y *yard) list() (*providers.Inventory, map[string]*providers.VM) {
	y.t.Helper()
	inv, err := y.p.List(y.ctx)
	if err != nil {
		y.t.Fatal(err)
	}
	byName := map[string]*providers.VM{}
	for i := range inv.VMs {
		byName[inv.VMs[i].Name] = &inv.VMs[i]
	}
	return inv, byName
}

// finish waits for a task of the provider.
func (y *yard) finish(task providers.TaskRef, err error) error {
	y.t.Helper()
	if err != nil || task == "" {
		return err
	}
	ref := types.ManagedObjectReference{Type: "Task", Value: string(task)}
	return object.NewTask(y.Client(), ref).WaitEx(y.ctx)
}
