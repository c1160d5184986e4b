package vsphere

import (
	"maps"
	"slices"
	"strconv"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// trait is how one property of a machine is changed. name is what is in the
// field's brackets.
type trait struct {
	ability providers.Ability
	set     func(d *draft, name, text string) error
}

// traits is what can be said of machines beyond their amounts, disks and
// interfaces. hardware_found.go reads them back.
func traits() map[providers.Field]trait {
	return map[providers.Field]trait{
		providers.FieldCPUHotAdd:    {providers.Restart, flag(func(s *types.VirtualMachineConfigSpec) **bool { return &s.CpuHotAddEnabled })},
		providers.FieldMemoryHotAdd: {providers.Restart, flag(func(s *types.VirtualMachineConfigSpec) **bool { return &s.MemoryHotAddEnabled })},
		providers.FieldNestedVirt:   {providers.Restart, flag(func(s *types.VirtualMachineConfigSpec) **bool { return &s.NestedHVEnabled })},
		providers.FieldSecureBoot:   {providers.Restart, setSecureBoot},
		providers.FieldVTd:          {providers.Restart, machineFlag(func(f *types.VirtualMachineFlagInfo) **bool { return &f.VvtdEnabled })},
		providers.FieldVBS:          {providers.Restart, machineFlag(func(f *types.VirtualMachineFlagInfo) **bool { return &f.VbsEnabled })},
		providers.FieldTPM:          {providers.Restart, setTPM},

		providers.FieldCPULimit:          {providers.Live, amount(cpuAllocation, func(a *types.ResourceAllocationInfo, n int64) { a.Limit = &n })},
		providers.FieldCPUReservation:    {providers.Live, amount(cpuAllocation, func(a *types.ResourceAllocationInfo, n int64) { a.Reservation = &n })},
		providers.FieldCPUShares:         {providers.Live, amount(cpuAllocation, setShares)},
		providers.FieldMemoryLimit:       {providers.Live, amount(memoryAllocation, func(a *types.ResourceAllocationInfo, n int64) { a.Limit = &n })},
		providers.FieldMemoryReservation: {providers.Live, amount(memoryAllocation, func(a *types.ResourceAllocationInfo, n int64) { a.Reservation = &n })},

		providers.FieldRootDiskType:   {providers.Replace, nil},
		providers.FieldDiskType:       {providers.Replace, nil},
		providers.FieldDiskController: {providers.Replace, nil},
		providers.FieldDiskBus:        {providers.Restart, setDiskBus},
		providers.FieldDiskSharing:    {providers.Restart, setDiskSharing},
		providers.FieldNICSlot:        {providers.Restart, setNICSlot},

		providers.FieldExtraConfig:                        {providers.Live, setExtraConfig},
		providers.FieldExtraConfig.Of(keyHardwareVersion): {providers.Restart, setHardwareVersion},
	}
}

// traitOf returns the rule for a field: its own, or that of all of its kind.
func traitOf(table map[providers.Field]trait, f providers.Field) (trait, bool) {
	rule, ok := table[f]
	if !ok {
		rule, ok = table[f.Template()]
	}
	return rule, ok
}

// setTraits brings the traits to their texts, in a stable order.
func (d *draft) setTraits(wanted providers.Traits) error {
	table := traits()
	for _, field := range slices.Sorted(maps.Keys(wanted)) {
		text := wanted[field]
		rule, ok := traitOf(table, field)
		if !ok {
			return cannot("%s cannot be set on vSphere", field)
		}
		if have, known := d.found[field]; !d.fresh && (known || text == "") && have == text {
			continue
		}
		var err error
		switch {
		case rule.ability == providers.Replace:
			err = cannot("%s is what the VM was made with; only a VM made anew has another", field)
		case rule.ability == providers.Restart && text != "":
			err = d.cold(string(field))
		}
		if err == nil {
			err = rule.set(d, field.Name(), text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// flag sets a property of the specification that is yes or no.
func flag(at func(*types.VirtualMachineConfigSpec) **bool) func(*draft, string, string) error {
	return func(d *draft, _, text string) (err error) {
		*at(&d.spec), err = yesNo(text)
		return err
	}
}

// machineFlag is flag for one of the machine's flags. Those that we set go
// together.
func machineFlag(at func(*types.VirtualMachineFlagInfo) **bool) func(*draft, string, string) error {
	return func(d *draft, _, text string) (err error) {
		if d.spec.Flags == nil {
			d.spec.Flags = &types.VirtualMachineFlagInfo{
				VvtdEnabled: d.now.Flags.VvtdEnabled, VbsEnabled: d.now.Flags.VbsEnabled,
			}
		}
		*at(d.spec.Flags), err = yesNo(text)
		return err
	}
}

func yesNo(text string) (*bool, error) {
	switch text {
	case "true", "false":
		return new(text == "true"), nil
	}
	return nil, invalid("%q is neither true nor false", text)
}

func setSecureBoot(d *draft, _, text string) error {
	on, err := yesNo(text)
	d.spec.BootOptions = &types.VirtualMachineBootOptions{EfiSecureBootEnabled: on}
	return err
}

// setTPM adds or removes the virtual TPM. Making one encrypts the VM, for
// which the server needs a key provider.
func setTPM(d *draft, _, text string) error {
	on, err := yesNo(text)
	if err != nil {
		return err
	}
	have := tpmOf(d.devices)
	switch {
	case *on && have == nil:
		d.add(&types.VirtualTPM{}, "")
	case !*on && have != nil:
		d.remove(have)
	}
	return nil
}

// tpmOf returns the virtual TPM, or nil.
func tpmOf(devices object.VirtualDeviceList) types.BaseVirtualDevice {
	for _, d := range devices {
		if tpm, ok := d.(*types.VirtualTPM); ok {
			return tpm
		}
	}
	return nil
}

// amount sets a number of one of the resource allocations.
func amount(of func(*draft) *types.ResourceAllocationInfo, set func(*types.ResourceAllocationInfo, int64)) func(*draft, string, string) error {
	return func(d *draft, _, text string) error {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return invalid("%q is not a whole number", text)
		}
		set(of(d), n)
		return nil
	}
}

func setShares(a *types.ResourceAllocationInfo, n int64) {
	a.Shares = &types.SharesInfo{Level: types.SharesLevelCustom, Shares: int32(n)}
}

// cpuAllocation returns what is said of the CPU's limits, begun with what is
// there: the specification states them together.
func cpuAllocation(d *draft) *types.ResourceAllocationInfo {
	return allocation(&d.spec.CpuAllocation, d.now.CpuAllocation)
}

func memoryAllocation(d *draft) *types.ResourceAllocationInfo {
	return allocation(&d.spec.MemoryAllocation, d.now.MemoryAllocation)
}

func allocation(at **types.ResourceAllocationInfo, now *types.ResourceAllocationInfo) *types.ResourceAllocationInfo {
	if *at == nil {
		*at = &types.ResourceAllocationInfo{}
		if now != nil {
			(*at).Limit, (*at).Reservation, (*at).Shares = now.Limit, now.Reservation, now.Shares
		}
	}
	return *at
}
