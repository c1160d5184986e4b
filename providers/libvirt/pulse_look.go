package libvirt

import (
	"hash/maphash"
	"strings"

	golibvirt "github.com/digitalocean/go-libvirt"
	"golang.org/x/sync/errgroup"
)

// The facts of a beat that are the hash of a document.
const (
	factDefinition = "definition" // what the next start uses
	factRunning    = "running"
)

// look is one look at all domains.
type look struct {
	seed maphash.Seed

	states    []golibvirt.DomainStatsRecord // of every domain
	amounts   []golibvirt.DomainStatsRecord // of those that are off
	autostart map[golibvirt.UUID]bool
	saved     map[golibvirt.UUID]bool
	disks     []golibvirt.DomainStatsRecord // of those whose turn it was
	page      []golibvirt.Domain            // whose documents are read
	documents []documents                   // of the page, in its order
}

// documents are the hashes of a domain's documents; 0: not read.
type documents struct{ definition, running uint64 }

// take makes the calls that the daemon answers by itself, as many at once as it
// takes from one connection. For the CPUs and memory of a domain that runs it
// would ask its QEMU, which takes a millisecond or more, and for ever if that
// one is stuck.
func (l *look) take(c *golibvirt.Libvirt) error {
	stats := func(into *[]golibvirt.DomainStatsRecord, what golibvirt.DomainStatsTypes, which golibvirt.ConnectGetAllDomainStatsFlags) func() error {
		return func() (err error) {
			*into, err = c.ConnectGetAllDomainStats(nil, uint32(what), statsFlags|uint32(which))
			return err
		}
	}
	var g errgroup.Group
	g.Go(stats(&l.states, golibvirt.DomainStatsState, 0))
	g.Go(stats(&l.amounts, golibvirt.DomainStatsVCPU|golibvirt.DomainStatsBalloon, golibvirt.ConnectGetAllDomainsStatsInactive))
	g.Go(func() (err error) {
		l.autostart, err = listed(c, golibvirt.ConnectListDomainsAutostart)
		return err
	})
	g.Go(func() (err error) {
		l.saved, err = listed(c, golibvirt.ConnectListDomainsManagedsave)
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	l.documents = make([]documents, len(l.page))
	return each(len(l.page), func(i int) error { return l.read(c, i) })
}

// read reads the documents of a domain of the page. One that is gone is no
// error: the states lack it as well.
func (l *look) read(c *golibvirt.Libvirt, i int) (err error) {
	dom, docs := l.page[i], &l.documents[i]
	if docs.definition, err = l.sum(c.DomainGetXMLDesc(dom, golibvirt.DomainXMLInactive)); err == nil && dom.ID >= 0 {
		docs.running, err = l.sum(c.DomainGetXMLDesc(dom, 0))
	}
	return unlessGone(err)
}

func (l *look) sum(document string, err error) (uint64, error) {
	if err != nil {
		return 0, err
	}
	return maphash.String(l.seed, document), nil
}

// unlessGone forgives the daemon's answer that it does not know a domain.
func unlessGone(err error) error {
	if isCode(err, golibvirt.ErrNoDomain) {
		return nil
	}
	return err
}

// beats puts together what the calls tell of each domain.
func (l *look) beats() map[golibvirt.UUID]beat {
	all := make(map[golibvirt.UUID]beat, len(l.states))
	for _, r := range l.states {
		b := beat{dom: r.Dom, core: core{
			name: r.Dom.Name, run: r.Dom.ID, autostart: l.autostart[r.Dom.UUID], saved: l.saved[r.Dom.UUID],
		}}
		for _, f := range r.Params {
			switch f.Field {
			case "state.state":
				b.core.state = number(f)
			case "state.reason":
				b.core.reason = number(f)
			}
		}
		all[r.Dom.UUID] = b
	}
	for _, r := range l.amounts {
		note(all, r, func(name string) bool {
			return name == "vcpu.current" || name == "vcpu.maximum" || name == "balloon.current" || name == "balloon.maximum"
		})
	}
	for _, r := range l.disks {
		note(all, r, func(name string) bool { return strings.HasSuffix(name, ".capacity") })
	}
	for i, dom := range l.page {
		b, there := all[dom.UUID]
		if docs := l.documents[i]; there && docs.definition != 0 {
			b.set(factDefinition, docs.definition)
			if docs.running != 0 && dom.ID == b.core.run {
				b.set(factRunning, docs.running)
			}
			all[dom.UUID] = b
		}
	}
	return all
}

// note adds the facts of a record, if it is of the run that was seen.
func note(all map[golibvirt.UUID]beat, r golibvirt.DomainStatsRecord, isFact func(name string) bool) {
	b, there := all[r.Dom.UUID]
	if !there || b.core.run != r.Dom.ID {
		return
	}
	for _, f := range r.Params {
		if isFact(f.Field) {
			b.set(f.Field, number(f))
		}
	}
	all[r.Dom.UUID] = b
}

func (b *beat) set(name string, n uint64) {
	if b.more == nil {
		b.more = map[string]uint64{}
	}
	b.more[name] = n
}
