package wire

import (
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

func encodeWantedDisk(d *manifest.Disk) *stewardv1.WantedDisk {
	return &stewardv1.WantedDisk{
		Name: d.Name, SizeGib: int64(d.SizeGiB), Type: d.Type, ExpandOnline: d.ExpandOnline, StorageClass: d.StorageClass,
		Scsi: maybe(d.SCSI, func(c *manifest.SCSI) *stewardv1.SCSI {
			return &stewardv1.SCSI{Controller: int64(c.Controller), ControllerType: c.ControllerType, SharedBus: c.SharedBus}
		}),
	}
}

func (s *scan) wantedDisk(m *stewardv1.WantedDisk) manifest.Disk {
	if m.GetName() == "" {
		s.fail("a wanted disk has no name")
		return manifest.Disk{}
	}
	return manifest.Disk{
		Name: m.Name, SizeGiB: s.count("size_gib", m.SizeGib), Type: m.Type, ExpandOnline: m.ExpandOnline, StorageClass: m.StorageClass,
		SCSI: maybe(m.Scsi, func(c *stewardv1.SCSI) *manifest.SCSI {
			return &manifest.SCSI{
				Controller: s.count("scsi.controller", c.Controller), ControllerType: c.ControllerType, SharedBus: c.SharedBus,
			}
		}),
	}
}

func encodeWantedNIC(n *manifest.NIC) *stewardv1.WantedNIC {
	return &stewardv1.WantedNIC{
		Name: n.Name, Network: maybe(n.Network, encodeNetwork), Mac: n.MAC, Static: maybe(n.Static, encodeStatic),
	}
}

func (s *scan) wantedNIC(m *stewardv1.WantedNIC) manifest.NIC {
	if m.GetName() == "" {
		s.fail("a wanted interface has no name")
		return manifest.NIC{}
	}
	return manifest.NIC{Name: m.Name, Network: maybe(m.Network, s.network), MAC: m.Mac, Static: maybe(m.Static, s.static)}
}

func encodeNetwork(n *manifest.Network) *stewardv1.Network {
	return &stewardv1.Network{
		Key: encodeKey(n.Key), Mtu: int64(n.MTU),
		Libvirt: maybe(n.Libvirt, func(l *manifest.LibvirtNetwork) *stewardv1.LibvirtNetwork {
			return &stewardv1.LibvirtNetwork{Network: l.Network, Bridge: l.Bridge, Model: l.Model}
		}),
		Vsphere: maybe(n.VSphere, func(v *manifest.VSphereNetwork) *stewardv1.VSphereNetwork {
			return &stewardv1.VSphereNetwork{
				Portgroup: v.Portgroup, AdapterType: v.AdapterType, VlanId: int64(v.VLANID), Switch: v.Switch, PciSlot: int64(v.PCISlot),
			}
		}),
		Proxmox: maybe(n.Proxmox, func(p *manifest.ProxmoxNetwork) *stewardv1.ProxmoxNetwork {
			return &stewardv1.ProxmoxNetwork{Bridge: p.Bridge, Model: p.Model, VlanTag: int64(p.VLANTag)}
		}),
	}
}

func (s *scan) network(m *stewardv1.Network) *manifest.Network {
	return &manifest.Network{
		Key: decodeKey(m.Key), MTU: s.count("mtu", m.Mtu),
		Libvirt: maybe(m.Libvirt, func(l *stewardv1.LibvirtNetwork) *manifest.LibvirtNetwork {
			return &manifest.LibvirtNetwork{Network: l.Network, Bridge: l.Bridge, Model: l.Model}
		}),
		VSphere: maybe(m.Vsphere, func(v *stewardv1.VSphereNetwork) *manifest.VSphereNetwork {
			return &manifest.VSphereNetwork{
				Portgroup: v.Portgroup, AdapterType: v.AdapterType, VLANID: s.count("vlan_id", v.VlanId),
				Switch: v.Switch, PCISlot: s.count("pci_slot", v.PciSlot),
			}
		}),
		Proxmox: maybe(m.Proxmox, func(p *stewardv1.ProxmoxNetwork) *manifest.ProxmoxNetwork {
			return &manifest.ProxmoxNetwork{Bridge: p.Bridge, Model: p.Model, VLANTag: s.count("vlan_tag", p.VlanTag)}
		}),
	}
}

func encodeStatic(a *manifest.StaticAddress) *stewardv1.StaticAddress {
	return &stewardv1.StaticAddress{
		Address: a.Address, Prefix: int64(a.Prefix), Gateway: a.Gateway, Dns: a.DNS, Search: a.Search,
		Routes: each(a.Routes, func(r *manifest.Route) *stewardv1.Route {
			return &stewardv1.Route{Destination: r.Destination, Gateway: r.Gateway, Metric: int64(r.Metric)}
		}),
	}
}

func (s *scan) static(m *stewardv1.StaticAddress) *manifest.StaticAddress {
	return &manifest.StaticAddress{
		Address: m.Address, Prefix: s.count("prefix", m.Prefix), Gateway: m.Gateway, DNS: m.Dns, Search: m.Search,
		Routes: eachOf(m.Routes, func(r *stewardv1.Route) manifest.Route {
			return manifest.Route{Destination: r.GetDestination(), Gateway: r.GetGateway(), Metric: s.count("metric", r.GetMetric())}
		}),
	}
}
