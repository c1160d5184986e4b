package memory

import (
	"cmp"
	"context"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/vmsteward/vmsteward/providers"
)

// Describe implements providers.Provider.
func (p *Provider) Describe(ctx context.Context, ref providers.Ref) (vm *providers.VM, err error) {
	c := call{op: opDescribe, owner: ref.Owner}
	err = p.read(ctx, c, func() error {
		turn := p.hv.turn()
		return p.hv.view(func(s *state) error {
			m := s.find(ref)
			switch {
			case m == nil:
				return c.fail(providers.NotFound, "no such VM")
			case m.Blurred:
				return c.fail(providers.Retryable, "the VM cannot be read")
			}
			seen := m.clone().show(turn)
			vm = &seen
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return vm, nil
}

// List implements providers.Lister.
func (p *Provider) List(ctx context.Context) (inv *providers.Inventory, err error) {
	c := call{op: opList}
	err = p.read(ctx, c, func() error {
		turn := p.hv.turn()
		return p.hv.view(func(s *state) error {
			inv = s.inventory(c, p.settings.Fleet, turn)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return inv, nil
}

// byName returns all machines, sorted by name.
func (s *state) byName() []*machine {
	if s.order == nil {
		s.order = slices.SortedFunc(maps.Values(s.Machines), func(a, b *machine) int { return cmp.Compare(a.Name, b.Name) })
	}
	return s.order
}

func (s *state) inventory(c call, fleet string, turn int) *providers.Inventory {
	inv := &providers.Inventory{Complete: true, VMs: make([]providers.VM, 0, len(s.Machines))}
	for _, m := range s.byName() {
		if m.Blurred {
			inv.Complete = false
			err := c.fail(providers.Retryable, m.Name+" cannot be read")
			inv.Problems = append(inv.Problems, providers.Problem{ID: m.ID, Name: m.Name, Err: err})
			continue
		}
		inv.VMs = append(inv.VMs, m.show(turn))
	}
	inv.VMs = rotated(inv.VMs, turn)
	inv.Leftovers = rotated(s.leftovers(fleet), turn)
	return inv
}

// leftovers returns the fleet's volumes that no VM uses and whose owner has
// none, in order of their names.
func (s *state) leftovers(fleet string) []providers.Leftover {
	var left []providers.Leftover
	for name := range s.loose {
		owner, ok := volumeOwner(name)
		if ok && owner.Fleet == fleet && s.find(providers.Ref{Owner: owner}) == nil {
			left = append(left, providers.Leftover{ID: name, Owner: owner})
		}
	}
	slices.SortFunc(left, func(a, b providers.Leftover) int { return cmp.Compare(a.ID, b.ID) })
	return left
}

// show returns the machine as its hypervisor shows it. Lists and tables are
// those of the machine, which is never changed in place.
func (m *machine) show(turn int) providers.VM {
	vm := providers.VM{
		ID: m.ID, Name: m.Name, Mark: m.Mark, Power: m.Power, Config: m.side(m.Config, turn),
		Autostart: providers.Known(m.Autostart), Tags: providers.Known(m.Tags),
	}
	if m.Running != nil {
		running := m.side(*m.Running, turn)
		vm.Running = &running
		vm.Addresses = addresses(m.Running.NICs)
	}
	return vm
}

// side returns one side of the machine as it is shown.
func (m *machine) side(h providers.Hardware, turn int) providers.Hardware {
	h.Disks, h.NICs = rotated(h.Disks, turn), rotated(h.NICs, turn)
	h.Traits = showTraits(h.Traits)
	hide(&h, m.Hidden)
	return h
}

// addresses invents one address per interface, from its MAC.
func addresses(nics []providers.NIC) []providers.Address {
	if len(nics) == 0 {
		return nil
	}
	all := make([]providers.Address, 0, len(nics))
	for _, n := range nics {
		ip, left := [4]byte{10}, n.MAC
		for i := 3; i > 0 && left != ""; i-- {
			at := strings.LastIndexByte(left, ':')
			b, _ := strconv.ParseUint(left[at+1:], 16, 8)
			ip[i], left = byte(b), left[:max(at, 0)]
		}
		all = append(all, providers.Address{
			NIC: cmp.Or(n.Name, n.MAC), IP: netip.AddrFrom4(ip).String(), Via: "lease",
		})
	}
	return all
}

// hide makes facts unknown.
func hide(h *providers.Hardware, fields []providers.Field) {
	for _, f := range fields {
		switch f {
		case providers.FieldCPU:
			h.CPU, h.CPUMax = providers.Opt[int]{}, providers.Opt[int]{}
		case providers.FieldMemory:
			h.MemoryMiB, h.MemoryMaxMiB = providers.Opt[int64]{}, providers.Opt[int64]{}
		case providers.FieldDisk:
			h.DisksKnown, h.Disks = false, nil
		case providers.FieldNIC:
			h.NICsKnown, h.NICs = false, nil
		}
	}
}

// rotated returns a list turned by n places.
func rotated[T any](list []T, n int) []T {
	if len(list) == 0 || n%len(list) == 0 {
		return list
	}
	n %= len(list)
	return slices.Concat(list[n:], list[:n])
}
