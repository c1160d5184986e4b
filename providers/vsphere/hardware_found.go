package vsphere

import (
	"fmt"
	"strconv"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// How far a machine that takes more while it runs can go, where it does not
// say so itself: what vSphere gives a machine at most.
const (
	mostCPUs      = 768
	mostMemoryMiB = 24 << 20
)

// hardwareOf says a VM's configuration, as vmProperties and the keys that the
// mark names were read of it, in the words of the contract: disks and interfaces by the names that the mark gives them,
// traits only of a VM with a mark. A configuration that could not be read is
// unknown throughout.
func hardwareOf(config *types.VirtualMachineConfigInfo, m *mark, names networkNames) providers.Hardware {
	var h providers.Hardware
	if config == nil {
		return h
	}
	if n := int(config.Hardware.NumCPU); n > 0 {
		h.CPU, h.CPUMax = providers.Known(n), providers.Known(n)
		if isTrue(config.CpuHotAddEnabled) {
			h.CPUMax = providers.Known(max(n, mostCPUs))
		}
	}
	if mib := int64(config.Hardware.MemoryMB); mib > 0 {
		h.MemoryMiB, h.MemoryMaxMiB = providers.Known(mib), providers.Known(mib)
		if isTrue(config.MemoryHotAddEnabled) {
			h.MemoryMaxMiB = providers.Known(memoryRoom(mib, config.HotPlugMemoryLimit))
		}
	}
	switch config.Firmware {
	case wordBIOS:
		h.Firmware = providers.Known(manifest.FirmwareBIOS)
	case wordUEFI:
		h.Firmware = providers.Known(manifest.FirmwareUEFI)
	}
	devices := object.VirtualDeviceList(config.Hardware.Device)
	if len(devices) > 0 { // every VM has controllers
		h.DisksKnown, h.Disks = true, disksOf(devices, m)
		h.NICsKnown, h.NICs = true, nicsOf(devices, m, names)
	}
	if m != nil {
		h.Traits = traitsOf(config, m)
	}
	return h
}

func memoryRoom(mib, limit int64) int64 {
	if limit > 0 {
		return max(mib, limit)
	}
	return max(mib, mostMemoryMiB)
}

// traitsOf reads back what setTraits sets.
func traitsOf(config *types.VirtualMachineConfigInfo, m *mark) providers.Traits {
	t := make(providers.Traits)
	var secure *bool
	if config.BootOptions != nil {
		secure = config.BootOptions.EfiSecureBootEnabled
	}
	for field, on := range map[providers.Field]*bool{
		providers.FieldCPUHotAdd: config.CpuHotAddEnabled, providers.FieldMemoryHotAdd: config.MemoryHotAddEnabled,
		providers.FieldNestedVirt: config.NestedHVEnabled, providers.FieldSecureBoot: secure,
		providers.FieldVTd: config.Flags.VvtdEnabled, providers.FieldVBS: config.Flags.VbsEnabled,
	} {
		t[field] = strconv.FormatBool(isTrue(on))
	}
	devices := object.VirtualDeviceList(config.Hardware.Device)
	t[providers.FieldTPM] = strconv.FormatBool(tpmOf(devices) != nil)
	allocationTraits(t, config.CpuAllocation, providers.FieldCPULimit, providers.FieldCPUReservation)
	allocationTraits(t, config.MemoryAllocation, providers.FieldMemoryLimit, providers.FieldMemoryReservation)
	if a := config.CpuAllocation; a != nil && a.Shares != nil {
		t[providers.FieldCPUShares] = strconv.Itoa(int(a.Shares.Shares))
	}
	diskTraits(t, devices, m)
	nicTraits(t, devices, m)
	extraTraits(t, config, m)
	return t
}

// allocationTraits adds a limit, -1 for none, and a reservation.
func allocationTraits(t providers.Traits, a *types.ResourceAllocationInfo, limit, reservation providers.Field) {
	if a == nil {
		return
	}
	if a.Limit != nil {
		t[limit] = strconv.FormatInt(*a.Limit, 10)
	}
	if a.Reservation != nil {
		t[reservation] = strconv.FormatInt(*a.Reservation, 10)
	}
}

// extraTraits adds the keys of extraConfig that were set for a manifest. A
// hardware version that is later than the one asked for is as asked.
func extraTraits(t providers.Traits, config *types.VirtualMachineConfigInfo, m *mark) {
	if n, ok := versionOf(config.Version); ok && m.Version > 0 {
		t[providers.FieldExtraConfig.Of(keyHardwareVersion)] = strconv.Itoa(min(n, m.Version))
	}
	for _, key := range m.Extra {
		for _, o := range config.ExtraConfig {
			if v := o.GetOptionValue(); v != nil && v.Key == key {
				t[providers.FieldExtraConfig.Of(key)] = fmt.Sprint(v.Value)
			}
		}
	}
}
