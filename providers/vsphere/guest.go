package vsphere

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/vmware/govmomi/vim25/types"
	"go.yaml.in/yaml/v3"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// The keys of extraConfig by which a guest reads its first-boot data: those of
// the data source VMware of cloud-init, and that of Ignition. Each has a
// neighbour that says how the value is encoded.
const (
	guestMetaData = "guestinfo.metadata"
	guestUserData = "guestinfo.userdata"
	guestIgnition = "guestinfo.ignition.config.data"
	guestVendor   = "guestinfo.vendordata" // of no manifest

	encodingSuffix = ".encoding"
	guestEncoding  = "gzip+base64"
)

// isGuestKey tells whether a guest takes first-boot data from a key.
func isGuestKey(key string) bool {
	switch strings.TrimSuffix(key, encodingSuffix) {
	case guestMetaData, guestUserData, guestIgnition, guestVendor:
		return true
	}
	return false
}

// guestInfo returns the first-boot data of the VM as extraConfig: the same for
// the same manifest, and nothing if the manifest has none and no address that
// only the guest can set. macs holds the address of each interface by its
// name. The values hold secrets: they go to vCenter and nowhere else.
func guestInfo(o providers.Owner, vm *manifest.VM, macs map[string]string) ([]types.BaseOptionValue, error) {
	var out []types.BaseOptionValue
	add := func(key string, content []byte) error {
		text, err := encodeGuest(content)
		if err == nil {
			out = append(out,
				&types.OptionValue{Key: key, Value: text},
				&types.OptionValue{Key: key + encodingSuffix, Value: guestEncoding})
		}
		return err
	}
	network := guestNetwork(vm.NICs, macs)
	if network != nil || !vm.CloudInit.UserData.Empty() || !vm.CloudInit.MetaData.Empty() {
		meta, err := guestMeta(o, vm.CloudInit.MetaData, network)
		if err != nil {
			return nil, err
		}
		if err := add(guestMetaData, meta); err != nil {
			return nil, err
		}
	}
	if !vm.CloudInit.UserData.Empty() {
		if err := add(guestUserData, []byte(vm.CloudInit.UserData.Reveal())); err != nil {
			return nil, err
		}
	}
	if !vm.CloudInit.Ignition.Empty() {
		if err := add(guestIgnition, []byte(vm.CloudInit.Ignition.Reveal())); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// encodeGuest compresses a text and makes it printable.
func encodeGuest(content []byte) (string, error) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed) // without a time, so that the same text stays the same
	if _, err := z.Write(content); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(packed.Bytes()), nil
}

// guestMeta adds to the manifest's metadata what cloud-init needs and the
// manifest does not say. The errors do not quote the text.
func guestMeta(o providers.Owner, text secret.Text, network *netConfig) ([]byte, error) {
	meta := map[string]any{}
	if err := yaml.Unmarshal([]byte(text.Reveal()), &meta); err != nil {
		return nil, invalid("metaData is not a YAML mapping; correct it")
	}
	if meta == nil {
		meta = map[string]any{}
	}
	for key, value := range map[string]string{"instance-id": o.UUID().String(), "local-hostname": o.VM.Name} {
		if _, ok := meta[key]; !ok {
			meta[key] = value
		}
	}
	if network != nil {
		if _, ok := meta["network"]; ok {
			return nil, invalid("metaData configures the network, and so do static addresses of the interfaces; keep one of them")
		}
		meta["network"] = network
	}
	return yaml.Marshal(meta)
}

// The network configuration of cloud-init, version 2.
type (
	netConfig struct {
		Version   int                    `yaml:"version"`
		Ethernets map[string]netEthernet `yaml:"ethernets"`
	}
	netEthernet struct {
		Match       netMatch  `yaml:"match"`
		DHCP4       bool      `yaml:"dhcp4"`
		Addresses   []string  `yaml:"addresses,omitempty"`
		Routes      []netHop  `yaml:"routes,omitempty"`
		Nameservers *netNames `yaml:"nameservers,omitempty"`
		MTU         int       `yaml:"mtu,omitempty"`
	}
	netMatch struct {
		MAC string `yaml:"macaddress"`
	}
	netHop struct {
		To     string `yaml:"to"`
		Via    string `yaml:"via"`
		Metric int    `yaml:"metric,omitempty"`
	}
	netNames struct {
		Addresses []string `yaml:"addresses,omitempty"`
		Search    []string `yaml:"search,omitempty"`
	}
)

// guestNetwork returns the network configuration, or nil if every interface is
// left to the guest's own habit, which is DHCP.
func guestNetwork(nics []manifest.NIC, macs map[string]string) *netConfig {
	static := false
	cfg := &netConfig{Version: 2, Ethernets: make(map[string]netEthernet, len(nics))}
	for _, n := range nics {
		e := netEthernet{Match: netMatch{macs[n.Name]}, DHCP4: n.Static == nil}
		if n.Network != nil {
			e.MTU = n.Network.MTU
		}
		if n.Static != nil {
			static = true
			e.setStatic(n.Static)
		}
		cfg.Ethernets[n.Name] = e
	}
	if !static {
		return nil
	}
	return cfg
}

func (e *netEthernet) setStatic(s *manifest.StaticAddress) {
	e.Addresses = []string{fmt.Sprintf("%s/%d", s.Address, s.Prefix)}
	if s.Gateway != "" {
		e.Routes = append(e.Routes, netHop{To: "0.0.0.0/0", Via: s.Gateway})
	}
	for _, r := range s.Routes {
		e.Routes = append(e.Routes, netHop{r.Destination, r.Gateway, r.Metric})
	}
	if len(s.DNS)+len(s.Search) > 0 {
		e.Nameservers = &netNames{s.DNS, s.Search}
	}
}
