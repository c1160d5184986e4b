package libvirt

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/beevik/etree"
)

// sheet is a domain's own document while it is being changed. Whatever is not
// changed stays as it was, known to us or not.
type sheet struct {
	doc     *etree.Document
	root    *etree.Element
	devices *etree.Element
	changed bool // in what the machine is, its metadata aside
}

func openSheet(document string) (*sheet, error) {
	doc := etree.NewDocument()
	doc.ReadSettings.PreserveCData = true
	doc.WriteSettings.AttrSingleQuote = true // as libvirt writes
	if err := doc.ReadFromString(document); err != nil {
		return nil, fmt.Errorf("read a domain's document: %w", err)
	}
	s := &sheet{doc: doc, root: doc.Root()}
	if s.root == nil || s.root.Tag != "domain" || s.root.SelectElement("devices") == nil {
		return nil, fmt.Errorf("read a domain's document: it is no domain with devices")
	}
	s.devices = s.root.SelectElement("devices")
	return s, nil
}

func (s *sheet) text() (string, error) { return s.doc.WriteToString() }

// setCPU sets the number of CPUs. The room above it stays as it is while it
// suffices, and grows in proportion when it does not.
func (s *sheet) setCPU(n int) error {
	e := s.root.SelectElement("vcpu")
	if e == nil {
		return fmt.Errorf("the domain's document has no vcpu element")
	}
	limit, err := strconv.Atoi(strings.TrimSpace(e.Text()))
	if err != nil {
		return fmt.Errorf("the domain's document has %q CPUs", e.Text())
	}
	now := limit
	if v, err := strconv.Atoi(e.SelectAttrValue("current", "")); err == nil {
		now = v
	}
	if now == n {
		return nil
	}
	if n > limit {
		limit = cpuRoom(n, limit > now)
		e.SetText(strconv.Itoa(limit))
	}
	e.RemoveAttr("current")
	if n != limit {
		e.CreateAttr("current", strconv.Itoa(n))
	}
	if each := s.root.SelectElement("vcpus"); each != nil {
		s.root.RemoveChild(each) // which CPU is plugged in follows from the number
	}
	s.changed = true
	return nil
}

// setMemory sets the memory. If the document has room above it and that
// suffices, the room stays.
func (s *sheet) setMemory(mib int64) error {
	limit, now := s.root.SelectElement("memory"), s.root.SelectElement("currentMemory")
	if limit == nil {
		return fmt.Errorf("the domain's document has no memory element")
	}
	most, err := kibOf(limit)
	if err != nil {
		return err
	}
	current := most
	if now != nil {
		if current, err = kibOf(now); err != nil {
			return err
		}
	}
	want := mib * 1024
	if want == current {
		return nil
	}
	if most == current || want > most {
		setKiB(limit, want)
	}
	if now == nil {
		now = etree.NewElement("currentMemory")
		s.root.InsertChildAt(limit.Index()+1, now)
	}
	setKiB(now, want)
	s.changed = true
	return nil
}

func kibOf(e *etree.Element) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(e.Text()), 10, 64)
	if unit := e.SelectAttrValue("unit", "KiB"); err != nil || unit != "KiB" {
		return 0, fmt.Errorf("the domain's document has %s of %q %s", e.Tag, e.Text(), unit)
	}
	return n, nil
}

func setKiB(e *etree.Element, n int64) {
	e.CreateAttr("unit", "KiB")
	e.SetText(strconv.FormatInt(n, 10))
}

// marshaler is a device of libvirtxml.
type marshaler interface{ Marshal() (string, error) }

// deviceElement returns the device as an element.
func deviceElement(d marshaler) (*etree.Element, error) {
	text, err := d.Marshal()
	if err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromString(text); err != nil {
		return nil, err
	}
	return doc.Root(), nil
}

// addDevice adds a device.
func (s *sheet) addDevice(d marshaler) error {
	e, err := deviceElement(d)
	if err != nil {
		return err
	}
	s.devices.AddChild(e)
	s.changed = true
	return nil
}

// nic returns the interface with that MAC address, or nil.
func (s *sheet) nic(mac string) *etree.Element {
	for _, e := range s.devices.SelectElements("interface") {
		if m := e.SelectElement("mac"); m != nil && strings.EqualFold(m.SelectAttrValue("address", ""), mac) {
			return e
		}
	}
	return nil
}

// removeNIC removes the interface with that MAC address, if it is there.
func (s *sheet) removeNIC(mac string) {
	if e := s.nic(mac); e != nil {
		s.devices.RemoveChild(e)
		s.changed = true
	}
}

// plug moves an interface to where the wanted one is plugged in.
func plug(e *etree.Element, want nic) {
	kind, key, value := "network", "network", want.network
	if want.bridge != "" {
		kind, key, value = "bridge", "bridge", want.bridge
	}
	e.CreateAttr("type", kind)
	at := -1
	if old := e.SelectElement("source"); old != nil {
		at = old.Index()
		e.RemoveChildAt(at)
	}
	source := etree.NewElement("source")
	source.CreateAttr(key, value)
	if at < 0 {
		e.AddChild(source)
		return
	}
	e.InsertChildAt(at, source)
}

// disk returns the disk at the target, or nil.
func (s *sheet) disk(target string) *etree.Element {
	for _, e := range s.devices.SelectElements("disk") {
		if t := e.SelectElement("target"); t != nil && t.SelectAttrValue("dev", "") == target {
			return e
		}
	}
	return nil
}

// hasSCSI tells whether the document has that SCSI controller.
func (s *sheet) hasSCSI(index string) bool { return s.scsi(index) != nil }

func (s *sheet) scsi(index string) *etree.Element {
	for _, e := range s.devices.SelectElements("controller") {
		if e.SelectAttrValue("type", "") == "scsi" && e.SelectAttrValue("index", "") == index {
			return e
		}
	}
	return nil
}

// controllerOf returns the SCSI controller of a disk; nil for other disks.
func (s *sheet) controllerOf(disk *etree.Element) *etree.Element {
	a := disk.SelectElement("address")
	if a == nil || a.SelectAttrValue("type", "") != "drive" {
		return nil
	}
	return s.scsi(a.SelectAttrValue("controller", ""))
}

// setMark puts the mark into the metadata, in place of the one that is there.
func (s *sheet) setMark(m *markXML) error {
	e, err := m.element()
	if err != nil {
		return err
	}
	meta := s.root.SelectElement("metadata")
	if meta == nil {
		meta = s.root.CreateElement("metadata")
	}
	for _, old := range meta.ChildElements() {
		if old.Tag == e.Tag && old.NamespaceURI() == markSpace {
			at := old.Index()
			meta.RemoveChildAt(at)
			meta.InsertChildAt(at, e)
			return nil
		}
	}
	meta.AddChild(e)
	return nil
}

// elementText returns one element as a document of its own.
func elementText(e *etree.Element) (string, error) {
	doc := etree.NewDocument()
	doc.SetRoot(e.Copy())
	return doc.WriteToString()
}
