package libvirt

import (
	"fmt"
	"strconv"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"libvirt.org/go/libvirtxml"
)

// disk is one disk as it goes into a domain document.
type disk struct {
	name   string // the manifest's name; RootDiskName for the boot disk
	path   string // file or block device on the host
	block  bool   // path is a block device
	format string
	scsi   *manifest.SCSI // nil: virtio-blk
}

const cpuCeiling = 128 // the most virtual CPUs that head-room goes up to

// cpuRoom returns how many CPUs a machine with n of them is given room for.
func cpuRoom(n int, headroom bool) int {
	if !headroom {
		return n
	}
	return max(n, min(4*n, cpuCeiling))
}

// diskDevice returns the device of a disk at a target such as "vdb".
func diskDevice(d disk, target string) libvirtxml.DomainDisk {
	dev := libvirtxml.DomainDisk{
		Device: "disk",
		Driver: &libvirtxml.DomainDiskDriver{Name: "qemu", Type: d.format, Discard: "unmap"},
		Source: diskSource(d.path, d.block),
		Target: &libvirtxml.DomainDiskTarget{Dev: target, Bus: "virtio"},
		Alias:  aliasOf(diskAlias, d.name),
	}
	if len(d.name) <= 20 { // more, and a virtio disk would have it cut
		dev.Serial = d.name
	}
	if d.scsi != nil {
		dev.Target.Bus = "scsi"
		dev.Address = driveAddress(d.scsi.Controller, targetIndex(target))
	}
	return dev
}

// seedDevice returns the CD-ROM of the first-boot data. It is on virtio-scsi:
// the kernels of cloud images have no driver for SATA.
func seedDevice(path string, block bool) libvirtxml.DomainDisk {
	return libvirtxml.DomainDisk{
		Device:   "cdrom",
		Driver:   &libvirtxml.DomainDiskDriver{Name: "qemu", Type: "raw"},
		Source:   diskSource(path, block),
		Target:   &libvirtxml.DomainDiskTarget{Dev: "sda", Bus: "scsi"},
		ReadOnly: &libvirtxml.DomainDiskReadOnly{},
		Alias:    &libvirtxml.DomainAlias{Name: "ua-seed"},
		Address:  driveAddress(0, 0),
	}
}

func diskSource(path string, block bool) *libvirtxml.DomainDiskSource {
	if block {
		return &libvirtxml.DomainDiskSource{Block: &libvirtxml.DomainDiskSourceBlock{Dev: path}}
	}
	return &libvirtxml.DomainDiskSource{File: &libvirtxml.DomainDiskSourceFile{File: path}}
}

func driveAddress(controller, unit int) *libvirtxml.DomainAddress {
	zero, c, u := uint(0), uint(controller), uint(unit)
	return &libvirtxml.DomainAddress{Drive: &libvirtxml.DomainAddressDrive{
		Controller: &c, Bus: &zero, Target: &zero, Unit: &u,
	}}
}

func aliasOf(prefix, name string) *libvirtxml.DomainAlias {
	if a := alias(prefix, name); a != "" {
		return &libvirtxml.DomainAlias{Name: a}
	}
	return nil
}

// targetName returns the name of the i-th disk of a bus: vda … vdz, vdaa ….
func targetName(prefix string, i int) string {
	var letters string
	for i++; i > 0; i = (i - 1) / 26 {
		letters = string(rune('a'+(i-1)%26)) + letters
	}
	return prefix + letters
}

// targetIndex is the reverse of targetName; -1 if target is not such a name.
func targetIndex(target string) int {
	if len(target) < 3 {
		return -1
	}
	n := 0
	for _, c := range target[2:] {
		if c < 'a' || c > 'z' || n > 1<<20 {
			return -1
		}
		n = n*26 + int(c-'a') + 1
	}
	return n - 1
}

// nic is one interface as it goes into a domain document.
type nic struct {
	name, network, bridge, model, mac string
	mtu                               int
}

// where returns the network or bridge as NIC.Network reports it.
func (n nic) where() string {
	if n.bridge != "" {
		return n.bridge
	}
	return n.network
}

const (
	defaultModel   = "virtio"
	defaultNetwork = "default"
	defaultPool    = "default"
	macPrefix      = "52:54:00"
)

// nicFor returns the interface for a NIC of the manifest. known is the MAC
// that the interface was given before, or "".
func (p *Provider) nicFor(o providers.Owner, n manifest.NIC, known string) (nic, error) {
	out := nic{name: n.Name, model: defaultModel, mac: n.MAC}
	switch {
	case out.mac != "":
	case known != "":
		out.mac = known
	default:
		out.mac = o.MAC(macPrefix, n.Name)
	}
	if n.Network == nil {
		out.network = orElse(p.settings.Defaults.Network, defaultNetwork)
		return out, nil
	}
	l := n.Network.Libvirt
	if l == nil || l.Network == "" && l.Bridge == "" {
		return out, invalid("VMNetworkAttachment %s names no network or bridge for libvirt; add spec.network.libvirt", n.Network.Key)
	}
	out.network, out.bridge, out.mtu = l.Network, l.Bridge, n.Network.MTU
	if out.bridge != "" {
		out.network = ""
	}
	out.model = orElse(l.Model, defaultModel)
	return out, nil
}

// nicDevice returns the device of an interface.
func nicDevice(n nic) libvirtxml.DomainInterface {
	dev := libvirtxml.DomainInterface{
		MAC:   &libvirtxml.DomainInterfaceMAC{Address: n.mac},
		Model: &libvirtxml.DomainInterfaceModel{Type: n.model},
		Alias: aliasOf(nicAlias, n.name),
	}
	if n.bridge != "" {
		dev.Source = &libvirtxml.DomainInterfaceSource{Bridge: &libvirtxml.DomainInterfaceSourceBridge{Bridge: n.bridge}}
	} else {
		dev.Source = &libvirtxml.DomainInterfaceSource{Network: &libvirtxml.DomainInterfaceSourceNetwork{Network: n.network}}
	}
	if n.mtu > 0 {
		dev.MTU = &libvirtxml.DomainInterfaceMTU{Size: uint(n.mtu)}
	}
	return dev
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// invalid returns an error of kind InvalidSpec; the caller's door adds the
// operation and the subject.
func invalid(format string, args ...any) error {
	return &providers.Error{Kind: providers.InvalidSpec, Err: fmt.Errorf(format, args...)}
}

// kib writes a size in the unit that libvirt counts memory in.
func kib(mib int64) string { return strconv.FormatInt(mib*1024, 10) }
