package vsphere

import (
	"cmp"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
)

// network is something to plug an interface into, as a name of the manifest
// was resolved: a standard port group, a distributed one, or an opaque network.
type network struct {
	ref  types.ManagedObjectReference
	name string // as NIC.Network reports it

	portgroupKey, switchUUID string // of a distributed port group
	opaqueID, opaqueType     string // of an opaque network
}

// backing returns what an interface on the network is backed by.
func (n network) backing() types.BaseVirtualDeviceBackingInfo {
	switch {
	case n.portgroupKey != "":
		return &types.VirtualEthernetCardDistributedVirtualPortBackingInfo{
			Port: types.DistributedVirtualSwitchPortConnection{PortgroupKey: n.portgroupKey, SwitchUuid: n.switchUUID},
		}
	case n.opaqueID != "":
		return &types.VirtualEthernetCardOpaqueNetworkBackingInfo{OpaqueNetworkId: n.opaqueID, OpaqueNetworkType: n.opaqueType}
	}
	return &types.VirtualEthernetCardNetworkBackingInfo{
		VirtualDeviceDeviceBackingInfo: types.VirtualDeviceDeviceBackingInfo{DeviceName: n.name},
		Network:                        &n.ref,
	}
}

// networkNames holds the names of networks whose backing does not say it: by
// the key of a distributed port group, or the id of an opaque network. One
// that is not in it has no known name.
type networkNames map[string]string

// wantedNetwork returns the names of the port group and of the switch, if any,
// that a NIC of the manifest is plugged into. Both are empty for a NIC that
// keeps the template's interface; where there is none, it is plugged into
// Defaults.Network. A network that is for other hypervisors only is an error
// of kind InvalidSpec.
func wantedNetwork(n manifest.NIC) (portgroup, dvs string, err error) {
	if n.Network == nil {
		return "", "", nil
	}
	v := n.Network.VSphere
	if v == nil || v.Portgroup == "" {
		return "", "", invalid("VMNetworkAttachment %s names no port group for vSphere; add spec.network.vsphere.portgroup", n.Network.Key)
	}
	return v.Portgroup, v.Switch, nil
}

// macOf returns the address that a NIC is given: the manifest's, the one that
// it was given before, or always the same one of our own.
func (d *draft) macOf(n manifest.NIC) string {
	known := ""
	if note := d.mark.nic(n.Name); note != nil {
		known = note.MAC
	}
	return cmp.Or(n.MAC, known, d.mark.owner().MAC(macPrefix, n.Name))
}
