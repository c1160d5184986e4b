// Package cloudinit writes what cloud-init reads at the first boot of a guest,
// as its documentation of instance data and of network configuration version 2
// has it. It owns the words; how they reach the guest is each provider's. It is
// tested with what the providers make of it, and by a guest that boots.
package cloudinit

import (
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// MetaData is the manifest's metadata, with what cloud-init needs where the
// manifest does not say it. The error does not quote the text.
func MetaData(o providers.Owner, text secret.Text) (map[string]any, error) {
	meta := map[string]any{}
	if err := yaml.Unmarshal([]byte(text.Reveal()), &meta); err != nil {
		return nil, errors.New("metaData is not a YAML mapping; correct it")
	}
	if meta == nil {
		meta = map[string]any{}
	}
	for key, value := range map[string]string{"instance-id": o.UUID().String(), "local-hostname": o.VM.Name} {
		if _, ok := meta[key]; !ok {
			meta[key] = value
		}
	}
	return meta, nil
}

// The network configuration of cloud-init, version 2.
type (
	// Network is all of it.
	Network struct {
		Version   int                 `yaml:"version"`
		Ethernets map[string]ethernet `yaml:"ethernets"`
	}
	ethernet struct {
		Match       match        `yaml:"match"`
		DHCP4       bool         `yaml:"dhcp4"`
		Addresses   []string     `yaml:"addresses,omitempty"`
		Routes      []route      `yaml:"routes,omitempty"`
		Nameservers *nameservers `yaml:"nameservers,omitempty"`
		MTU         int          `yaml:"mtu,omitempty"`
	}
	match struct {
		MAC string `yaml:"macaddress"`
	}
	route struct {
		To     string `yaml:"to"`
		Via    string `yaml:"via"`
		Metric int    `yaml:"metric,omitempty"`
	}
	nameservers struct {
		Addresses []string `yaml:"addresses,omitempty"`
		Search    []string `yaml:"search,omitempty"`
	}
)

// NetworkOf returns the network configuration of a guest, or nil if every
// interface is left to the guest's own habit, which is DHCP. macs holds the
// address of each interface by its name.
func NetworkOf(nics []manifest.NIC, macs map[string]string) *Network {
	static := false
	n := &Network{Version: 2, Ethernets: make(map[string]ethernet, len(nics))}
	for _, nic := range nics {
		e := ethernet{Match: match{macs[nic.Name]}, DHCP4: nic.Static == nil}
		if nic.Network != nil {
			e.MTU = nic.Network.MTU
		}
		if nic.Static != nil {
			static = true
			e.set(nic.Static)
		}
		n.Ethernets[nic.Name] = e
	}
	if !static {
		return nil
	}
	return n
}

func (e *ethernet) set(s *manifest.StaticAddress) {
	e.Addresses = []string{fmt.Sprintf("%s/%d", s.Address, s.Prefix)}
	if s.Gateway != "" {
		e.Routes = append(e.Routes, route{To: "0.0.0.0/0", Via: s.Gateway})
	}
	for _, r := range s.Routes {
		e.Routes = append(e.Routes, route{r.Destination, r.Gateway, r.Metric})
	}
	if len(s.DNS)+len(s.Search) > 0 {
		e.Nameservers = &nameservers{s.DNS, s.Search}
	}
}
