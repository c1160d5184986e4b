package libvirt

import (
	"github.com/vmsteward/vmsteward/manifest"
	"libvirt.org/go/libvirtxml"
)

// spareRootPorts is how many PCI ports a new machine has for devices that are
// plugged in while it runs.
const spareRootPorts = 16

// blueprint is everything that a new domain is made of.
type blueprint struct {
	vm       *manifest.VM
	mark     *markXML
	host     hostFacts
	disks    []disk // the root disk first
	nics     []nic
	seed     string // path of the first-boot data; empty: none
	seedDisk bool   // the seed is a block device
}

// domainXML returns the document that defines the domain.
func (b *blueprint) domainXML() (string, error) {
	mark, err := b.mark.qualified()
	if err != nil {
		return "", err
	}
	d := &libvirtxml.Domain{
		Type:          b.host.domainType,
		Name:          b.vm.Key.Name,
		UUID:          b.mark.UUID,
		Metadata:      &libvirtxml.DomainMetadata{XML: mark},
		Memory:        &libvirtxml.DomainMemory{Value: uint(b.vm.MemoryMiB) * 1024, Unit: "KiB"},
		CurrentMemory: &libvirtxml.DomainCurrentMemory{Value: uint(b.vm.MemoryMiB) * 1024, Unit: "KiB"},
		VCPU:          b.vcpu(),
		OS:            b.os(),
		Features:      b.features(),
		CPU:           b.cpu(),
		Clock:         &libvirtxml.DomainClock{Offset: "utc"},
		OnPoweroff:    "destroy",
		OnReboot:      "restart",
		Devices:       b.devices(),
	}
	return d.Marshal()
}

func (b *blueprint) vcpu() *libvirtxml.DomainVCPU {
	v := &libvirtxml.DomainVCPU{Placement: "static", Value: uint(cpuRoom(b.vm.CPU, b.vm.CPUHotAdd))}
	if v.Value != uint(b.vm.CPU) {
		v.Current = uint(b.vm.CPU)
	}
	return v
}

func (b *blueprint) os() *libvirtxml.DomainOS {
	o := &libvirtxml.DomainOS{
		Type:        &libvirtxml.DomainOSType{Arch: b.host.arch, Machine: b.host.machine, Type: "hvm"},
		BootDevices: []libvirtxml.DomainBootDevice{{Dev: "hd"}},
	}
	if b.vm.Firmware == manifest.FirmwareUEFI {
		o.Firmware = "efi"
		secure := yesNo(b.vm.SecureBoot)
		o.FirmwareInfo = &libvirtxml.DomainOSFirmwareInfo{Features: []libvirtxml.DomainOSFirmwareFeature{
			{Name: "secure-boot", Enabled: secure}, {Name: "enrolled-keys", Enabled: secure},
		}}
	}
	return o
}

func (b *blueprint) features() *libvirtxml.DomainFeatureList {
	f := &libvirtxml.DomainFeatureList{
		ACPI: &libvirtxml.DomainFeature{},
	}
	if b.host.x86() {
		f.APIC = &libvirtxml.DomainFeatureAPIC{}
		if b.vm.SecureBoot {
			f.SMM = &libvirtxml.DomainFeatureSMM{State: "on"}
		}
	}
	return f
}

// cpu passes the host's CPU through where the hardware runs the guest. Under
// emulation libvirt's choice stands.
func (b *blueprint) cpu() *libvirtxml.DomainCPU {
	if b.host.domainType != typeKVM {
		return nil
	}
	c := &libvirtxml.DomainCPU{Mode: "host-passthrough"}
	if f := b.host.nestedFeature(); b.vm.NestedVirt && f != "" {
		c.Features = []libvirtxml.DomainCPUFeature{{Policy: "require", Name: f}}
	}
	return c
}

func (b *blueprint) devices() *libvirtxml.DomainDeviceList {
	l := &libvirtxml.DomainDeviceList{
		Disks: b.disksAndSeed(),
		Serials: []libvirtxml.DomainSerial{{
			Source: &libvirtxml.DomainChardevSource{Pty: &libvirtxml.DomainChardevSourcePty{}},
		}},
		Channels: []libvirtxml.DomainChannel{{
			Source: &libvirtxml.DomainChardevSource{UNIX: &libvirtxml.DomainChardevSourceUNIX{}},
			Target: &libvirtxml.DomainChannelTarget{VirtIO: &libvirtxml.DomainChannelTargetVirtIO{Name: agentChannel}},
		}},
		MemBalloon: &libvirtxml.DomainMemBalloon{
			Model: "virtio", Stats: &libvirtxml.DomainMemBalloonStats{Period: 10},
		},
		RNGs: []libvirtxml.DomainRNG{{
			Model:   "virtio",
			Backend: &libvirtxml.DomainRNGBackend{Random: &libvirtxml.DomainRNGBackendRandom{Device: "/dev/urandom"}},
		}},
	}
	for _, n := range b.nics {
		l.Interfaces = append(l.Interfaces, nicDevice(n))
	}
	if b.vm.TPM {
		l.TPMs = []libvirtxml.DomainTPM{{Model: "tpm-crb", Backend: &libvirtxml.DomainTPMBackend{
			Emulator: &libvirtxml.DomainTPMBackendEmulator{Version: "2.0"},
		}}}
	}
	if b.vm.VTd {
		l.IOMMU = &libvirtxml.DomainIOMMU{Model: "intel"}
	}
	l.Controllers = b.controllers(l)
	return l
}

func (b *blueprint) disksAndSeed() []libvirtxml.DomainDisk {
	var out []libvirtxml.DomainDisk
	virtio, scsi := 0, 1 // sda is the seed's
	for _, d := range b.disks {
		target := targetName("vd", virtio)
		if d.scsi != nil {
			target = targetName("sd", scsi)
			scsi++
		} else {
			virtio++
		}
		out = append(out, diskDevice(d, target))
	}
	if b.seed != "" {
		out = append(out, seedDevice(b.seed, b.seedDisk))
	}
	return out
}

// controllers returns a virtio-scsi controller for every one that a disk
// names, and on PCI Express the root ports of the devices and of spare ones.
func (b *blueprint) controllers(l *libvirtxml.DomainDeviceList) []libvirtxml.DomainController {
	var out []libvirtxml.DomainController
	have := map[uint]bool{}
	ports := len(l.Interfaces) + 4 // USB, serial, balloon, entropy
	for _, d := range l.Disks {
		if d.Target.Bus != "scsi" {
			ports++
			continue
		}
		index := *d.Address.Drive.Controller
		if !have[index] {
			have[index] = true
			ports++
			out = append(out, libvirtxml.DomainController{Type: "scsi", Index: &index, Model: "virtio-scsi"})
		}
	}
	if !b.host.pcie() {
		return out
	}
	for i := range uint(ports + spareRootPorts + 1) {
		model := "pcie-root-port"
		if i == 0 {
			model = "pcie-root"
		}
		out = append(out, libvirtxml.DomainController{Type: "pci", Index: &i, Model: model})
	}
	return out
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
