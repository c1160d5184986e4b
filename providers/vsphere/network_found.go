package vsphere

import (
	"strconv"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// The kinds of what an interface is plugged into.
const (
	plugStandard    = "standard"
	plugDistributed = "distributed"
	plugOpaque      = "opaque"
)

// plugID returns what identifies the network of a backing within its kind: the
// name of a standard port group, the key of a distributed one, the id of an
// opaque network.
func plugID(b types.BaseVirtualDeviceBackingInfo) (id, kind string) {
	switch b := b.(type) {
	case *types.VirtualEthernetCardNetworkBackingInfo:
		return b.DeviceName, plugStandard
	case *types.VirtualEthernetCardDistributedVirtualPortBackingInfo:
		return b.Port.PortgroupKey, plugDistributed
	case *types.VirtualEthernetCardOpaqueNetworkBackingInfo:
		return b.OpaqueNetworkId, plugOpaque
	}
	return "", ""
}

// of returns the name of the network of a backing; "" if it is not known.
func (n networkNames) of(b types.BaseVirtualDeviceBackingInfo) string {
	id, kind := plugID(b)
	if kind == plugStandard {
		return id
	}
	return n[id]
}

// nicsOf lists the interfaces with the names that the mark gives them.
func nicsOf(devices object.VirtualDeviceList, m *mark, names networkNames) []providers.NIC {
	var out []providers.NIC
	known := cardNames(devices, m)
	for _, c := range cardsOf(devices) {
		card := c.GetVirtualEthernetCard()
		out = append(out, providers.NIC{
			Name: known[card.Key], Network: names.of(card.Backing), Model: cardModel(c), MAC: cardMAC(c),
		})
	}
	return out
}

// cardNames returns the names of the interfaces that the mark knows, by device
// key. An interface is known by its key where the mark has it, or else by its
// address; and when one is left over on both sides, they are the same one,
// whose address somebody changed.
func cardNames(devices object.VirtualDeviceList, m *mark) map[int32]string {
	names := make(map[int32]string)
	if m == nil {
		return names
	}
	cards := cardsOf(devices)
	match := func(n markNIC, is func(types.BaseVirtualEthernetCard) bool) bool {
		for _, c := range cards {
			if key := c.GetVirtualEthernetCard().Key; names[key] == "" && is(c) {
				names[key] = n.Name
				return true
			}
		}
		return false
	}
	var left []markNIC
	for _, n := range m.NICs {
		if n.Key == 0 || !match(n, func(c types.BaseVirtualEthernetCard) bool { return c.GetVirtualEthernetCard().Key == n.Key }) {
			left = append(left, n)
		}
	}
	var lost []markNIC
	for _, n := range left {
		if !match(n, func(c types.BaseVirtualEthernetCard) bool { return cardMAC(c) == n.MAC }) && n.Key == 0 {
			lost = append(lost, n)
		}
	}
	if len(lost) == 1 && len(cards)-len(names) == 1 {
		match(lost[0], func(types.BaseVirtualEthernetCard) bool { return true })
	}
	return names
}

// nicTraits adds the traits of the interfaces that the mark names.
func nicTraits(t providers.Traits, devices object.VirtualDeviceList, m *mark) {
	names := cardNames(devices, m)
	for _, c := range cardsOf(devices) {
		card := c.GetVirtualEthernetCard()
		slot, ok := card.SlotInfo.(*types.VirtualDevicePciBusSlotInfo)
		if name := names[card.Key]; ok && name != "" {
			t[providers.FieldNICSlot.Of(name)] = strconv.Itoa(int(slot.PciSlotNumber))
		}
	}
}
