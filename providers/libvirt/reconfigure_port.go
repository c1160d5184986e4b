package libvirt

import (
	"strconv"

	"github.com/beevik/etree"
	"libvirt.org/go/libvirtxml"
)

// port returns the address of a free PCI port for a device that is added, or
// nil, which leaves the choice to libvirt. The port lies behind every one that
// is in use, in the definition and in the running machine alike. libvirt would
// take the first free one, and not the same in both: then a guest would name
// its older disks and interfaces anew at the next start.
func (e *edit) port() *libvirtxml.DomainAddress {
	ports, last := e.sheet.ports()
	if e.cable != nil {
		live, lastLive := e.cable.ports()
		for n := range ports {
			if !live[n] {
				delete(ports, n)
			}
		}
		last = max(last, lastLive)
	}
	last = max(last, e.lastPort)
	best := 0
	for n := range ports {
		if n > last && (best == 0 || n < best) {
			best = n
		}
	}
	if best == 0 {
		return nil
	}
	e.lastPort = best
	bus, zero := uint(best), uint(0)
	return &libvirtxml.DomainAddress{PCI: &libvirtxml.DomainAddressPCI{Domain: &zero, Bus: &bus, Slot: &zero, Function: &zero}}
}

// ports returns the PCI Express ports of the machine by the bus behind them,
// and the last of them that a device is in.
func (s *sheet) ports() (ports map[int]bool, last int) {
	ports = map[int]bool{}
	for _, c := range s.devices.SelectElements("controller") {
		if n, err := strconv.Atoi(c.SelectAttrValue("index", "")); err == nil && c.SelectAttrValue("model", "") == "pcie-root-port" {
			ports[n] = true
		}
	}
	for _, d := range s.devices.ChildElements() {
		if n := busOf(d); ports[n] {
			last = max(last, n)
		}
	}
	return ports, last
}

// busOf returns the PCI bus that a device is on; 0 is the root's, or none.
func busOf(device *etree.Element) int {
	a := device.SelectElement("address")
	if a == nil || a.SelectAttrValue("type", "") != "pci" {
		return 0
	}
	n, err := strconv.ParseInt(a.SelectAttrValue("bus", ""), 0, 32)
	if err != nil {
		return 0
	}
	return int(n)
}
