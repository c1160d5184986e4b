package libvirt

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"

	golibvirt "github.com/digitalocean/go-libvirt"
	"golang.org/x/sync/errgroup"

	"github.com/vmsteward/vmsteward/providers"
)

// roll is what a few calls tell of all domains at once.
type roll struct {
	doms      []golibvirt.Domain
	vitals    map[golibvirt.UUID]vitals
	autostart map[golibvirt.UUID]bool
	saved     map[golibvirt.UUID]bool
	leases    map[string][]string
	volumes   []golibvirt.StorageVol
	noVolumes error // why the volumes could not be listed
	docs      *reader
}

// List reads every domain of the host: a handful of calls for all of them,
// and then each one's documents, many at a time. The guests' agents are not
// asked. A domain that goes away in between is not there; one that cannot be
// read is a problem, and the inventory is not complete.
func (p *Provider) List(ctx context.Context) (*providers.Inventory, error) {
	r := &roll{docs: p.library.open()}
	if err := p.do(ctx, "list", "", work, r.call); err != nil {
		return nil, err
	}
	vms, problems, err := p.readAll(ctx, r)
	if err != nil {
		return nil, err
	}
	r.docs.close()
	inv := r.inventory(vms, problems)
	if inv.Complete {
		inv.Leftovers = leftovers(p.settings.Fleet, r.volumes, inv.VMs)
	}
	p.pulse.unheard.Store(false)
	return inv, nil
}

// call makes the calls that tell of all domains. The statistics take longest;
// the others go beside them, few enough that libvirtd works on all at once.
func (r *roll) call(c *golibvirt.Libvirt) error {
	var g errgroup.Group
	g.Go(func() (err error) {
		if r.doms, _, err = c.ConnectListAllDomains(1, 0); err != nil {
			return err
		}
		if r.autostart, err = listed(c, golibvirt.ConnectListDomainsAutostart); err != nil {
			return err
		}
		r.saved, err = listed(c, golibvirt.ConnectListDomainsManagedsave)
		return err
	})
	g.Go(func() error {
		records, err := c.ConnectGetAllDomainStats(nil, statsWanted, statsFlags)
		r.vitals = make(map[golibvirt.UUID]vitals, len(records))
		for _, rec := range records {
			r.vitals[rec.Dom.UUID] = readVitals(rec.Params)
		}
		return err
	})
	g.Go(func() error {
		r.leases, _ = leases(c) // addresses are told as far as they are known
		r.volumes, r.noVolumes = allVolumes(c)
		return nil
	})
	return g.Wait()
}

// listed returns the domains that a flag selects.
func listed(c *golibvirt.Libvirt, flag golibvirt.ConnectListAllDomainsFlags) (map[golibvirt.UUID]bool, error) {
	doms, _, err := c.ConnectListAllDomains(1, flag)
	out := make(map[golibvirt.UUID]bool, len(doms))
	for _, d := range doms {
		out[d.UUID] = true
	}
	return out, err
}

// readersEach is how many documents are asked for at once on one connection.
// Of five, counting the one that it is about to receive, libvirtd complains
// that the client has reached its limit; fewer are as fast.
const readersEach = callsPerConnection

// readAll reads every domain's documents, on all work connections at once. A
// connection that is lost ends it; any other error is about one domain.
func (p *Provider) readAll(ctx context.Context, r *roll) ([]*providers.VM, []error, error) {
	vms, errs := make([]*providers.VM, len(r.doms)), make([]error, len(r.doms))
	var next atomic.Int64
	read := func(c *golibvirt.Libvirt) error {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(r.doms) {
				return nil
			}
			if vms[i], errs[i] = r.read(c, r.doms[i]); isWireError(errs[i]) {
				return errs[i]
			}
		}
	}
	var g errgroup.Group
	for range min(p.session.cfg.WorkConnections, 1+len(r.doms)/readersEach) {
		g.Go(func() error {
			return p.do(ctx, "list", "", work, func(c *golibvirt.Libvirt) error {
				var hands errgroup.Group
				for range readersEach {
					hands.Go(func() error { return read(c) })
				}
				return hands.Wait()
			})
		})
	}
	return vms, errs, g.Wait()
}

// inventory puts together what was read of each domain.
func (r *roll) inventory(vms []*providers.VM, errs []error) *providers.Inventory {
	inv := &providers.Inventory{Complete: true}
	for i, err := range errs {
		switch {
		case err != nil && isCode(err, golibvirt.ErrNoDomain):
		case err != nil:
			inv.Complete = false
			inv.Problems = append(inv.Problems, r.problem(r.doms[i], err))
		default:
			inv.VMs = append(inv.VMs, *vms[i])
		}
	}
	if r.noVolumes != nil {
		inv.Problems = append(inv.Problems, providers.Problem{
			Name: "storage volumes", Err: named("list", "storage volumes", r.noVolumes),
		})
	}
	return inv
}

func (r *roll) problem(dom golibvirt.Domain, err error) providers.Problem {
	return providers.Problem{ID: idOf(dom.UUID), Name: dom.Name, Err: named("list", dom.Name, err)}
}

// read reads one domain.
func (r *roll) read(c *golibvirt.Libvirt, dom golibvirt.Domain) (*providers.VM, error) {
	s := sighting{dom: dom, vitals: r.vitals[dom.UUID], autostart: r.autostart[dom.UUID], saved: r.saved[dom.UUID]}
	text, err := c.DomainGetXMLDesc(dom, golibvirt.DomainXMLInactive)
	if err == nil {
		s.config, err = r.docs.read(shelfKey{dom.UUID, false}, text)
	}
	if err == nil && dom.ID >= 0 {
		text, err = c.DomainGetXMLDesc(dom, 0)
		if err == nil {
			s.live, err = r.docs.read(shelfKey{dom.UUID, true}, text)
		}
	}
	if err != nil {
		return nil, err
	}
	s.measure(c)
	vm := s.facts()
	vm.Addresses = leased(vm.Running, r.leases)
	return vm, nil
}

// leftovers returns the volumes that carry an owner of the fleet in their
// name while no VM with that owner exists, and no machine names them.
func leftovers(fleet string, vols []golibvirt.StorageVol, vms []providers.VM) []providers.Leftover {
	owned := map[providers.Owner]bool{}
	used := map[string]bool{}
	for i := range vms {
		if vms[i].Mark != nil {
			owned[vms[i].Mark.Owner] = true
		}
		for _, d := range vms[i].Config.Disks {
			used[d.Origin] = true
		}
		if vms[i].Running != nil {
			for _, d := range vms[i].Running.Disks {
				used[d.Origin] = true
			}
		}
	}
	var out []providers.Leftover
	for _, v := range vols {
		owner, ok := volumeOwner(v.Name)
		if !ok || owner.Fleet != fleet || owned[owner] || used[v.Key] || used[v.Pool+"/"+v.Name] {
			continue
		}
		out = append(out, providers.Leftover{ID: v.Pool + "/" + v.Name, Owner: owner})
	}
	slices.SortFunc(out, func(a, b providers.Leftover) int { return strings.Compare(a.ID, b.ID) })
	return out
}
