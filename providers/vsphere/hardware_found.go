package vsphere

import (
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// hardwareProps are the properties of a VM that hardwareOf, assemble and
// Reconfigure look at.
var hardwareProps = []string{
	"config.changeVersion",
	"config.version",
	"config.firmware",
	"config.bootOptions",
	"config.flags",
	"config.nestedHVEnabled",
	"config.cpuHotAddEnabled",
	"config.memoryHotAddEnabled",
	"config.hotPlugMemoryLimit",
	"config.hotPlugMemoryIncrementSize",
	"config.cpuAllocation",
	"config.memoryAllocation",
	"config.hardware",
	"config.extraConfig",
}

// hardwareOf says a VM's configuration, read with hardwareProps, in the words
// of the contract: disks and interfaces by the names that the mark gives them,
// traits only of a VM with a mark. on says that the VM runs, so that head-room
// is what can be added to it now. A config that could not be read is unknown
// throughout.
func hardwareOf(config *types.VirtualMachineConfigInfo, m *mark, names networkNames, on bool) providers.Hardware {
	return providers.Hardware{}
}
