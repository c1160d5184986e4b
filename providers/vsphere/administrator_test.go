package vsphere

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// administrator acts on VMs by the ids that the provider reports, and does not
// go through the provider.
type administrator struct {
	s     *vcsim.Server
	marks map[string]string // that were taken away, by id
	disks int               // that were made
	last  *Provider         // that connected
}

func newAdministrator(s *vcsim.Server) *administrator {
	return &administrator{s: s, marks: map[string]string{}}
}

// vm returns the VM of an id that the provider reports.
func (a *administrator) vm(id string) (*object.VirtualMachine, error) {
	sim := a.s.Simulator().Context
	for _, e := range sim.Map.All(virtualMachine) {
		m := e.(*simulator.VirtualMachine)
		found := false
		sim.WithLock(m, func() { found = m.Self.Value == id || strings.EqualFold(m.Config.InstanceUuid, id) })
		if found {
			return object.NewVirtualMachine(a.s.Client(), m.Self), nil
		}
	}
	return nil, fmt.Errorf("there is no VM %s", id)
}

func (a *administrator) task(ctx context.Context, id string, begin func(*object.VirtualMachine) (*object.Task, error)) error {
	vm, err := a.vm(id)
	if err != nil {
		return err
	}
	task, err := begin(vm)
	if err != nil {
		return err
	}
	return task.WaitEx(ctx)
}

func (a *administrator) reconfigure(ctx context.Context, id string, spec types.VirtualMachineConfigSpec) error {
	return a.task(ctx, id, func(vm *object.VirtualMachine) (*object.Task, error) { return vm.Reconfigure(ctx, spec) })
}

// config reads the configuration of a VM.
func (a *administrator) config(ctx context.Context, id string) (*types.VirtualMachineConfigInfo, error) {
	vm, err := a.vm(id)
	if err != nil {
		return nil, err
	}
	var m mo.VirtualMachine
	err = vm.Properties(ctx, vm.Reference(), []string{"config"}, &m)
	return m.Config, err
}

// foreign makes somebody else's VM.
func (a *administrator) foreign(ctx context.Context, name string) (string, func(context.Context) error, error) {
	all := a.s.Simulator().Context.Map
	folder := object.NewFolder(a.s.Client(), all.Any("Datacenter").(*simulator.Datacenter).VmFolder)
	cluster := all.Any("ClusterComputeResource").(*simulator.ClusterComputeResource)
	spec := types.VirtualMachineConfigSpec{
		Name: name, NumCPUs: 1, MemoryMB: 64, GuestId: string(types.VirtualMachineGuestOsIdentifierOtherGuest64),
		Files: &types.VirtualMachineFileInfo{VmPathName: "[LocalDS_0]"},
	}
	task, err := folder.CreateVM(ctx, spec, object.NewResourcePool(a.s.Client(), *cluster.ResourcePool), nil)
	if err != nil {
		return "", nil, err
	}
	info, err := task.WaitForResult(ctx)
	if err != nil {
		return "", nil, err
	}
	vm := object.NewVirtualMachine(a.s.Client(), info.Result.(types.ManagedObjectReference))
	remove := func(ctx context.Context) error {
		task, err := vm.Destroy(ctx)
		if err != nil {
			return err
		}
		return task.WaitEx(ctx)
	}
	config, err := a.config(ctx, vm.Reference().Value)
	if err != nil {
		return "", remove, err
	}
	return strings.ToLower(config.InstanceUuid), remove, nil
}

// blur makes a VM unreadable, as one whose host or datastore is lost.
func (a *administrator) blur(_ context.Context, id string, on bool) error {
	vm, err := a.vm(id)
	if err != nil {
		return err
	}
	how := vcsim.Clear
	if on {
		how = vcsim.Inaccessible
	}
	a.s.Blur(vm.Reference(), how)
	return nil
}

// deafen lets the guest of a VM ignore what it is asked.
func (a *administrator) deafen(_ context.Context, id string) error {
	vm, err := a.vm(id)
	if err == nil {
		a.s.SetGuest(vm.Reference(), vcsim.Guest{Tools: true, Deaf: true})
	}
	return err
}

// effects are the calls of each operation that change something.
var effects = map[string][]string{
	"create": {"CloneVM_Task"}, "delete": {"Destroy_Task"}, "reconfigure": {"ReconfigVM_Task"},
	"power": {"PowerOnVM_Task", "PowerOffVM_Task"},
}

// interrupt loses the answer of the n-th such call, which takes effect.
func (a *administrator) interrupt(op string, n int) func() {
	for _, method := range effects[op] {
		a.s.Fail(vcsim.Rule{Method: method, Skip: n - 1, Lost: true, Drop: true})
	}
	return a.s.Heal
}

