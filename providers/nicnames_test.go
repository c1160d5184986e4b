package providers

import (
	"testing"

	"github.com/vmsteward/vmsteward/manifest"
)

func TestNamesOfInterfaces(t *testing.T) {
	lan := manifest.Key{Namespace: "default", Name: "lan"}
	names := func(network ...string) NICNames {
		return NICNames{Network: network, Model: []string{"libvirt.model"}, DefaultModel: "virtio"}
	}
	bridge := &manifest.LibvirtNetwork{Network: "net", Bridge: "br0", Model: "e1000"}
	for _, r := range []struct {
		names        NICNames
		network      *manifest.Network
		where, model string
		reason       string
	}{
		{names("name"), nil, "", "", "the template's interface is kept"},
		{names("name"), &manifest.Network{Key: lan}, "lan", "virtio", "every attachment has a name"},
		{names("libvirt.networkName", "libvirt.bridge.name"), &manifest.Network{Libvirt: bridge}, "net", "e1000", "the first that is not empty"},
		{names("vsphere.portgroup", "libvirt.bridge.name"), &manifest.Network{Libvirt: bridge}, "br0", "e1000", "whichever block it is in"},
		{names("libvirt.networkName"), &manifest.Network{Libvirt: &manifest.LibvirtNetwork{}}, "", "virtio", "the block is there, and says nothing"},
		{names("libvirt.networkName"), &manifest.Network{VSphere: &manifest.VSphereNetwork{Portgroup: "pg"}}, "", "", "a block of another hypervisor"},
		{names("vsphere.portgroup"), &manifest.Network{Libvirt: bridge}, "", "e1000", "the block of the model is enough"},
		{names("proxmox.bridge", "name"), &manifest.Network{Key: lan, Libvirt: bridge}, "", "e1000", "what comes before it may not be empty"},
		{names("name", "proxmox.bridge"), &manifest.Network{Key: lan}, "lan", "virtio", "what comes after it is not looked at"},
		{names("proxmox.bridge"), &manifest.Network{Key: lan}, "", "", "nobody knows whether the block is there"},
		{
			NICNames{Network: []string{"name"}, Model: []string{"proxmox.model"}, DefaultModel: "virtio"}, &manifest.Network{Key: lan},
			"lan", "", "a model may be said that nobody knows",
		},
		{NICNames{Network: []string{"name"}}, &manifest.Network{Key: lan}, "lan", "", "without a model there is no opinion on it"},
		{NICNames{}, &manifest.Network{Key: lan, Libvirt: bridge}, "", "", "nothing is stated"},
		{NICNames{DefaultModel: "virtio"}, &manifest.Network{Key: lan, Libvirt: bridge}, "", "", "no block is spoken of"},
		{
			NICNames{Network: []string{"vsphere.portgroup"}, LastElement: true}, &manifest.Network{VSphere: &manifest.VSphereNetwork{Portgroup: "/dc/net"}},
			"net", "", "the end of a path",
		},
	} {
		where, model := r.names.Of(manifest.NIC{Name: "eth0", Network: r.network})
		if where != r.where || model != r.model {
			t.Errorf("%s: %q with %q, want %q with %q", r.reason, where, model, r.where, r.model)
		}
	}
}

// TestAttributesAreFieldsOfManifests holds what NICNames can speak of against
// the manifests.
func TestAttributesAreFieldsOfManifests(t *testing.T) {
	const above = "VMNetworkAttachment.spec.network."
	var known []string
	for f := range manifest.Fields(manifest.KindVMNetworkAttachment) {
		if len(f.Path) > len(above) && !attributeOf(&manifest.Network{}, f.Path[len(above):]).lost {
			known = append(known, f.Path)
		}
	}
	if len(known) != 5 {
		t.Errorf("names can be made of %d fields, want the 5 that NICNames lists: %v", len(known), known)
	}
}

func TestNamingAllocatesNothing(t *testing.T) {
	names := NICNames{Network: []string{"vsphere.portgroup"}, LastElement: true, Model: []string{"vsphere.adapterType"}, DefaultModel: "vmxnet3"}
	nic := manifest.NIC{Name: "lan", Network: &manifest.Network{VSphere: &manifest.VSphereNetwork{Portgroup: "/dc/network/net"}}}
	if n := testing.AllocsPerRun(100, func() { names.Of(nic) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestLastElement(t *testing.T) {
	for written, want := range map[string]string{
		"net":                     "net",
		"":                        "",
		"/":                       "",
		"net/":                    "net", // no path, but for the slash that is cut
		"50%25":                   "50%25",
		"/DC0/network/prod/net":   "net",
		"/DC0/network/prod/net//": "net",
		"prod/a%2fb":              "a/b",
		"prod/a%2Fb%5cc%5Cd%25":   `a/b\c\d%`,
		"prod/%252f":              "%2f", // replaced once
		"prod/%20":                "%20",
	} {
		if got := LastElement(written); got != want {
			t.Errorf("%q ends in %q, want %q", written, got, want)
		}
	}
}
