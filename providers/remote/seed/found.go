package seed

import (
	"net"
	"strings"

	"github.com/vmsteward/vmsteward/providers"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
)

// Power returns the state that a server's word means. What is not a word of
// the protocol is Unknown, which is not Off.
func Power(word string) providers.PowerState {
	switch s := providers.PowerState(word); s {
	case providers.On, providers.Off, providers.Suspended:
		return s
	}
	return providers.Unknown
}

// FromList returns what is true of one entry of ListVMs. It carries no mark: the
// protocol has no place for one.
func (p *Peer) FromList(info *pb.VMInfo) providers.VM {
	vm := providers.VM{ID: info.GetId(), Name: info.GetName(), Power: Power(info.GetPowerState())}
	if vm.Name == "" && p.Named {
		vm.Name = vm.ID
	}
	h := &vm.Config
	cpu, memory := int(info.GetCpu()), info.GetMemoryMib()
	switch {
	case p.Listed.Sizes:
		h.CPU, h.MemoryMiB = positive(cpu), positive(memory)
	case p.Listed.Maxima:
		h.CPUMax, h.MemoryMaxMiB = positive(cpu), positive(memory)
	}
	if p.Listed.Disks {
		h.DisksKnown = true
		for _, d := range info.GetDisks() {
			h.Disks = append(h.Disks, providers.Disk{
				Name: d.GetId(), Origin: d.GetPath(), SizeGiB: positive(int(d.GetSizeGib())),
			})
		}
	}
	if p.Listed.NICs {
		h.NICsKnown = true
		for _, n := range info.GetNetworks() {
			h.NICs = append(h.NICs, providers.NIC{Network: n.GetName(), MAC: strings.ToLower(n.GetMac())})
		}
	}
	if p.Listed.Addresses {
		vm.Addresses = addresses(info.GetIps())
	}
	return vm
}

// FromDescribe returns what is true of an answer of Describe about a VM that
// exists, under an id. Disks and interfaces are never in it.
func (p *Peer) FromDescribe(id string, r *pb.DescribeResponse) providers.VM {
	vm := providers.VM{ID: id, Power: Power(r.GetPowerState()), Addresses: addresses(r.GetIps())}
	raw := p.Raw(r.GetProviderRawJson())
	vm.Name, vm.Config = raw.Name, raw.Hardware
	if vm.Name == "" && p.Named {
		vm.Name = id
	}
	return vm
}

func positive[N int | int64](n N) providers.Opt[N] {
	if n <= 0 {
		return providers.Opt[N]{}
	}
	return providers.Known(n)
}

// addresses drops what is no address of a machine.
func addresses(ips []string) []providers.Address {
	var all []providers.Address
	for _, ip := range ips {
		if a := net.ParseIP(strings.TrimSpace(ip)); a != nil && !a.IsUnspecified() && !a.IsLoopback() {
			all = append(all, providers.Address{IP: a.String()})
		}
	}
	return all
}
