package vsphere

import (
	"reflect"

	"github.com/vmware/govmomi/vim25/types"
)

// finish refuses what contradicts itself, and puts the devices and the mark
// into the specification.
func (d *draft) finish() error {
	for _, check := range []func() error{d.checkFirmware, d.checkLimits} {
		if err := check(); err != nil {
			return err
		}
	}
	d.spec.DeviceChange = d.changes
	text, err := d.mark.text()
	if err != nil || text == d.before && d.idle() {
		return err
	}
	d.knowCards()
	if text, err = d.mark.text(); err != nil {
		return err
	}
	if text != d.before {
		d.option(markKey, text)
	}
	return nil
}

// idle tells whether nothing but the mark is to change.
func (d *draft) idle() bool { return reflect.ValueOf(d.spec).IsZero() }

// knowCards notes the keys of the interfaces that are there, which a new VM's
// did not have yet.
func (d *draft) knowCards() {
	for key, name := range cardNames(d.devices, d.mark) {
		if n := d.mark.nic(name); !d.fresh && key > 0 && n != nil {
			n.Key = key
		}
	}
}

// checkFirmware refuses features that UEFI alone has, and those that the
// security based on virtualization does not work without. The server turns on
// what that needs and nobody says is off.
func (d *draft) checkFirmware() error {
	firmware := d.spec.Firmware
	if firmware == "" {
		firmware = d.now.Firmware
	}
	boot, flags := d.spec.BootOptions, d.spec.Flags
	secure, isOff := boot != nil && isTrue(boot.EfiSecureBootEnabled), func(b *bool) bool { return b != nil && !*b }
	vbs := flags != nil && isTrue(flags.VbsEnabled)
	switch {
	case firmware != wordUEFI && secure:
		return invalid("secureBoot needs UEFI; write firmware: UEFI")
	case firmware != wordUEFI && vbs:
		return invalid("virtualizationBasedSecurity needs UEFI; write firmware: UEFI")
	case firmware != wordUEFI && d.adds(tpmOf(d.devices)):
		return invalid("tpmEnabled needs UEFI; write firmware: UEFI")
	case vbs && (boot != nil && isOff(boot.EfiSecureBootEnabled) || isOff(flags.VvtdEnabled) || isOff(d.spec.NestedHVEnabled)):
		return invalid("virtualizationBasedSecurity needs secureBoot, vtdEnabled and nestedVirtualization; do not turn them off")
	}
	return nil
}

// adds tells whether a device is one that was not there.
func (d *draft) adds(dev types.BaseVirtualDevice) bool {
	return dev != nil && dev.GetVirtualDevice().Key < 0
}

// checkLimits refuses to promise more than is allowed.
func (d *draft) checkLimits() error {
	memory := d.spec.MemoryMB
	if memory == 0 {
		memory = int64(d.now.Hardware.MemoryMB)
	}
	for _, row := range []struct {
		what string
		info *types.ResourceAllocationInfo
		most int64 // 0: nothing but the limit bounds it
	}{
		{"cpu", d.spec.CpuAllocation, 0},
		{"memory", d.spec.MemoryAllocation, memory},
	} {
		if row.info == nil || row.info.Reservation == nil {
			continue
		}
		held, limit := *row.info.Reservation, row.info.Limit
		if limit != nil && *limit >= 0 && held > *limit {
			return invalid("%sReservation of %d is more than %sLimit, %d", row.what, held, row.what, *limit)
		}
		if row.most > 0 && held > row.most {
			return invalid("%sReservation of %d MiB is more than the VM has, %d", row.what, held, row.most)
		}
	}
	return nil
}
