package vsphere

import (
	"slices"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// creation is all that the hardware of a new VM is made of.
type creation struct {
	owner providers.Owner
	vm    *manifest.VM
	// from is the configuration of the template or snapshot that is cloned,
	// read as that of a VM. Nil: the VM is made from nothing.
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
	d := &draft{fresh: true, mark: newMark(c.owner, c.vm), now: c.from}
	if d.now == nil {
		d.now = &types.VirtualMachineConfigInfo{}
	}
	d.devices = slices.Clone(d.now.Hardware.Device)
	d.spec.Name, d.spec.InstanceUuid = c.vm.Key.Name, c.owner.UUID().String()
	for _, step := range []func(creation) error{
		d.amounts, d.firmware, d.features, d.takeRoot, d.takeCards, d.extraDisks,
	} {
		if err := step(c); err != nil {
			return nil, nil, err
		}
	}
	if err := d.finish(); err != nil {
		return nil, nil, err
	}
	return &d.spec, d.mark, nil
}

func (d *draft) amounts(c creation) error {
	if err := d.setCPU(c.vm.CPU); err != nil {
		return err
	}
	if c.from == nil {
		d.spec.GuestId = string(types.VirtualMachineGuestOsIdentifierOtherGuest64)
	}
	return d.setMemory(c.vm.MemoryMiB)
}

// The words of vSphere for firmware.
const (
	wordBIOS = string(types.GuestOsDescriptorFirmwareTypeBios)
	wordUEFI = string(types.GuestOsDescriptorFirmwareTypeEfi)
)

// firmware refuses what would make a VM that cannot boot, where no manifest
// asks for it in so many words.
func (d *draft) firmware(c creation) error {
	want := wordBIOS
	if c.vm.Firmware == manifest.FirmwareUEFI {
		want = wordUEFI
	}
	_, stated := slices.BinarySearch(c.vm.Declared, "VMClass.spec.firmware")
	if have := d.now.Firmware; c.from != nil && have != "" && have != want && !stated && c.vm.Firmware == manifest.FirmwareBIOS {
		return invalid("the template boots with %s, and a class that does not say means BIOS; write firmware: UEFI in the class", have)
	}
	if c.vm.Firmware != "" {
		d.spec.Firmware = want
	}
	return nil
}

// features sets what the manifest writes, and what it has on.
func (d *draft) features(c creation) error {
	wanted := providers.WantedTraits(c.vm)
	for field, on := range map[providers.Field]bool{
		providers.FieldCPUHotAdd: c.vm.CPUHotAdd, providers.FieldMemoryHotAdd: c.vm.MemHotAdd,
		providers.FieldNestedVirt: c.vm.NestedVirt, providers.FieldVBS: c.vm.VBS,
		providers.FieldSecureBoot: c.vm.SecureBoot, providers.FieldTPM: c.vm.TPM, providers.FieldVTd: c.vm.VTd,
	} {
		if on {
			wanted[field] = "true"
		}
	}
	for field := range wanted {
		switch field.Template() { // these are set with their devices
		case providers.FieldRootDiskType, providers.FieldDiskType, providers.FieldDiskBus,
			providers.FieldDiskController, providers.FieldDiskSharing, providers.FieldNICSlot:
			delete(wanted, field)
		}
	}
	return d.setTraits(wanted)
}

func (d *draft) takeRoot(c creation) error {
	if c.from == nil {
		return d.takeBootDisk(c)
	}
	return d.takeDisks(c)
}

func (d *draft) extraDisks(c creation) error {
	for _, disk := range c.vm.Disks {
		if err := d.addDisk(disk); err != nil {
			return err
		}
	}
	return nil
}
