package libvirt

import (
	"net/netip"
	"strings"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/providers"
)

// guestAddresses returns what the guest says of its addresses, without those
// that say nothing: loopback, link-local, and what a lease has told already.
func guestAddresses(ifaces []golibvirt.DomainInterface, vm *providers.VM) []providers.Address {
	names := map[string]string{} // by MAC
	if vm.Running != nil {
		for _, n := range vm.Running.NICs {
			names[n.MAC] = n.Name
		}
	}
	known := map[string]bool{}
	for _, a := range vm.Addresses {
		known[a.IP] = true
	}
	var out []providers.Address
	for _, iface := range ifaces {
		mac := ""
		if len(iface.Hwaddr) > 0 {
			mac = strings.ToLower(iface.Hwaddr[0])
		}
		for _, a := range iface.Addrs {
			ip, err := netip.ParseAddr(a.Addr)
			if err != nil || ip.IsLoopback() || ip.IsLinkLocalUnicast() || known[a.Addr] {
				continue
			}
			known[a.Addr] = true
			nic := orElse(names[mac], orElse(mac, iface.Name))
			out = append(out, providers.Address{NIC: nic, IP: a.Addr, Via: "agent"})
		}
	}
	return out
}
