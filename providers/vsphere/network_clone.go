package vsphere

import (
	"github.com/vmware/govmomi/vim25/types"
)

// takeCards gives a new VM the interfaces of the manifest. One that names no
// network keeps the template's interface in its position, under an address of
// its own; the template's others are taken out.
func (d *draft) takeCards(c creation) error {
	cards := cardsOf(d.devices)
	keeps := func(i int) bool {
		if i >= len(cards) || i >= len(c.vm.NICs) {
			return false
		}
		_, given := c.networks[c.vm.NICs[i].Name]
		return !given
	}
	for i, card := range cards {
		if !keeps(i) {
			d.remove(cardDevice(card))
		}
	}
	for i, n := range c.vm.NICs {
		var err error
		if to, given := c.networks[n.Name]; given {
			err = d.addNIC(n, &to)
		} else if keeps(i) {
			err = d.keepCard(cards[i], n.Name, d.macOf(n))
		} else {
			err = d.addNIC(n, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keepCard takes over an interface of the template.
func (d *draft) keepCard(card types.BaseVirtualEthernetCard, name, mac string) error {
	if err := checkMAC(name, mac); err != nil {
		return err
	}
	twin := copyOf(card)
	eth := twin.GetVirtualEthernetCard()
	eth.AddressType, eth.MacAddress, eth.Connectable = string(types.VirtualEthernetCardMacTypeManual), mac, d.connected()
	d.edit(cardDevice(twin))
	d.mark.setNIC(markNIC{Name: name, MAC: mac})
	return nil
}
