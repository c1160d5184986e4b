package manifest

import "strconv"

// class folds the VMClass and the VM's own overrides into the VM.
func (b *builder) class() {
	ob := b.refer("spec.classRef", KindVMClass, b.spec.ClassRef.In(b.ns))
	if ob == nil {
		return
	}
	doc := ob.docs[0]
	class, ok := doc.Object.(*VMClass)
	if !ok {
		return
	}
	b.size(doc, &class.Spec)
	b.rootDisk(doc, class.Spec.DiskDefaults)
	b.firmware(doc, &class.Spec)
	b.features(&class.Spec)
	b.limits(class.Spec.ResourceLimits)
	b.extraConfig(doc, class.Spec.ExtraConfig)
}

func (b *builder) size(doc *Document, class *VMClassSpec) {
	b.vm.CPU = int(class.CPU)
	b.vm.MemoryMiB = class.Memory.Bytes() / mebibyte
	if r := b.spec.Resources; r != nil {
		if r.CPU > 0 {
			b.vm.CPU = int(r.CPU)
		}
		if r.MemoryMiB > 0 {
			b.vm.MemoryMiB = r.MemoryMiB
		}
	}
	if b.vm.MemoryMiB == 0 {
		b.hold(doc.finding(Error, "spec.memory", "is less than 1Mi", "write a unit, such as 4Gi"))
	}
}

func (b *builder) rootDisk(doc *Document, d *DiskDefaults) {
	if d == nil {
		return
	}
	b.vm.RootDisk = RootDisk{SizeGiB: int(d.Size.Bytes() / gibibyte), Type: d.Type}
	switch {
	case b.vm.RootDisk.SizeGiB == 0:
		b.hold(doc.finding(Error, "spec.diskDefaults.size", "is less than 1Gi", "write whole GiB, such as 40Gi"))
	case d.Size.Bytes()%gibibyte != 0:
		b.warnf(doc, "spec.diskDefaults.size", "write whole GiB", "%s is taken as %dGi", d.Size, b.vm.RootDisk.SizeGiB)
	}
}

// firmware follows secureBoot where the class does not say.
func (b *builder) firmware(doc *Document, class *VMClassSpec) {
	b.vm.Firmware = FirmwareBIOS
	if class.Firmware != "BIOS" {
		b.vm.Firmware = FirmwareUEFI
	}
	if class.SecurityProfile == nil || !class.SecurityProfile.SecureBoot || b.vm.Firmware == FirmwareUEFI {
		return
	}
	if doc.declares("spec.firmware") {
		b.hold(doc.finding(Error, "spec.firmware", "BIOS cannot do secureBoot", "write firmware: UEFI"))
	}
	b.vm.Firmware = FirmwareUEFI
}

func (b *builder) features(class *VMClassSpec) {
	if s := class.SecurityProfile; s != nil {
		b.vm.SecureBoot, b.vm.TPM, b.vm.VTd = s.SecureBoot, s.TPMEnabled, s.VTdEnabled
	}
	if p := class.PerformanceProfile; p != nil {
		b.vm.CPUHotAdd, b.vm.MemHotAdd = p.CPUHotAddEnabled, p.MemoryHotAddEnabled
		b.vm.VBS, b.vm.NestedVirt = p.VirtualizationBasedSecurity, p.NestedVirtualization
	}
}

func (b *builder) limits(l *ResourceLimits) {
	if l == nil {
		return
	}
	b.vm.Limits = Limits{
		CPULimitMHz: widen(l.CPULimit), CPUReservationMHz: widen(l.CPUReservation), CPUShares: widen(l.CPUShares),
		MemoryLimitMiB: inMiB(l.MemoryLimit), MemoryReservationMiB: inMiB(l.MemoryReservation),
	}
}

func widen(n *int32) *int {
	if n == nil {
		return nil
	}
	return new(int(*n))
}

func inMiB(q *Quantity) *int64 {
	if q == nil {
		return nil
	}
	return new(q.Bytes() / mebibyte)
}

func (b *builder) extraConfig(doc *Document, extra map[string]string) {
	b.vm.ExtraConfig = extra
	text, written := extra["autostart"]
	if !written {
		return
	}
	if text != "true" && text != "false" {
		b.warnf(doc, "spec.extraConfig", `write "true" or "false"`, "autostart is %q and has no effect", clip(text))
		return
	}
	on, _ := strconv.ParseBool(text)
	b.vm.Autostart = &on
}
