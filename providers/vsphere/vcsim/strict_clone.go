package vcsim

import (
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// CloneVMTask carries the method out. The simulator takes over the name, the
// UUIDs, CPU and memory; a vCenter takes over all that is asked for, and the
// extraConfig of what is cloned.
func (l *law) CloneVMTask(ctx *simulator.Context, req *types.CloneVM_Task) soap.HasFault {
	src, fault := machine(ctx, req.This)
	if fault != nil {
		return refuse(fault)
	}
	folder, ok := ctx.Map.Get(req.Folder).(*simulator.Folder)
	if !ok {
		return refuse(&types.ManagedObjectNotFound{Obj: req.Folder})
	}
	if fault := l.cloneable(ctx, src, req); fault != nil {
		return refuse(fault)
	}
	release, fault := l.newcomer(ctx, folder, req.Name, req.Spec.Config)
	if fault != nil {
		return refuse(fault)
	}
	task := l.begin(ctx, req.This, "CloneVM_Task", func() (types.AnyType, types.BaseMethodFault) {
		return l.clone(ctx, src, req)
	}, release)
	return taskBody("CloneVM_Task", task)
}

// cloneable refuses what no clone can be made of.
func (l *law) cloneable(ctx *simulator.Context, src *simulator.VirtualMachine, req *types.CloneVM_Task) (fault types.BaseMethodFault) {
	for _, ref := range []*types.ManagedObjectReference{req.Spec.Location.Pool, req.Spec.Location.Host, req.Spec.Location.Datastore} {
		if ref != nil && ctx.Map.Get(*ref) == nil {
			return &types.ManagedObjectNotFound{Obj: *ref}
		}
	}
	if req.Spec.Config != nil {
		if fault := plausible(req.Spec.Config); fault != nil {
			return fault
		}
	}
	ctx.WithLock(src, func() {
		snapshot := req.Spec.Snapshot
		switch {
		case snapshot != nil && (src.Snapshot == nil || !hasSnapshot(src.Snapshot.RootSnapshotList, *snapshot)):
			fault = &types.ManagedObjectNotFound{Obj: *snapshot}
		case snapshot == nil && linked(req):
			fault = &types.InvalidArgument{InvalidProperty: "spec.location.diskMoveType"}
		case src.Config.Template && req.Spec.Location.Pool == nil:
			fault = &types.InvalidArgument{InvalidProperty: "spec.location.pool"}
		}
	})
	return fault
}

func linked(req *types.CloneVM_Task) bool {
	return req.Spec.Location.DiskMoveType == string(types.VirtualMachineRelocateDiskMoveOptionsCreateNewChildDiskBacking)
}

// clone makes the clone as the simulator does, and completes it.
func (l *law) clone(ctx *simulator.Context, src *simulator.VirtualMachine, req *types.CloneVM_Task) (types.AnyType, types.BaseMethodFault) {
	spec := types.VirtualMachineConfigSpec{}
	if req.Spec.Config != nil {
		spec = *req.Spec.Config
	}
	spec.DeviceChange = append(append([]types.BaseVirtualDeviceConfigSpec(nil), req.Spec.Location.DeviceChange...), spec.DeviceChange...)

	bare := *req
	bare.Spec.Template, bare.Spec.PowerOn, bare.Spec.Location.DeviceChange = false, false, nil
	bare.Spec.Config = &types.VirtualMachineConfigSpec{
		Uuid: spec.Uuid, InstanceUuid: spec.InstanceUuid, NumCPUs: spec.NumCPUs, MemoryMB: spec.MemoryMB,
	}
	var res soap.HasFault
	var parents map[int32]string
	ctx.WithLock(src, func() {
		bare.Spec.Config.ExtraConfig = inherit(src.Config.ExtraConfig, spec.ExtraConfig)
		parents = diskFiles(src)
		res = src.CloneVMTask(ctx, &bare)
	})
	made, fault := result(ctx, res)
	if fault != nil {
		return nil, fault
	}
	spec.Uuid, spec.InstanceUuid, spec.ExtraConfig = "", "", nil
	vm := ctx.Map.Get(made.(types.ManagedObjectReference)).(*simulator.VirtualMachine)
	ctx.WithLock(vm, func() {
		if linked(req) {
			adopt(ctx, vm, parents)
		}
		provide(ctx, vm, &spec, req.Spec.Location.Disk)
	})
	if fault := l.complete(ctx, vm, &spec, req); fault != nil {
		ctx.WithLock(vm, func() { res = vm.DestroyTask(ctx, &types.Destroy_Task{This: vm.Self}) })
		_, _ = result(ctx, res)
		return nil, fault
	}
	return made, nil
}

// complete does what the simulator leaves out.
func (l *law) complete(ctx *simulator.Context, vm *simulator.VirtualMachine, spec *types.VirtualMachineConfigSpec, req *types.CloneVM_Task) types.BaseMethodFault {
	var res soap.HasFault
	ctx.WithLock(vm, func() {
		merge(vm, spec)
		res = vm.ReconfigVMTask(ctx, &types.ReconfigVM_Task{This: vm.Self, Spec: *spec})
	})
	if _, fault := result(ctx, res); fault != nil {
		return fault
	}
	if req.Spec.Template {
		ctx.WithLock(vm, func() { res = vm.MarkAsTemplate(&types.MarkAsTemplate{This: vm.Self}) })
		return nil
	}
	if !req.Spec.PowerOn {
		return nil
	}
	ctx.WithLock(vm, func() { res = vm.PowerOnVMTask(ctx, &types.PowerOnVM_Task{This: vm.Self}) })
	_, fault := result(ctx, res)
	return fault
}

// inherit returns the extraConfig of a clone.
func inherit(src, asked []types.BaseOptionValue) []types.BaseOptionValue {
	own := make(map[string]bool, len(asked))
	for _, o := range asked {
		own[o.GetOptionValue().Key] = true
	}
	var all []types.BaseOptionValue
	for _, o := range src {
		v := *o.GetOptionValue()
		if !own[v.Key] && v.Key != "govcsim" {
			all = append(all, &v)
		}
	}
	for _, o := range asked {
		if text, is := o.GetOptionValue().Value.(string); !is || text != "" {
			all = append(all, o)
		}
	}
	return all
}

// diskFiles returns the file of each disk, by its device key.
func diskFiles(vm *simulator.VirtualMachine) map[int32]string {
	files := make(map[int32]string)
	for _, d := range vm.Config.Hardware.Device {
		if disk, ok := d.(*types.VirtualDisk); ok {
			if b, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo); ok {
				files[disk.Key] = b.FileName
			}
		}
	}
	return files
}

