package providers

import (
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
)

// NICNames says how a provider reports what an interface is plugged in to, and
// its model. Network and Model list attributes of the VMNetworkAttachment; the
// first that is not empty is the one. An attribute is "name", the attachment's
// own name, or its path below VMNetworkAttachment.spec.network:
//
//	libvirt.bridge.name    libvirt.networkName    libvirt.model
//	vsphere.portgroup      vsphere.adapterType
//
// There is no opinion about an interface without an attachment, about one
// whose attachment has no block that an attribute of the two lists is in, and
// where the search comes upon any other attribute. The zero value has none.
type NICNames struct {
	Network []string `json:"network,omitempty"` // in the order of precedence
	// LastElement reports an inventory path as LastElement returns it.
	LastElement  bool     `json:"lastElement,omitempty"`
	Model        []string `json:"model,omitempty"` // in the order of precedence
	DefaultModel string   `json:"defaultModel,omitempty"`
}

// Of returns the name that NIC.Network will have for a wanted interface, and
// its model; empty: there is no opinion.
func (n *NICNames) Of(nic manifest.NIC) (network, model string) {
	if nic.Network == nil {
		return "", ""
	}
	where, what := firstOf(n.Network, nic.Network), firstOf(n.Model, nic.Network)
	if !where.has && !what.has {
		return "", ""
	}
	if n.LastElement {
		where.text = LastElement(where.text)
	}
	if what.text == "" && !what.lost {
		what.text = n.DefaultModel
	}
	return where.text, what.text
}

// attribute is what an attachment says under a name.
type attribute struct {
	text string
	has  bool // the attachment has the block that it is in
	lost bool // there is no such attribute
}

// firstOf returns the first attribute that is not empty, or is not known. It
// has the block that any before it is in.
func firstOf(names []string, n *manifest.Network) (out attribute) {
	for _, name := range names {
		a := attributeOf(n, name)
		out = attribute{a.text, out.has || a.has, a.lost}
		if a.text != "" || a.lost {
			return out
		}
	}
	return out
}

func attributeOf(n *manifest.Network, name string) attribute {
	var libvirt manifest.LibvirtNetwork
	if n.Libvirt != nil {
		libvirt = *n.Libvirt
	}
	var vsphere manifest.VSphereNetwork
	if n.VSphere != nil {
		vsphere = *n.VSphere
	}
	switch name {
	case "name":
		return attribute{text: n.Key.Name, has: true}
	case "libvirt.bridge.name":
		return attribute{text: libvirt.Bridge, has: n.Libvirt != nil}
	case "libvirt.networkName":
		return attribute{text: libvirt.Network, has: n.Libvirt != nil}
	case "libvirt.model":
		return attribute{text: libvirt.Model, has: n.Libvirt != nil}
	case "vsphere.portgroup":
		return attribute{text: vsphere.Portgroup, has: n.VSphere != nil}
	case "vsphere.adapterType":
		return attribute{text: vsphere.AdapterType, has: n.VSphere != nil}
	}
	return attribute{lost: true}
}

// LastElement returns the name at the end of what a manifest writes, which may
// be an inventory path: without the slashes at its end, what follows the last
// slash, where %2f, %5c and %25 stand for a slash, a backslash and a percent
// sign. Without any other slash, the text is a name and stays as it is.
func LastElement(written string) string {
	written = strings.TrimRight(written, "/")
	i := strings.LastIndexByte(written, '/')
	last := written[i+1:]
	if i < 0 || !strings.Contains(last, "%") {
		return last // as most do, and the replacer would copy it
	}
	return plainName.Replace(last)
}

// plainName turns an element of an inventory path into the name that it stands
// for.
var plainName = strings.NewReplacer("%2f", "/", "%2F", "/", "%5c", `\`, "%5C", `\`, "%25", "%")
