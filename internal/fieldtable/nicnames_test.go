package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/manifest"
)

// TestNamesOfNetworks holds how each provider says it will report what an
// interface is plugged in to, and its model.
func TestNamesOfNetworks(t *testing.T) {
	lan := manifest.Key{Namespace: "default", Name: "lan"}
	onLibvirt := func(network, bridge, model string) *manifest.Network {
		return &manifest.Network{Key: lan, Libvirt: &manifest.LibvirtNetwork{Network: network, Bridge: bridge, Model: model}}
	}
	onVSphere := func(portgroup, adapter string) *manifest.Network {
		return &manifest.Network{Key: lan, VSphere: &manifest.VSphereNetwork{Portgroup: portgroup, AdapterType: adapter, Switch: "dvs"}}
	}
	both := onLibvirt("net", "", "e1000")
	both.VSphere = onVSphere("pg", "sriov").VSphere
	type said map[string]string
	for _, r := range []struct {
		reason  string
		network *manifest.Network
		want    said
	}{
		{"the template's interface is kept", nil, said{"libvirt": " ", "vsphere": " ", "memory": " "}},
		{"no block", &manifest.Network{Key: lan}, said{"libvirt": " ", "vsphere": " ", "memory": "lan virtio"}},
		{"an empty block of libvirt", onLibvirt("", "", ""), said{"libvirt": " virtio", "vsphere": " ", "memory": "lan virtio"}},
		{"an empty block of vSphere", onVSphere("", ""), said{"libvirt": " ", "vsphere": " vmxnet3", "memory": "lan virtio"}},
		{"a network", onLibvirt("net", "", "e1000"), said{"libvirt": "net e1000", "vsphere": " ", "memory": "net e1000"}},
		{"a bridge before a network", onLibvirt("net", "br0", ""), said{"libvirt": "br0 virtio", "vsphere": " ", "memory": "br0 virtio"}},
		{"a port group", onVSphere("pg", "e1000e"), said{"libvirt": " ", "vsphere": "pg e1000e", "memory": "pg virtio"}},
		{"an inventory path", onVSphere("/DC/a%2fb/", ""), said{"libvirt": " ", "vsphere": "a/b vmxnet3", "memory": "/DC/a%2fb/ virtio"}},
		{"blocks for both", both, said{"libvirt": "net e1000", "vsphere": "pg sriov", "memory": "net e1000"}},
	} {
		got := said{}
		for _, c := range builtIn(t) {
			network, model := c.caps.NIC.Of(manifest.NIC{Name: "eth0", Network: r.network})
			got[c.name] = network + " " + model
		}
		if diff := cmp.Diff(r.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.reason, diff)
		}
	}
}
