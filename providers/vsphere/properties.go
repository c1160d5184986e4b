package vsphere

import (
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// vmProperty is one property of a VM that is read: its path, and how its value
// is taken over. take returns false for a value of another type than the
// property has.
type vmProperty struct {
	path string
	take func(vm *mo.VirtualMachine, value types.AnyType) bool
}

// vmProperties are the properties that are read of every VM, never config as
// a whole.
var vmProperties = []vmProperty{
	own("name", func(vm *mo.VirtualMachine) *string { return &vm.Name }),
	own("runtime.powerState", func(vm *mo.VirtualMachine) *types.VirtualMachinePowerState { return &vm.Runtime.PowerState }),
	own("runtime.connectionState", func(vm *mo.VirtualMachine) *types.VirtualMachineConnectionState {
		return &vm.Runtime.ConnectionState
	}),
	// What vCenter still knows of a VM whose configuration cannot be read.
	own("summary.config.instanceUuid", func(vm *mo.VirtualMachine) *string { return &vm.Summary.Config.InstanceUuid }),
	{"guest.net", func(vm *mo.VirtualMachine, value types.AnyType) bool {
		list, ok := value.(types.ArrayOfGuestNicInfo)
		guestOf(vm).Net = list.GuestNicInfo
		return ok
	}},
	{"guest.toolsRunningStatus", func(vm *mo.VirtualMachine, value types.AnyType) (ok bool) {
		guestOf(vm).ToolsRunningStatus, ok = value.(string)
		return ok
	}},
	config("instanceUuid", func(c *types.VirtualMachineConfigInfo) *string { return &c.InstanceUuid }),
	config("template", func(c *types.VirtualMachineConfigInfo) *bool { return &c.Template }),
	config("changeVersion", func(c *types.VirtualMachineConfigInfo) *string { return &c.ChangeVersion }),
	config("version", func(c *types.VirtualMachineConfigInfo) *string { return &c.Version }),
	config("firmware", func(c *types.VirtualMachineConfigInfo) *string { return &c.Firmware }),
	optional("flags.vbsEnabled", func(c *types.VirtualMachineConfigInfo) **bool { return &c.Flags.VbsEnabled }),
	optional("flags.vvtdEnabled", func(c *types.VirtualMachineConfigInfo) **bool { return &c.Flags.VvtdEnabled }),
	config("hardware", func(c *types.VirtualMachineConfigInfo) *types.VirtualHardware { return &c.Hardware }),
	config("hotPlugMemoryLimit", func(c *types.VirtualMachineConfigInfo) *int64 { return &c.HotPlugMemoryLimit }),
	config("hotPlugMemoryIncrementSize", func(c *types.VirtualMachineConfigInfo) *int64 { return &c.HotPlugMemoryIncrementSize }),
	optional("bootOptions", func(c *types.VirtualMachineConfigInfo) **types.VirtualMachineBootOptions { return &c.BootOptions }),
	optional("nestedHVEnabled", func(c *types.VirtualMachineConfigInfo) **bool { return &c.NestedHVEnabled }),
	optional("cpuHotAddEnabled", func(c *types.VirtualMachineConfigInfo) **bool { return &c.CpuHotAddEnabled }),
	optional("memoryHotAddEnabled", func(c *types.VirtualMachineConfigInfo) **bool { return &c.MemoryHotAddEnabled }),
	optional("cpuAllocation", func(c *types.VirtualMachineConfigInfo) **types.ResourceAllocationInfo { return &c.CpuAllocation }),
	optional("memoryAllocation", func(c *types.VirtualMachineConfigInfo) **types.ResourceAllocationInfo { return &c.MemoryAllocation }),
}

// fullProperties are read beside vmProperties of a VM that is about to be
// acted on, or that is described alone.
var fullProperties = []vmProperty{
	{extraConfigPath, func(vm *mo.VirtualMachine, value types.AnyType) bool {
		list, ok := value.(types.ArrayOfOptionValue)
		configOf(vm).ExtraConfig = list.OptionValue
		return ok
	}},
	config("files", func(c *types.VirtualMachineConfigInfo) *types.VirtualMachineFileInfo { return &c.Files }),
	{"rootSnapshot", func(vm *mo.VirtualMachine, value types.AnyType) bool {
		list, ok := value.(types.ArrayOfManagedObjectReference)
		vm.RootSnapshot = list.ManagedObjectReference
		return ok
	}},
}

// takers finds how a property is taken over by its path.
var takers = func() map[string]func(*mo.VirtualMachine, types.AnyType) bool {
	m := make(map[string]func(*mo.VirtualMachine, types.AnyType) bool)
	for _, list := range [][]vmProperty{vmProperties, fullProperties} {
		for _, p := range list {
			m[p.path] = p.take
		}
	}
	return m
}()

// paths returns the paths of properties.
func paths(lists ...[]vmProperty) []string {
	var out []string
	for _, list := range lists {
		for _, p := range list {
			out = append(out, p.path)
		}
	}
	return out
}

// keyed is the path of one entry of extraConfig. The whole list of a VM is
// long, and holds the first-boot data of its guest.
func keyed(key string) string { return extraConfigPath + `["` + key + `"]` }

const extraConfigPath = "config.extraConfig"

func own[T any](path string, at func(*mo.VirtualMachine) *T) vmProperty {
	return vmProperty{path, func(vm *mo.VirtualMachine, value types.AnyType) bool {
		v, ok := value.(T)
		if ok {
			*at(vm) = v
		}
		return ok
	}}
}

func config[T any](name string, at func(*types.VirtualMachineConfigInfo) *T) vmProperty {
	return own("config."+name, func(vm *mo.VirtualMachine) *T { return at(configOf(vm)) })
}

// optional is a property of the configuration that may be unset there.
func optional[T any](name string, at func(*types.VirtualMachineConfigInfo) **T) vmProperty {
	return vmProperty{"config." + name, func(vm *mo.VirtualMachine, value types.AnyType) bool {
		v, ok := value.(T)
		if ok {
			*at(configOf(vm)) = &v
		}
		return ok
	}}
}

func configOf(vm *mo.VirtualMachine) *types.VirtualMachineConfigInfo {
	if vm.Config == nil {
		vm.Config = &types.VirtualMachineConfigInfo{}
	}
	return vm.Config
}

func guestOf(vm *mo.VirtualMachine) *types.GuestInfo {
	if vm.Guest == nil {
		vm.Guest = &types.GuestInfo{}
	}
	return vm.Guest
}

// Properties returns the paths of what List reads of every VM, with keys of
// extraConfig that manifests set, for those who want to know what that costs.
func Properties(keys ...string) []string {
	out := append(paths(vmProperties), keyed(markKey))
	for _, key := range keys {
		out = append(out, keyed(key))
	}
	return out
}
