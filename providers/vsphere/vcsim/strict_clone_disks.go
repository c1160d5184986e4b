package vcsim

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// provide has the disks of a clone provided as its locators say, and has what
// is asked of a disk asked of the clone's: a request names the files of what is
// cloned, and the simulator would take them.
func provide(ctx *simulator.Context, vm *simulator.VirtualMachine, spec *types.VirtualMachineConfigSpec, where []types.VirtualMachineRelocateSpecDiskLocator) {
	devices := append([]types.BaseVirtualDevice(nil), vm.Config.Hardware.Device...)
	own := make(map[int32]*types.VirtualDiskFlatVer2BackingInfo)
	for i, d := range devices {
		disk, ok := d.(*types.VirtualDisk)
		if !ok {
			continue
		}
		backing, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
		if !ok {
			continue
		}
		twin, file := *disk, *backing
		for _, l := range where {
			if asked, ok := l.DiskBackingInfo.(*types.VirtualDiskFlatVer2BackingInfo); ok && l.DiskId == disk.Key {
				file.ThinProvisioned, file.EagerlyScrub = asked.ThinProvisioned, asked.EagerlyScrub
			}
		}
		twin.Backing, own[disk.Key] = &file, &file
		devices[i] = &twin
	}
	ctx.Update(vm, []types.PropertyChange{{Name: "config.hardware.device", Val: devices}})
	for _, c := range spec.DeviceChange {
		change := c.GetVirtualDeviceConfigSpec()
		disk, ok := change.Device.(*types.VirtualDisk)
		if ok && change.Operation == types.VirtualDeviceConfigSpecOperationEdit && own[disk.Key] != nil {
			file := *own[disk.Key]
			disk.Backing = &file
		}
	}
}
