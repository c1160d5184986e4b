package libvirt

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// agentChannel is the name of the guest agent's channel.
const agentChannel = "org.qemu.guest_agent.0"

// domainDoc is the part of a domain document that is read. What is not named
// here is skipped.
type domainDoc struct {
	XMLName  xml.Name `xml:"domain"`
	UUID     string   `xml:"uuid"`
	Name     string   `xml:"name"`
	Metadata struct {
		Mark *markXML `xml:"https://vmsteward.dev/xmlns/libvirt/domain/1.0 vm"`
	} `xml:"metadata"`
	Memory        sizeDoc `xml:"memory"`
	CurrentMemory sizeDoc `xml:"currentMemory"`
	VCPU          struct {
		Current int `xml:"current,attr"`
		Max     int `xml:",chardata"`
	} `xml:"vcpu"`
	OS struct {
		Firmware string `xml:"firmware,attr"`
		Info     struct {
			Features []struct {
				Name    string `xml:"name,attr"`
				Enabled string `xml:"enabled,attr"`
			} `xml:"feature"`
		} `xml:"firmware"`
		Loader struct {
			Type   string `xml:"type,attr"`
			Secure string `xml:"secure,attr"`
		} `xml:"loader"`
	} `xml:"os"`
	CPU struct {
		Features []cpuFeature `xml:"feature"`
	} `xml:"cpu"`
	Devices struct {
		Disks    []diskDoc `xml:"disk"`
		NICs     []nicDoc  `xml:"interface"`
		TPMs     []present `xml:"tpm"`
		IOMMUs   []present `xml:"iommu"`
		Channels []struct {
			Target struct {
				Name  string `xml:"name,attr"`
				State string `xml:"state,attr"`
			} `xml:"target"`
		} `xml:"channel"`
	} `xml:"devices"`
}

// sizeDoc is an amount of memory. libvirt writes it in KiB.
type sizeDoc struct {
	Unit  string `xml:"unit,attr"`
	Value int64  `xml:",chardata"`
}

type diskDoc struct {
	Type   string `xml:"type,attr"`
	Device string `xml:"device,attr"`
	Source struct {
		File   string `xml:"file,attr"`
		Dev    string `xml:"dev,attr"`
		Pool   string `xml:"pool,attr"`
		Volume string `xml:"volume,attr"`
		Name   string `xml:"name,attr"`
	} `xml:"source"`
	Target struct {
		Dev string `xml:"dev,attr"`
		Bus string `xml:"bus,attr"`
	} `xml:"target"`
	Driver typeDoc  `xml:"driver"`
	Alias  aliasDoc `xml:"alias"`
}

type nicDoc struct {
	Type   string   `xml:"type,attr"`
	MAC    addrDoc  `xml:"mac"`
	Model  typeDoc  `xml:"model"`
	Alias  aliasDoc `xml:"alias"`
	Source struct {
		Network string `xml:"network,attr"`
		Bridge  string `xml:"bridge,attr"`
		Dev     string `xml:"dev,attr"`
	} `xml:"source"`
}

type (
	// present is an element that says enough by being there.
	present    struct{}
	cpuFeature struct {
		Name   string `xml:"name,attr"`
		Policy string `xml:"policy,attr"`
	}
	aliasDoc struct {
		Name string `xml:"name,attr"`
	}
	addrDoc struct {
		Address string `xml:"address,attr"`
	}
	typeDoc struct {
		Type string `xml:"type,attr"`
	}
)

// readDomain reads a domain document.
func readDomain(document string) (*domainDoc, error) {
	var d domainDoc
	if err := xml.Unmarshal(withoutControllers(document), &d); err != nil {
		return nil, fmt.Errorf("read a domain's document: %w", err)
	}
	// Of a CPU's many features, those are kept that something is made of.
	d.CPU.Features = slices.Clip(slices.DeleteFunc(d.CPU.Features, func(f cpuFeature) bool { return f.Name != "vmx" && f.Name != "svm" }))
	return &d, nil
}

// withoutControllers cuts out the controllers, which are most of a document
// and of which nothing is read. It knows them by libvirt's own layout; where
// that is another, the document stays whole.
func withoutControllers(document string) []byte {
	const devices, begin, end = "\n  <devices>\n", "\n    <controller ", "</controller>"
	at := strings.LastIndex(document, devices)
	if at < 0 {
		return []byte(document)
	}
	out := make([]byte, 0, len(document))
	out = append(out, document[:at]...)
	for rest := document[at:]; ; {
		before, after, found := strings.Cut(rest, begin)
		out = append(out, before...)
		if !found {
			return out
		}
		tag, inside, _ := strings.Cut(after, ">")
		if !strings.HasSuffix(tag, "/") {
			if _, inside, found = strings.Cut(inside, end); !found {
				return []byte(document)
			}
		}
		rest = inside
	}
}

