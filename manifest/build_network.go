package manifest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func (b *builder) nics() {
	if len(b.spec.Networks) == 0 {
		return
	}
	names, macs := make(map[string]int), make(map[string]int)
	b.vm.NICs = make([]NIC, 0, len(b.spec.Networks))
	for i, ref := range b.spec.Networks {
		field := fmt.Sprintf("spec.networks[%d]", i)
		if before, twice := names[ref.Name]; twice {
			b.holdf(field+".name", "", "network %q is written twice, before as spec.networks[%d]", ref.Name, before)
		}
		names[ref.Name] = i
		nic := NIC{Name: ref.Name, MAC: canonicalMAC(ref.MACAddress)}
		if nic.MAC != "" {
			if before, twice := macs[nic.MAC]; twice {
				b.holdf(field+".macAddress", "", "hardware address %s is written twice, before in spec.networks[%d]", nic.MAC, before)
			}
			macs[nic.MAC] = i
			b.macs = append(b.macs, nic.MAC)
		}
		if b.doc.Valid {
			b.attach(field, ref, &nic)
		}
		b.vm.NICs = append(b.vm.NICs, nic)
	}
}

// canonicalMAC writes a hardware address in lower case with colons.
func canonicalMAC(s string) string {
	return strings.ReplaceAll(strings.ToLower(s), "-", ":")
}

// attach fills in where a NIC is plugged in and the guest's address.
func (b *builder) attach(field string, ref NetworkRef, nic *NIC) {
	var allocation *IPAllocation
	if ref.NetworkRef != nil {
		ob := b.refer(field+".networkRef", KindVMNetworkAttachment, ref.NetworkRef.In(b.ns))
		if ob == nil {
			return
		}
		doc := ob.docs[0]
		object, ok := doc.Object.(*VMNetworkAttachment)
		if !ok {
			return
		}
		nic.Network = b.network(ob, &object.Spec.Network)
		allocation = object.Spec.IPAllocation
		if ref.IPAddress == "" && !b.allocates(doc, allocation) {
			return
		}
	}
	nic.Static = b.static(field, ref, allocation)
}

// allocates checks that a network can give an address the way it says; what is
// not carried out is warned about.
func (b *builder) allocates(doc *Document, a *IPAllocation) bool {
	switch {
	case a == nil:
	case a.Type == "Static" && a.StaticConfig == nil:
		b.hold(doc.finding(Error, "spec.ipAllocation", "type Static needs staticConfig", ""))
		return false
	case a.Type == "Pool", a.Type == "None":
		b.warnf(doc, "spec.ipAllocation.type", "write DHCP, or Static with staticConfig",
			"type %s has no effect: the guest asks for an address by DHCP, unless its first-boot data say otherwise", a.Type)
	}
	return true
}

// static decides the guest's address: the VM's own, else the network's.
func (b *builder) static(field string, ref NetworkRef, allocation *IPAllocation) *StaticAddress {
	var s *StaticAddress
	switch {
	case ref.IPAddress != "" && ref.Prefix == 0:
		b.holdf(field+".ipAddress", "write prefix, such as 24", "an address without a prefix length")
		return nil
	case ref.IPAddress != "":
		s = &StaticAddress{Address: canonicalIPv4(ref.IPAddress), Prefix: int(ref.Prefix), Gateway: canonicalIPv4(ref.Gateway)}
	case allocation != nil && allocation.Type == "Static":
		s = allocatedAddress(allocation.StaticConfig)
	}
	own := b.words.list(splitList(ref.DNS))
	if s == nil {
		if ref.Gateway != "" || ref.Prefix != 0 || len(own) > 0 {
			b.warnf(b.doc, field, "write ipAddress too", "gateway, prefix and dns have no effect without ipAddress")
		}
		return nil
	}
	if allocation != nil && allocation.DNSConfig != nil {
		s.DNS, s.Search = allocation.DNSConfig.Servers, allocation.DNSConfig.SearchDomains
	}
	if len(own) > 0 {
		s.DNS = own
	}
	return s
}

func allocatedAddress(c *StaticConfig) *StaticAddress {
	address, prefix, _ := strings.Cut(c.Address, "/")
	bits, _ := strconv.Atoi(prefix) // the pattern admits digits only
	s := &StaticAddress{Address: canonicalIPv4(address), Prefix: bits, Gateway: canonicalIPv4(c.Gateway)}
	for _, r := range c.Routes {
		route := Route{Destination: canonicalCIDR(r.Destination), Gateway: canonicalIPv4(r.Gateway)}
		if r.Metric != nil {
			route.Metric = int(*r.Metric)
		}
		s.Routes = append(s.Routes, route)
	}
	return s
}

// canonicalIPv4 drops the leading zeros that the API admits and others read as
// octal.
func canonicalIPv4(s string) string {
	if s == "" {
		return ""
	}
	octets := strings.Split(s, ".")
	for i, o := range octets {
		if n, err := strconv.Atoi(o); err == nil {
			octets[i] = strconv.Itoa(n)
		}
	}
	return strings.Join(octets, ".")
}

func canonicalCIDR(s string) string {
	address, bits, _ := strings.Cut(s, "/")
	return canonicalIPv4(address) + "/" + bits
}

// splitList reads a list that is separated by commas.
func splitList(s string) []string {
	var list []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return slices.Clip(list)
}

// network resolves a VMNetworkAttachment once; NICs that share it share the value.
func (b *builder) network(ob *object, config *NetworkConfig) *Network {
	if ob.network != nil {
		return ob.network
	}
	doc := ob.docs[0]
	n := &Network{Key: doc.Key}
	if doc.declares("spec.network.mtu") {
		n.MTU = int(config.MTU)
	}
	if l := config.Libvirt; l != nil {
		n.Libvirt = &LibvirtNetwork{Network: l.NetworkName, Model: l.Model}
		if l.Bridge != nil {
			n.Libvirt.Bridge = l.Bridge.Name
		}
	}
	if v := config.VSphere; v != nil {
		n.VSphere = &VSphereNetwork{Portgroup: v.Portgroup, AdapterType: v.AdapterType, PCISlot: int(v.PCISlotNumber)}
		if v.VLAN != nil {
			n.VSphere.VLANID = int(v.VLAN.VLANID)
		}
		if v.DistributedSwitch != nil {
			n.VSphere.Switch = v.DistributedSwitch.Name
		}
	}
	if p := config.Proxmox; p != nil {
		n.Proxmox = &ProxmoxNetwork{Bridge: p.Bridge, Model: p.Model, VLANTag: int(p.VLANTag)}
	}
	ob.network = n
	return n
}
