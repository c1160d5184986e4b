package vsphere

import (
	"cmp"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

const (
	defaultModel = "vmxnet3"
	maxNICs      = 10 // of a VM
)

// newCard returns an interface of a model as manifests name it, or nil if
// there is no such model.
func newCard(model string) types.BaseVirtualEthernetCard {
	switch model {
	case "vmxnet3":
		return &types.VirtualVmxnet3{}
	case "e1000":
		return &types.VirtualE1000{}
	case "e1000e":
		return &types.VirtualE1000e{}
	}
	return nil
}

// cardModel returns the model of an interface, also of one that no manifest
// can name; "" if it is not known.
func cardModel(c types.BaseVirtualEthernetCard) string {
	switch c.(type) {
	case *types.VirtualVmxnet3:
		return "vmxnet3"
	case *types.VirtualE1000:
		return "e1000"
	case *types.VirtualE1000e:
		return "e1000e"
	case *types.VirtualVmxnet2:
		return "vmxnet2"
	case *types.VirtualPCNet32:
		return "pcnet32"
	case *types.VirtualSriovEthernetCard:
		return "sriov"
	case *types.VirtualVmxnet3Vrdma:
		return "vmxnet3vrdma"
	}
	return ""
}

// cardsOf returns the interfaces of a list.
func cardsOf(devices object.VirtualDeviceList) []types.BaseVirtualEthernetCard {
	var out []types.BaseVirtualEthernetCard
	for _, d := range devices {
		if c, ok := d.(types.BaseVirtualEthernetCard); ok {
			out = append(out, c)
		}
	}
	return out
}

func cardDevice(c types.BaseVirtualEthernetCard) types.BaseVirtualDevice {
	return c.(types.BaseVirtualDevice)
}

// cardMAC returns the address of an interface as the contract writes it.
func cardMAC(c types.BaseVirtualEthernetCard) string {
	return strings.ToLower(c.GetVirtualEthernetCard().MacAddress)
}

// addNIC gives the VM an interface of the manifest, and notes it in the mark.
// One of its name that is there is plugged in elsewhere if its address and
// model stay, and replaced otherwise. to is where it is plugged in; nil leaves
// it where it is, and for a new one is an error.
func (d *draft) addNIC(n manifest.NIC, to *network) error {
	mac, have := d.macOf(n), d.cardFor(providers.NICRef{Name: n.Name})
	if err := checkMAC(n.Name, mac); err != nil {
		return err
	}
	model := defaultModel
	switch {
	case n.Network != nil && n.Network.VSphere != nil && n.Network.VSphere.AdapterType != "":
		model = n.Network.VSphere.AdapterType
	case n.Network == nil && have != nil:
		model = cmp.Or(cardModel(have), defaultModel)
	}
	where, err := d.backingFor(n, to, have)
	if err != nil {
		return err
	}
	if have != nil && cardModel(have) == model && cardMAC(have) == mac {
		return d.move(have, where)
	}
	card := newCard(model)
	if card == nil {
		return invalid("NIC %q: there is no adapter %q", n.Name, model)
	}
	if err := d.hot("an interface is added"); err != nil {
		return err
	}
	if have != nil {
		d.remove(cardDevice(have))
	}
	if len(cardsOf(d.devices)) >= maxNICs {
		return invalid("NIC %q is one too many: a VM has %d at most", n.Name, maxNICs)
	}
	d.plugCard(card, n, mac, where)
	d.mark.setNIC(markNIC{Name: n.Name, MAC: mac})
	return nil
}

// backingFor returns what a NIC is plugged into.
func (d *draft) backingFor(n manifest.NIC, to *network, have types.BaseVirtualEthernetCard) (types.BaseVirtualDeviceBackingInfo, error) {
	switch {
	case to != nil:
		return to.backing(), nil
	case have != nil:
		return have.GetVirtualEthernetCard().Backing, nil
	}
	return nil, invalid("NIC %q names no network, the template has no interface for it, and the provider has no default network; write networkRef",
		n.Name)
}

// plugCard adds an interface.
func (d *draft) plugCard(card types.BaseVirtualEthernetCard, n manifest.NIC, mac string, where types.BaseVirtualDeviceBackingInfo) {
	c := card.GetVirtualEthernetCard()
	c.Backing, c.AddressType, c.MacAddress = where, string(types.VirtualEthernetCardMacTypeManual), mac
	c.Connectable = d.connected()
	if n.Network != nil && n.Network.VSphere != nil && n.Network.VSphere.PCISlot > 0 {
		c.SlotInfo = &types.VirtualDevicePciBusSlotInfo{PciSlotNumber: int32(n.Network.VSphere.PCISlot)}
	}
	d.add(cardDevice(card), "")
}

// connected is how an interface is plugged in: for good, and at once where
// there is a machine that runs.
func (d *draft) connected() *types.VirtualDeviceConnectInfo {
	return &types.VirtualDeviceConnectInfo{StartConnected: true, AllowGuestControl: true, Connected: d.running}
}

// move plugs an interface in elsewhere.
func (d *draft) move(card types.BaseVirtualEthernetCard, where types.BaseVirtualDeviceBackingInfo) error {
	if samePlug(card.GetVirtualEthernetCard().Backing, where) {
		return nil
	}
	if err := d.hot("an interface is plugged in elsewhere"); err != nil {
		return err
	}
	twin := copyOf(card)
	twin.GetVirtualEthernetCard().Backing = where
	d.edit(cardDevice(twin))
	return nil
}

// samePlug tells whether two backings are of the same network.
func samePlug(a, b types.BaseVirtualDeviceBackingInfo) bool {
	id, kind := plugID(a)
	other, otherKind := plugID(b)
	return id != "" && id == other && kind == otherKind
}

// removeNIC takes out an interface, if it is there, and forgets it.
func (d *draft) removeNIC(ref providers.NICRef) error {
	card := d.cardFor(ref)
	if card != nil {
		if err := d.hot("an interface is removed"); err != nil {
			return err
		}
		d.remove(cardDevice(card))
	}
	d.mark.dropNIC(ref)
	return nil
}

// cardFor returns the interface that ref names, or nil.
func (d *draft) cardFor(ref providers.NICRef) types.BaseVirtualEthernetCard {
	names := cardNames(d.devices, d.mark)
	for _, c := range cardsOf(d.devices) {
		name := names[c.GetVirtualEthernetCard().Key]
		if ref.Name != "" && name == ref.Name || ref.Name == "" && ref.MAC != "" && cardMAC(c) == strings.ToLower(ref.MAC) {
			return c
		}
	}
	return nil
}

// checkMAC refuses an address that no interface can have.
func checkMAC(name, mac string) error {
	hw, err := net.ParseMAC(mac)
	if err != nil || len(hw) != 6 || hw[0]&1 != 0 {
		return invalid("NIC %q: %q is not the hardware address of an interface", name, mac)
	}
	return nil
}

// setNIC notes an interface in place of the one of its name.
func (m *mark) setNIC(n markNIC) {
	if have := m.nic(n.Name); have != nil {
		*have = n
		return
	}
	m.NICs = append(m.NICs, n)
}

// dropNIC forgets an interface.
func (m *mark) dropNIC(ref providers.NICRef) {
	m.NICs = slices.DeleteFunc(m.NICs, func(n markNIC) bool {
		return ref.Name != "" && n.Name == ref.Name || ref.Name == "" && strings.EqualFold(n.MAC, ref.MAC)
	})
}

// setNICSlot asks for another PCI slot. The server gives another one if that
// is taken.
func setNICSlot(d *draft, name, text string) error {
	slot, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return invalid("NIC %q: %q is not the number of a PCI slot", name, text)
	}
	card := d.cardFor(providers.NICRef{Name: name})
	if card == nil {
		return invalid("the VM has no NIC %q", name)
	}
	twin := copyOf(card)
	twin.GetVirtualEthernetCard().SlotInfo = &types.VirtualDevicePciBusSlotInfo{PciSlotNumber: int32(slot)}
	d.edit(cardDevice(twin))
	return nil
}
