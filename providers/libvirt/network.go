package libvirt

import (
	"strings"
	"sync"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/providers"
)

// checkNetwork returns NotFound, with Missing set, if the interface's network
// is not defined on the host. A bridge is not libvirt's to know.
func checkNetwork(c *golibvirt.Libvirt, n nic) error {
	if n.bridge != "" {
		return nil
	}
	_, err := c.NetworkLookupByName(n.network)
	if isCode(err, golibvirt.ErrNoNetwork) {
		return missing("network "+n.network, "define it on the host, or name another")
	}
	return err
}

// leases returns the addresses that the host's networks have given out, by
// MAC address. Networks without a DHCP server have none.
func leases(c *golibvirt.Libvirt) (map[string][]string, error) {
	nets, _, err := c.ConnectListAllNetworks(1, golibvirt.ConnectListNetworksActive)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	out := map[string][]string{}
	err = each(len(nets), func(i int) error {
		found, _, err := c.NetworkGetDhcpLeases(nets[i], nil, 1, 0)
		if err != nil {
			return nil // gone since it was listed, or without leases
		}
		mu.Lock()
		defer mu.Unlock()
		for _, l := range found {
			for _, mac := range l.Mac {
				mac = strings.ToLower(mac)
				out[mac] = append(out[mac], l.Ipaddr)
			}
		}
		return nil
	})
	return out, err
}

// leased returns the addresses of a running machine's interfaces.
func leased(h *providers.Hardware, byMAC map[string][]string) []providers.Address {
	if h == nil {
		return nil
	}
	var out []providers.Address
	for _, n := range h.NICs {
		for _, ip := range byMAC[n.MAC] {
			out = append(out, providers.Address{NIC: orElse(n.Name, n.MAC), IP: ip, Via: "lease"})
		}
	}
	return out
}