// agentConnected tells whether the guest agent is there.
func (d *domainDoc) agentConnected() bool {
	for _, ch := range d.Devices.Channels {
		if ch.Target.Name == agentChannel && ch.Target.State == "connected" {
			return true
		}
	}
	return false
}

// sizes is the virtual size of disks in bytes, by where they are, and for
// what the statistics speak of by target, too.
type sizes struct {
	byOrigin map[string]uint64
	byTarget map[string]uint64
}

func (s sizes) of(d *diskDoc) uint64 {
	if n := s.byOrigin[d.origin()]; n > 0 {
		return n
	}
	return s.byTarget[d.Target.Dev]
}

// hardware returns the machine that the document describes. The mark gives
// names to devices without an alias of ours.
func (d *domainDoc) hardware(mark *markXML, known sizes) providers.Hardware {
	h := providers.Hardware{
		CPUMax:       positive(d.VCPU.Max),
		CPU:          positive(d.VCPU.Max),
		MemoryMaxMiB: d.Memory.mib(),
		MemoryMiB:    d.CurrentMemory.mib(),
		Firmware:     providers.Known(d.firmware()),
		DisksKnown:   true,
		NICsKnown:    true,
		Traits:       d.character().traits(),
	}
	if d.VCPU.Current > 0 {
		h.CPU = providers.Known(d.VCPU.Current)
	}
	if !h.MemoryMiB.Known {
		h.MemoryMiB = h.MemoryMaxMiB
	}
	for i := range d.Devices.Disks {
		if disk := &d.Devices.Disks[i]; disk.isDisk() {
			h.Disks = append(h.Disks, disk.facts(mark, known))
		}
	}
	for i := range d.Devices.NICs {
		h.NICs = append(h.NICs, d.Devices.NICs[i].facts(mark))
	}
	return h
}

func (d *domainDoc) firmware() manifest.Firmware {
	if d.OS.Firmware == "efi" || d.OS.Loader.Type == "pflash" {
		return manifest.FirmwareUEFI
	}
	return manifest.FirmwareBIOS
}

// isDisk tells a disk from a CD-ROM, which the first-boot data is, or a floppy.
func (d *diskDoc) isDisk() bool {
	return d.Device == "disk" || d.Device == "lun" || d.Device == ""
}

// origin says where the disk is: a path, "pool/volume", or a remote name.
func (d *diskDoc) origin() string {
	s := &d.Source
	switch {
	case s.File != "":
		return s.File
	case s.Dev != "":
		return s.Dev
	case s.Volume != "":
		return s.Pool + "/" + s.Volume
	}
	return s.Name
}

// name returns the manifest's name of the disk, or "" if it is not ours.
func (d *diskDoc) name(mark *markXML) string {
	if n, ok := strings.CutPrefix(d.Alias.Name, diskAlias); ok {
		return n
	}
	if mark == nil {
		return ""
	}
	for _, m := range mark.Disks {
		if !m.Seed && (m.Path == d.origin() || m.Volume != "" && m.Pool+"/"+m.Volume == d.origin()) {
			return m.Name
		}
	}
	return ""
}

const gib = 1 << 30

func (d *diskDoc) facts(mark *markXML, known sizes) providers.Disk {
	f := providers.Disk{Name: d.name(mark), Origin: d.origin()}
	if size := known.of(d); size > 0 {
		f.SizeBytes = providers.Known(int64(size))
		f.SizeGiB = providers.Known(int(size / gib))
	}
	return f
}

// name returns the manifest's name of the interface, or "" if it is not ours.
func (n *nicDoc) name(mark *markXML) string {
	if name, ok := strings.CutPrefix(n.Alias.Name, nicAlias); ok {
		return name
	}
	if mark == nil {
		return ""
	}
	for _, m := range mark.NICs {
		if strings.EqualFold(m.MAC, n.MAC.Address) {
			return m.Name
		}
	}
	return ""
}

// where returns the network, or else the bridge or the host's device.
func (n *nicDoc) where() string {
	return orElse(n.Source.Network, orElse(n.Source.Bridge, n.Source.Dev))
}

func (n *nicDoc) facts(mark *markXML) providers.NIC {
	return providers.NIC{
		Name: n.name(mark), Network: n.where(), Model: n.Model.Type, MAC: strings.ToLower(n.MAC.Address),
	}
}

func (s sizeDoc) mib() providers.Opt[int64] {
	if s.Value <= 0 || s.Unit != "" && s.Unit != "KiB" {
		return providers.Opt[int64]{}
	}
	return providers.Known(s.Value / 1024)
}

func positive(n int) providers.Opt[int] {
	if n <= 0 {
		return providers.Opt[int]{}
	}
	return providers.Known(n)
}

// parseUUID reads an id as this provider gives them.
func parseUUID(s string) (uuid.UUID, bool) {
	id, err := uuid.Parse(s)
	return id, err == nil
}
