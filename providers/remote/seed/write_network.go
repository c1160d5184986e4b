package seed

import (
	"fmt"
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
)

// networksOf returns the interfaces; nil is written as null. Each says the
// same in both spellings.
func networksOf(p *Peer, nics []manifest.NIC) []Network {
	var all []Network
	for _, nic := range nics {
		n := Network{Name: nic.Name, MacAddress: nic.MAC}
		if nic.Network != nil {
			n.plug(p, nic.Network)
		}
		if s := nic.Static; s != nil {
			n.StaticIP, n.Prefix, n.Gateway, n.DNS = s.Address, int32(s.Prefix), s.Gateway, strings.Join(s.DNS, ",")
			n.LowerStaticIP = &LowerAddress{
				Address: fmt.Sprintf("%s/%d", s.Address, s.Prefix), Gateway: s.Gateway, DNS: s.DNS,
			}
		}
		n.LowerName, n.LowerVLAN = n.Name, n.VLAN
		if n.Bridge != "" {
			n.LowerName = n.Bridge
		}
		all = append(all, n)
	}
	return all
}

// plug says where the interface is plugged in, in the words of one kind of
// server; to a kind that nobody knows, everything is said.
func (n *Network) plug(p *Peer, at *manifest.Network) {
	if l := at.Libvirt; l != nil && p.tells("libvirt") {
		n.NetworkName, n.Bridge, n.Model = l.Network, l.Bridge, l.Model
	}
	if v := at.VSphere; v != nil && p.tells("vsphere") {
		n.VLAN = int32(v.VLANID)
		if n.NetworkName == "" {
			n.NetworkName, n.Portgroup = v.Portgroup, v.Portgroup
		}
		if n.Model == "" {
			n.Model = v.AdapterType
		}
		if v.PCISlot > 0 {
			n.PCISlotNumber = new(int32(v.PCISlot))
		}
	}
	if x := at.Proxmox; x != nil && p.tells("proxmox") && n.Bridge == "" && n.NetworkName == "" {
		n.Bridge, n.Model, n.VLAN = x.Bridge, x.Model, int32(x.VLANTag)
	}
}
