package libvirt

import (
	"fmt"
	"strings"

	"github.com/beevik/etree"
	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// nicFor returns the interface that ref names, or nil.
func (d *domainDoc) nicFor(ref providers.NICRef, mark *markXML) *nicDoc {
	for i := range d.Devices.NICs {
		n := &d.Devices.NICs[i]
		if ref.Name != "" && n.name(mark) == ref.Name || ref.Name == "" && strings.EqualFold(n.MAC.Address, ref.MAC) {
			return n
		}
	}
	return nil
}

// removeNIC takes the interface out of the definition, the mark and the
// running machine.
func (e *edit) removeNIC(ref providers.NICRef) {
	if n := e.seen.nicFor(ref, e.mark); n != nil {
		e.sheet.removeNIC(n.MAC.Address)
	}
	if e.live != nil {
		if n := e.live.nicFor(ref, e.mark); n != nil {
			e.detach(ref.Name, n.MAC.Address)
		}
	}
	e.mark.dropNIC(ref.Name)
}

// addNIC gives the interface to the definition and to the running machine.
// One of its name that is there is moved if its address and model stay, and
// replaced otherwise.
func (e *edit) addNIC(n manifest.NIC) error {
	want, err := e.p.nicFor(e.owner, n, e.mark.mac(n.Name))
	if err != nil {
		return err
	}
	ref := providers.NICRef{Name: n.Name}
	config := e.seen.nicFor(ref, e.mark)
	if n.Network == nil && config != nil {
		want.keep(config)
	}
	if err := checkNetwork(e.c, want); err != nil {
		return err
	}
	if err := e.configureNIC(want, config); err != nil {
		return err
	}
	if e.live != nil {
		err = e.plugNIC(want, e.live.nicFor(ref, e.mark))
	}
	e.mark.setNIC(want.name, want.mac)
	return err
}

// keep leaves the interface where it is.
func (n *nic) keep(have *nicDoc) {
	n.network, n.bridge, n.model = have.Source.Network, "", have.Model.Type
	if n.network == "" {
		n.bridge = have.Source.Bridge
	}
}

// is tells whether have is already as n wants it.
func (n *nic) is(have *nicDoc) bool { return n.where() == have.where() && n.moves(have) }

// moves tells whether have becomes n by being plugged in elsewhere.
func (n *nic) moves(have *nicDoc) bool {
	return n.model == have.Model.Type && strings.EqualFold(n.mac, have.MAC.Address)
}

func (e *edit) configureNIC(want nic, have *nicDoc) error {
	switch {
	case have == nil:
	case want.is(have):
		return nil
	case want.moves(have):
		plug(e.sheet.nic(have.MAC.Address), want)
		e.sheet.changed = true
		return nil
	default:
		e.sheet.removeNIC(have.MAC.Address)
	}
	device := nicDevice(want)
	device.Address = e.port()
	return e.sheet.addDevice(&device)
}

func (e *edit) plugNIC(want nic, have *nicDoc) error {
	switch {
	case have == nil:
	case want.is(have):
		return nil
	case want.moves(have):
		moved := e.cable.nic(have.MAC.Address).Copy()
		plug(moved, want)
		return e.update(moved)
	default:
		e.detach(want.name, have.MAC.Address)
	}
	return e.attach(e.sheet.nic(want.mac))
}

// update changes a device of the running machine, later.
func (e *edit) update(device *etree.Element) error {
	text, err := elementText(device)
	if err != nil {
		return err
	}
	e.then(func() error {
		return e.c.DomainUpdateDeviceFlags(e.dom, text, golibvirt.DomainDeviceModifyLive)
	})
	return nil
}

// detach takes an interface out of the running machine, later. libvirt waits
// for some seconds and then says that all is well, whatever the guest did:
// only the machine's document tells.
func (e *edit) detach(name, mac string) {
	e.then(func() error {
		text, err := elementText(e.cable.nic(mac))
		if err != nil {
			return err
		}
		if err := e.c.DomainDetachDeviceFlags(e.dom, text, uint32(golibvirt.DomainDeviceModifyLive)); err != nil {
			return err
		}
		left, err := e.c.DomainGetXMLDesc(e.dom, 0)
		if err != nil {
			return err
		}
		now, err := readDomain(left)
		if err != nil {
			return err
		}
		if now.nicFor(providers.NICRef{MAC: mac}, nil) != nil {
			return &providers.Error{
				Kind: providers.Retryable, Err: fmt.Errorf("interface %s: %w", orElse(name, mac), errHeld),
			}
		}
		return nil
	})
}
