package libvirt

import (
	"encoding/xml"
	"slices"
	"time"

	"github.com/beevik/etree"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// markSpace is the XML namespace of our metadata element, and markPrefix the
// prefix that it is written with.
const (
	markSpace  = "https://vmsteward.dev/xmlns/libvirt/domain/1.0"
	markPrefix = "vmsteward"
)

// markXML is our element in a domain's metadata. It is written in the call
// that defines the domain.
type markXML struct {
	XMLName xml.Name `xml:"vm"`
	// UUID is the domain that the mark was made for. Tools that copy a domain
	// copy its metadata, too: a mark on another domain is void.
	UUID      string     `xml:"uuid,attr"`
	Fleet     string     `xml:"fleet,attr"`
	Namespace string     `xml:"namespace,attr"`
	Name      string     `xml:"name,attr"`
	Image     string     `xml:"image,attr,omitempty"`
	CloudInit string     `xml:"cloudinit,attr,omitempty"`
	Retired   string     `xml:"retired,attr,omitempty"` // RFC 3339
	HotAdd    bool       `xml:"hotadd,attr,omitempty"`  // it was made with room for more CPUs
	Disks     []markDisk `xml:"disk"`
	NICs      []markNIC  `xml:"nic"`
	Tags      []string   `xml:"tag"`
}

// markDisk is one disk of the domain. Only a disk with a pool and a volume
// was created by us, and only such a one is ever deleted.
type markDisk struct {
	Name   string `xml:"name,attr"`
	Seed   bool   `xml:"seed,attr,omitempty"` // the first-boot data, not a disk of the manifest
	Pool   string `xml:"pool,attr,omitempty"`
	Volume string `xml:"volume,attr,omitempty"`
	Path   string `xml:"path,attr"`
}

// markNIC is one interface with the address that it was given.
type markNIC struct {
	Name string `xml:"name,attr"`
	MAC  string `xml:"mac,attr"`
}

func newMark(o providers.Owner, vm *manifest.VM) *markXML {
	m := &markXML{
		UUID: o.UUID().String(), Fleet: o.Fleet, Namespace: o.VM.Namespace, Name: o.VM.Name,
		CloudInit: vm.CloudInit.Digest, Tags: slices.Clone(vm.Tags), HotAdd: vm.CPUHotAdd,
	}
	if vm.Image != nil {
		m.Image = vm.Image.Digest
	}
	return m
}

// owner returns whose VM the mark says it is.
func (m *markXML) owner() providers.Owner {
	return providers.Owner{Fleet: m.Fleet, VM: manifest.Key{Namespace: m.Namespace, Name: m.Name}}
}

// facts returns the mark as the contract has it, or nil if the mark is void:
// there is none, it was copied from the domain it was made for, or it cannot
// be understood.
func (m *markXML) facts(domainUUID string) *providers.Mark {
	if m == nil || m.UUID != domainUUID || m.Fleet == "" || m.Name == "" {
		return nil
	}
	f := &providers.Mark{Owner: m.owner(), Image: m.Image, CloudInit: m.CloudInit}
	if m.Retired != "" {
		t, err := time.Parse(time.RFC3339Nano, m.Retired)
		if err != nil {
			return nil
		}
		f.Retired = t
	}
	if len(m.NICs) > 0 {
		f.MACs = make(map[string]string, len(m.NICs))
	}
	for _, n := range m.NICs {
		f.MACs[n.Name] = n.MAC
	}
	return f
}

// disk returns the disk of that name, or nil.
func (m *markXML) disk(name string) *markDisk {
	for i := range m.Disks {
		if m.Disks[i].Name == name && !m.Disks[i].Seed {
			return &m.Disks[i]
		}
	}
	return nil
}

// mac returns the address that the interface of that name was given, or "".
func (m *markXML) mac(nic string) string {
	for _, n := range m.NICs {
		if n.Name == nic {
			return n.MAC
		}
	}
	return ""
}

// setNIC records the address of an interface.
func (m *markXML) setNIC(name, mac string) {
	for i := range m.NICs {
		if m.NICs[i].Name == name {
			m.NICs[i].MAC = mac
			return
		}
	}
	m.NICs = append(m.NICs, markNIC{name, mac})
}

func (m *markXML) dropNIC(name string) {
	m.NICs = slices.DeleteFunc(m.NICs, func(n markNIC) bool { return n.Name == name })
}

// setRetired moves the mark between in use (the zero time) and retired.
func (m *markXML) setRetired(t time.Time) {
	m.Retired = ""
	if !t.IsZero() {
		m.Retired = t.UTC().Format(time.RFC3339Nano)
	}
}

// plain returns the element without a namespace, as DomainSetMetadata wants
// it: libvirt adds the namespace itself.
func (m *markXML) plain() (string, error) {
	bare := *m
	bare.XMLName = xml.Name{Local: "vm"}
	b, err := xml.Marshal(&bare)
	return string(b), err
}

// element returns the element in our namespace, for a domain document.
func (m *markXML) element() (*etree.Element, error) {
	text, err := m.plain()
	if err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromString(text); err != nil {
		return nil, err
	}
	root := doc.Root()
	qualify(root)
	root.CreateAttr("xmlns:"+markPrefix, markSpace)
	return root, nil
}

// qualify puts e and what is below it into our namespace.
func qualify(e *etree.Element) {
	e.Space = markPrefix
	for _, child := range e.ChildElements() {
		qualify(child)
	}
}

// qualified returns the element as text in our namespace.
func (m *markXML) qualified() (string, error) {
	e, err := m.element()
	if err != nil {
		return "", err
	}
	doc := etree.NewDocument()
	doc.SetRoot(e)
	return doc.WriteToString()
}
