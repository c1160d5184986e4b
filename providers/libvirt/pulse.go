package libvirt

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/internal/logkey"
)

// disksPatience bounds the question about disks.
const disksPatience = time.Second

// pulse is what the looks so far saw of every domain.
type pulse struct {
	mu    sync.Mutex // held during a look
	last  map[golibvirt.UUID]beat
	order []golibvirt.UUID // of the domains in last
	turns turns
	room  int // of documents, in the next look

	// unheard is set when a question about disks was not answered in time: a
	// QEMU or a storage is stuck, and each further question could bind one of
	// the daemon's few workers for good. An inventory that ends well lifts it.
	unheard atomic.Bool
}

// beat is the quick facts of one domain.
type beat struct {
	dom golibvirt.Domain
	// core is told of every domain at every look.
	core core
	// more is told when it is the domain's turn, or while it is off: sizes,
	// amounts, and the hash of a document, each under its name.
	more map[string]uint64
}

type core struct {
	name             string
	run              int32 // a number of this start; negative: it is off
	state, reason    uint64
	autostart, saved bool
}

// Pulse implements providers.Pulse. What a few calls tell of all domains at
// once is found at each call: state, name, autostart, a saved memory, and the
// CPUs and memory of those that are off. The rest is found when it is the
// domain's turn, as it costs a call for each: what was defined for the next
// start, the hardware that runs, and the size of disks. The last alone needs a
// QEMU or a storage that answers, and is left out as long as one does not.
func (p *Provider) Pulse(ctx context.Context) ([]string, error) {
	p.pulse.mu.Lock()
	defer p.pulse.mu.Unlock()
	now := &look{seed: p.library.seed, page: p.pulse.page()}
	begun := time.Now()
	if err := p.do(ctx, "pulse", "", beats, now.take); err != nil {
		return nil, err
	}
	p.pulse.adapt(time.Since(begun), p.mostDocuments())
	if doms := p.pulse.diskPage(); len(doms) > 0 && !p.pulse.unheard.Load() {
		p.measure(ctx, now, doms)
	}
	return p.pulse.compare(now.beats()), nil
}

func (p *Provider) mostDocuments() int {
	if p.session.endpoint.transport == overUnix {
		return mostDocuments
	}
	return mostDocumentsFar
}

// measure adds the disks of the domains to the look, if they are told in time.
func (p *Provider) measure(ctx context.Context, l *look, doms []golibvirt.Domain) {
	ctx, cancel := context.WithTimeout(ctx, disksPatience)
	defer cancel()
	var disks []golibvirt.DomainStatsRecord
	err := p.session.do(ctx, beats, func(c *golibvirt.Libvirt) (err error) {
		disks, err = c.ConnectGetAllDomainStats(doms, uint32(golibvirt.DomainStatsBlock), statsFlags)
		return err
	})
	switch {
	case err == nil:
		l.disks = disks
	case errors.Is(err, context.DeadlineExceeded):
		p.pulse.unheard.Store(true)
		p.log.Debug("the pulse leaves out the disks: no answer in time", logkey.Err, err)
	}
}

// unread tells whether a document of the domain has not been read yet.
func (b beat) unread() bool {
	_, definition := b.more[factDefinition]
	_, running := b.more[factRunning]
	return !definition || b.core.run >= 0 && !running
}

// compare remembers what was seen and returns the ids of domains that differ.
// The first time there is nothing to differ from.
func (p *pulse) compare(now map[golibvirt.UUID]beat) []string {
	first := p.last == nil
	var ids []string
	for id, b := range now {
		was, known := p.last[id]
		if !known || b.differs(was) {
			ids = append(ids, idOf(id))
		}
		now[id] = b.over(was)
	}
	for id := range p.last {
		if _, there := now[id]; !there {
			ids = append(ids, idOf(id))
		}
	}
	p.keep(now)
	if first {
		return nil
	}
	slices.Sort(ids)
	return ids
}

// keep remembers a look.
func (p *pulse) keep(now map[golibvirt.UUID]beat) {
	p.last, p.order = now, slices.SortedFunc(maps.Keys(now), compareIDs)
}

// differs tells whether a fact is another one than before. One that was not
// told, now or before, is no news.
func (b beat) differs(was beat) bool {
	if b.core != was.core {
		return true
	}
	for name, n := range b.more {
		if old, known := was.more[name]; known && old != n {
			return true
		}
	}
	return false
}

// over returns b with the facts of before that it lacks and that still hold:
// in another state, only the definition is known to be the same.
func (b beat) over(was beat) beat {
	for name, n := range was.more {
		if _, told := b.more[name]; told || b.core != was.core && name != factDefinition {
			continue
		}
		if b.more == nil {
			b.more = map[string]uint64{}
		}
		b.more[name] = n
	}
	return b
}