// setMark replaces the mark, and puts it back as it was when it is given to
// the owner whose it was.
func (a *administrator) setMark(ctx context.Context, id string, m *providers.Mark) error {
	config, err := a.config(ctx, id)
	if err != nil {
		return err
	}
	have, _ := optionOf(config.ExtraConfig, markKey)
	if have != "" {
		a.marks[id] = have
	}
	text := ""
	if m != nil {
		note := readMark(a.marks[id], id)
		if note == nil {
			note = &mark{UUID: id}
		}
		note.Fleet, note.Namespace, note.Name = m.Owner.Fleet, m.Owner.VM.Namespace, m.Owner.VM.Name
		note.Image, note.CloudInit, note.Retired = m.Image, m.CloudInit, m.Retired
		if text, err = note.text(); err != nil {
			return err
		}
	}
	return a.reconfigure(ctx, id, types.VirtualMachineConfigSpec{
		ExtraConfig: []types.BaseOptionValue{&types.OptionValue{Key: markKey, Value: text}},
	})
}

func optionOf(options []types.BaseOptionValue, key string) (string, bool) {
	for _, o := range options {
		if v := o.GetOptionValue(); v.Key == key {
			text, ok := v.Value.(string)
			return text, ok
		}
	}
	return "", false
}

// volumes returns the disks on every datastore, which are files of this host,
// once the server is at rest.
func (a *administrator) volumes(ctx context.Context) ([]string, error) {
	if err := a.rest(ctx); err != nil {
		return nil, err
	}
	var names []string
	for _, e := range a.s.Simulator().Context.Map.All("Datastore") {
		root := e.(*simulator.Datastore).Info.GetDatastoreInfo().Url
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(path, ".vmdk") && !strings.HasSuffix(path, "-flat.vmdk") {
				names = append(names, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return names, nil
}

// rest waits until no task runs.
func (a *administrator) rest(ctx context.Context) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	sim := a.s.Simulator().Context
	for {
		busy := false
		for _, o := range sim.Map.AllReference("Task") {
			task := o.(*simulator.Task)
			sim.Map.WithLock(&simulator.Context{}, task, func() {
				busy = busy || task.Info.State == types.TaskInfoStateRunning || task.Info.State == types.TaskInfoStateQueued
			})
		}
		if !busy {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// newDisk makes a disk in a folder of its own on LocalDS_0, and returns what
// removes it if it is still there.
func (a *administrator) newDisk(ctx context.Context) (file string, remove func(context.Context) error, err error) {
	a.disks++
	dc := object.NewDatacenter(a.s.Client(), a.s.Simulator().Context.Map.Any("Datacenter").Reference())
	folder := fmt.Sprintf("[LocalDS_0] theirs-%d", a.disks)
	file = folder + "/theirs.vmdk"
	files := object.NewFileManager(a.s.Client())
	if err := files.MakeDirectory(ctx, folder, dc, true); err != nil {
		return "", nil, err
	}
	manager := object.NewVirtualDiskManager(a.s.Client())
	spec := &types.FileBackedVirtualDiskSpec{
		VirtualDiskSpec: types.VirtualDiskSpec{DiskType: string(types.VirtualDiskTypeThin), AdapterType: string(types.VirtualDiskAdapterTypeLsiLogic)},
		CapacityKb:      gib / kib,
	}
	task, err := manager.CreateVirtualDisk(ctx, file, dc, spec)
	if err == nil {
		err = task.WaitEx(ctx)
	}
	return file, func(ctx context.Context) error {
		task, err := files.DeleteDatastoreFile(ctx, folder, dc)
		if err == nil {
			err = task.WaitEx(ctx)
		}
		return err
	}, err
}

// attachDisk gives a VM a disk of somebody else's.
func (a *administrator) attachDisk(ctx context.Context, id string) (func(context.Context) error, error) {
	file, remove, err := a.newDisk(ctx)
	if err != nil {
		return remove, err
	}
	config, err := a.config(ctx, id)
	if err != nil {
		return remove, err
	}
	d := &draft{chassis: chassis{devices: config.Hardware.Device}}
	c, unit, err := d.controllerFor(manifest.Disk{Name: "theirs"})
	if err != nil {
		return remove, err
	}
	disk := newDisk(1, thinDisk)
	disk.Backing = diskBacking(thinDisk, file)
	d.plug(disk, c, unit, "")
	return remove, a.reconfigure(ctx, id, types.VirtualMachineConfigSpec{DeviceChange: d.changes})
}

// importDisk makes a disk that a VM can boot from.
func (a *administrator) importDisk(ctx context.Context) (manifest.ImportedDisk, func(context.Context) error, error) {
	file, remove, err := a.newDisk(ctx)
	return manifest.ImportedDisk{ID: "theirs", Path: file, Format: "vmdk"}, remove, err
}

// deny has the server refuse the login, and end who is logged in. Afterwards
// the time has passed for which a provider does not try a refused login again.
func (a *administrator) deny() func() {
	a.s.Fail(vcsim.Rule{Method: "Login", Times: -1, Fault: &types.InvalidLogin{}})
	a.s.EndSessions()
	return func() {
		a.s.Heal()
		a.last.session.mu.Lock()
		defer a.last.session.mu.Unlock()
		a.last.session.refusedA = a.last.session.refusedA.Add(-grudge)
	}
}
