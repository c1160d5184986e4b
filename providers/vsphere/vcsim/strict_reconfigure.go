package vcsim

import (
	"reflect"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// ReconfigVMTask carries the method out.
func (l *law) ReconfigVMTask(ctx *simulator.Context, req *types.ReconfigVM_Task) soap.HasFault {
	if fault := plausible(&req.Spec); fault != nil {
		return refuse(fault)
	}
	if fault := l.renamed(ctx, req.This, req.Spec.Name); fault != nil {
		return refuse(fault)
	}
	return l.act(ctx, req.This, "ReconfigVM_Task",
		func(vm *simulator.VirtualMachine) types.BaseMethodFault { return l.changeable(vm, &req.Spec) },
		func(vm *simulator.VirtualMachine) soap.HasFault {
			merge(vm, &req.Spec)
			return vm.ReconfigVMTask(ctx, req)
		})
}

// changeable refuses the changes that a vCenter refuses for the state that the
// VM is in.
func (l *law) changeable(vm *simulator.VirtualMachine, spec *types.VirtualMachineConfigSpec) types.BaseMethodFault {
	if spec.ChangeVersion != "" && spec.ChangeVersion != vm.Config.ChangeVersion {
		return &types.ConcurrentAccess{}
	}
	if spec.InstanceUuid != "" {
		for _, ref := range l.index.find(spec.InstanceUuid, true) {
			if ref != vm.Self {
				return &types.InvalidArgument{InvalidProperty: "config.instanceUuid"}
			}
		}
	}
	if fault := disksChangeable(vm, spec); fault != nil {
		return fault
	}
	if vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOff {
		return nil
	}
	return changeableWhileOn(vm, spec)
}

// changeableWhileOn refuses what needs the machine to be off.
func changeableWhileOn(vm *simulator.VirtualMachine, spec *types.VirtualMachineConfigSpec) types.BaseMethodFault {
	cfg := vm.Config
	cpus, memory := cfg.Hardware.NumCPU, int64(cfg.Hardware.MemoryMB)
	switch {
	case spec.NumCPUs > cpus && !isTrue(cfg.CpuHotAddEnabled),
		spec.NumCPUs > 0 && spec.NumCPUs < cpus && !isTrue(cfg.CpuHotRemoveEnabled):
		return &types.CpuHotPlugNotSupported{}
	case spec.MemoryMB > memory && !isTrue(cfg.MemoryHotAddEnabled),
		spec.MemoryMB > 0 && spec.MemoryMB < memory:
		return &types.MemoryHotPlugNotSupported{}
	}
	off := &types.InvalidPowerState{
		RequestedState: types.VirtualMachinePowerStatePoweredOff, ExistingState: vm.Runtime.PowerState,
	}
	if otherBool(spec.CpuHotAddEnabled, cfg.CpuHotAddEnabled) || otherBool(spec.MemoryHotAddEnabled, cfg.MemoryHotAddEnabled) ||
		otherBool(spec.CpuHotRemoveEnabled, cfg.CpuHotRemoveEnabled) || otherBool(spec.NestedHVEnabled, cfg.NestedHVEnabled) {
		return off
	}
	if spec.Firmware != "" && spec.Firmware != cfg.Firmware || spec.Version != "" && spec.Version != cfg.Version ||
		spec.GuestId != "" && spec.GuestId != cfg.GuestId || spec.NumCoresPerSocket != nil {
		return off
	}
	if f := spec.Flags; f != nil && (otherBool(f.VbsEnabled, cfg.Flags.VbsEnabled) || otherBool(f.VvtdEnabled, cfg.Flags.VvtdEnabled)) {
		return off
	}
	if b := spec.BootOptions; b != nil && cfg.BootOptions != nil && otherBool(b.EfiSecureBootEnabled, cfg.BootOptions.EfiSecureBootEnabled) {
		return off
	}
	return devicesChangeable(spec, off)
}

// devicesChangeable refuses devices that cannot come or go while the machine
// is on.
func devicesChangeable(spec *types.VirtualMachineConfigSpec, off types.BaseMethodFault) types.BaseMethodFault {
	for _, change := range spec.DeviceChange {
		switch change.GetVirtualDeviceConfigSpec().Device.(type) {
		case *types.VirtualTPM, *types.VirtualIDEController, *types.VirtualPCIPassthrough, *types.VirtualMachineVideoCard:
			return off
		}
	}
	return nil
}

// disksChangeable refuses what cannot be done to the disks.
func disksChangeable(vm *simulator.VirtualMachine, spec *types.VirtualMachineConfigSpec) types.BaseMethodFault {
	for i, change := range spec.DeviceChange {
		c := change.GetVirtualDeviceConfigSpec()
		wanted, is := c.Device.(*types.VirtualDisk)
		if !is || c.Operation != types.VirtualDeviceConfigSpecOperationEdit {
			continue
		}
		found := diskOf(vm, wanted.Key)
		if found == nil {
			continue
		}
		size := wanted.CapacityInBytes
		if size == 0 {
			size = wanted.CapacityInKB * 1024
		}
		have := max(found.CapacityInBytes, found.CapacityInKB*1024)
		fault := &types.InvalidDeviceOperation{}
		fault.DeviceIndex = int32(i)
		if size != 0 && size < have || size > have && vm.Snapshot != nil {
			return fault
		}
	}
	return nil
}

func diskOf(vm *simulator.VirtualMachine, key int32) *types.VirtualDisk {
	for _, d := range vm.Config.Hardware.Device {
		if disk, is := d.(*types.VirtualDisk); is && disk.Key == key {
			return disk
		}
	}
	return nil
}

func isTrue(b *bool) bool { return b != nil && *b }

// otherBool tells whether a wanted value is set and is another than the
// present one.
func otherBool(wanted, found *bool) bool { return wanted != nil && *wanted != isTrue(found) }

// merge completes the parts of a change that the simulator takes as a whole,
// and a vCenter field by field, or that it passes over.
func merge(vm *simulator.VirtualMachine, spec *types.VirtualMachineConfigSpec) {
	if spec.VAppConfigRemoved != nil && *spec.VAppConfigRemoved {
		vm.Config.VAppConfig = nil
	}
	if spec.Flags != nil {
		fill(spec.Flags, &vm.Config.Flags)
	}
	if spec.BootOptions != nil && vm.Config.BootOptions != nil {
		fill(spec.BootOptions, vm.Config.BootOptions)
	}
	if spec.CpuAllocation != nil && vm.Config.CpuAllocation != nil {
		fill(spec.CpuAllocation, vm.Config.CpuAllocation)
	}
	if spec.MemoryAllocation != nil && vm.Config.MemoryAllocation != nil {
		fill(spec.MemoryAllocation, vm.Config.MemoryAllocation)
	}
}

// fill sets the fields of the struct dst that are zero from src.
func fill(dst, src any) {
	d, s := reflect.ValueOf(dst).Elem(), reflect.ValueOf(src).Elem()
	for i := range d.NumField() {
		if d.Field(i).IsZero() {
			d.Field(i).Set(s.Field(i))
		}
	}
}
