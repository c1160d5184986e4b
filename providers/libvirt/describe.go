package libvirt

import (
	"context"
	"slices"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/providers"
)

// agentPatience is how long Describe lets a guest's agent take to tell its
// addresses.
const agentPatience = 2 * time.Second

// Describe reports one VM, ours or not. Its addresses are what the host's networks have
// leased to it and, where the guest's agent is connected, what that says.
func (p *Provider) Describe(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
	var vm *providers.VM
	var dom golibvirt.Domain
	agent := false
	err := p.do(ctx, "describe", ref.Owner.VM.String(), work, func(c *golibvirt.Libvirt) error {
		t, err := read(c, ref)
		if err != nil {
			return err
		}
		s := sighting{dom: t.dom, config: t.seen}
		if err := s.look(c); err != nil {
			return absent(err)
		}
		s.measure(c)
		vm, dom = s.facts(), t.dom
		agent = s.live != nil && s.live.agentConnected()
		if vm.Running != nil {
			byMAC, err := leases(c)
			if err != nil {
				return err
			}
			vm.Addresses = leased(vm.Running, byMAC)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if agent {
		vm.Addresses = append(vm.Addresses, p.agentAddresses(ctx, dom, vm)...)
	}
	return vm, nil
}

// sighting is what was seen of one domain.
type sighting struct {
	dom       golibvirt.Domain
	config    *domainDoc
	live      *domainDoc // nil: it does not run
	vitals    vitals
	autostart bool
	saved     bool
}

// look reads of one domain what its definition does not say.
func (s *sighting) look(c *golibvirt.Libvirt) error {
	records, err := c.ConnectGetAllDomainStats([]golibvirt.Domain{s.dom}, statsWanted, statsFlags)
	if err != nil {
		return err
	}
	for _, r := range records {
		s.vitals = readVitals(r.Params)
	}
	autostart, err := c.DomainGetAutostart(s.dom)
	if err != nil {
		return err
	}
	s.autostart = autostart != 0
	if s.dom.ID < 0 {
		saved, err := c.DomainHasManagedSaveImage(s.dom, 0)
		s.saved = saved != 0
		return err
	}
	text, err := c.DomainGetXMLDesc(s.dom, 0)
	if err != nil {
		return err
	}
	s.live, err = readDomain(text)
	return err
}

// measure asks for the size of disks of ours that the statistics do not tell:
// those that the running machine does not have yet.
func (s *sighting) measure(c *golibvirt.Libvirt) {
	if s.config.Metadata.Mark.facts(s.config.UUID) == nil {
		return
	}
	known := s.configSizes()
	for i := range s.config.Devices.Disks {
		d := &s.config.Devices.Disks[i]
		if !d.isDisk() || known.of(d) > 0 || d.origin() == "" {
			continue
		}
		vol, err := c.StorageVolLookupByPath(d.origin())
		if err != nil {
			continue // its size is unknown, then
		}
		if _, capacity, _, err := c.StorageVolGetInfo(vol); err == nil {
			if s.vitals.sizes.byOrigin == nil {
				s.vitals.sizes.byOrigin = map[string]uint64{}
			}
			s.vitals.sizes.byOrigin[d.origin()] = capacity
		}
	}
}

// configSizes returns the sizes that hold for the definition. Where a machine
// runs, the statistics speak of its targets, and those of the definition may
// be other disks.
func (s *sighting) configSizes() sizes {
	known := s.vitals.sizes
	if s.live != nil {
		known.byTarget = nil
	}
	return known
}

// facts returns the VM as the contract has it.
func (s *sighting) facts() *providers.VM {
	vm := &providers.VM{
		ID:        s.config.UUID,
		Name:      s.config.Name,
		Mark:      s.config.Metadata.Mark.facts(s.config.UUID),
		Power:     power(s.vitals.state, s.saved),
		Autostart: providers.Known(s.autostart),
	}
	var mark *markXML // names devices only if it is this domain's
	if vm.Mark != nil {
		mark = s.config.Metadata.Mark
		tags := slices.Clone(mark.Tags)
		slices.Sort(tags)
		vm.Tags = providers.Known(tags)
	}
	vm.Config = s.config.hardware(mark, s.configSizes())
	if s.live != nil && vm.Power != providers.Off {
		h := s.live.hardware(mark, s.vitals.sizes)
		if s.vitals.balloon > 0 {
			h.MemoryMiB = providers.Known(s.vitals.balloon / 1024)
		}
		vm.Running = &h
	}
	return vm
}

// agentAddresses asks the guest. It has a connection for itself, which is
// closed if the agent does not answer in time; then there are no addresses.
func (p *Provider) agentAddresses(ctx context.Context, dom golibvirt.Domain, vm *providers.VM) []providers.Address {
	ctx, cancel := context.WithTimeout(ctx, agentPatience)
	defer cancel()
	var ifaces []golibvirt.DomainInterface
	err := p.do(ctx, "describe", dom.Name, stream, func(c *golibvirt.Libvirt) error {
		found, err := c.DomainInterfaceAddresses(dom, uint32(golibvirt.DomainInterfaceAddressesSrcAgent), 0)
		ifaces = found
		return err
	})
	if err != nil {
		return nil
	}
	return guestAddresses(ifaces, vm)
}