// adopt makes the disks of a linked clone children of those it was cloned
// from.
func adopt(ctx *simulator.Context, vm *simulator.VirtualMachine, parents map[int32]string) {
	devices := append([]types.BaseVirtualDevice(nil), vm.Config.Hardware.Device...)
	for i, d := range devices {
		disk, ok := d.(*types.VirtualDisk)
		if !ok || parents[disk.Key] == "" {
			continue
		}
		child := *disk
		backing := *disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
		backing.Parent = &types.VirtualDiskFlatVer2BackingInfo{
			VirtualDeviceFileBackingInfo: types.VirtualDeviceFileBackingInfo{FileName: parents[disk.Key]},
			DiskMode:                     backing.DiskMode,
		}
		child.Backing = &backing
		devices[i] = &child
	}
	ctx.Update(vm, []types.PropertyChange{{Name: "config.hardware.device", Val: devices}})
}

// plausible refuses numbers that no VM can have.
func plausible(spec *types.VirtualMachineConfigSpec) types.BaseMethodFault {
	switch {
	case spec.NumCPUs < 0 || spec.NumCPUs > 768:
		return &types.InvalidArgument{InvalidProperty: "configSpec.numCPUs"}
	case spec.MemoryMB < 0 || spec.MemoryMB%4 != 0:
		return &types.InvalidArgument{InvalidProperty: "configSpec.memoryMB"}
	case len(spec.Name) > 80 || strings.ContainsAny(spec.Name, "\n\r"):
		return &types.InvalidName{Name: spec.Name}
	}
	return nil
}
