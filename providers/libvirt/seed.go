package libvirt

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// seedLabel is the volume label by which cloud-init finds its NoCloud source.
const seedLabel = "cidata"

// wantsSeed tells whether the VM needs first-boot data: the manifest has some,
// or an address that only the guest can set.
func wantsSeed(vm *manifest.VM) bool {
	if !vm.CloudInit.UserData.Empty() || !vm.CloudInit.MetaData.Empty() {
		return true
	}
	for _, n := range vm.NICs {
		if n.Static != nil {
			return true
		}
	}
	return false
}

// seedImage returns the NoCloud image of the VM: the same bytes for the same
// manifest. macs holds the address of each interface by its name. The image
// holds secrets: it goes to the hypervisor and nowhere else.
func seedImage(o providers.Owner, vm *manifest.VM, macs map[string]string) ([]byte, error) {
	meta, err := seedMetaData(o, vm.CloudInit.MetaData.Reveal())
	if err != nil {
		return nil, err
	}
	files := []isoFile{
		{"meta-data", meta},
		{"user-data", []byte(vm.CloudInit.UserData.Reveal())},
	}
	network, err := seedNetwork(vm.NICs, macs)
	if err != nil {
		return nil, err
	}
	if network != nil {
		files = append(files, isoFile{"network-config", network})
	}
	return isoImage(seedLabel, files)
}

// seedMetaData adds to the manifest's metadata what cloud-init needs and the
// manifest does not say. The error does not quote the text.
func seedMetaData(o providers.Owner, text string) ([]byte, error) {
	meta := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &meta); err != nil {
		return nil, &providers.Error{
			Op: "create", Subject: o.VM.String(), Kind: providers.InvalidSpec,
			Err: fmt.Errorf("metaData is not a YAML mapping; correct it"),
		}
	}
	if meta == nil {
		meta = map[string]any{}
	}
	for key, value := range map[string]string{"instance-id": o.UUID().String(), "local-hostname": o.VM.Name} {
		if _, ok := meta[key]; !ok {
			meta[key] = value
		}
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

// seedNetwork returns the network configuration, or nil if every interface
// is left to the guest's own habit, which is DHCP.
func seedNetwork(nics []manifest.NIC, macs map[string]string) ([]byte, error) {
	static := false
	cfg := netConfig{Version: 2, Ethernets: make(map[string]netEthernet, len(nics))}
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
		return nil, nil
	}
	return yaml.Marshal(cfg)
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
