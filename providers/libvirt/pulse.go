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

// page is of how many domains a pulse reads the documents and the disks. The
// next pulse turns to the next ones, so of n domains a change is found after
// n/page pulses at most.
const page = 8

// disksPatience bounds the question about disks.
const disksPatience = time.Second

// pulse is what the looks so far saw of every domain.
type pulse struct {
	mu   sync.Mutex // held during a look
	last map[golibvirt.UUID]beat
	turn golibvirt.UUID // the last domain whose turn it was

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
	// more is told when the domain's page comes, or while it is off: sizes,
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
// CPUs and memory of those that are off. The rest is found page by page, as it
// costs a call for each: what was defined for the next start, the hardware
// that runs, and the size of disks. The last alone needs a QEMU or a storage
// that answers, and is left out as long as one does not.
func (p *Provider) Pulse(ctx context.Context) ([]string, error) {
	p.pulse.mu.Lock()
	defer p.pulse.mu.Unlock()
	doms := p.pulse.page()
	now := &look{seed: p.library.seed}
	err := p.do(ctx, "pulse", "", beats, func(c *golibvirt.Libvirt) error { return now.take(c, doms) })
	if err != nil {
		return nil, err
	}
	if len(doms) > 0 && !p.pulse.unheard.Load() {
		p.measure(ctx, now)
	}
	return p.pulse.compare(now.beats()), nil
}

// measure adds the disks of the page to the look, if they are told in time.
func (p *Provider) measure(ctx context.Context, l *look) {
	ctx, cancel := context.WithTimeout(ctx, disksPatience)
	defer cancel()
	var disks []golibvirt.DomainStatsRecord
	err := p.session.do(ctx, beats, func(c *golibvirt.Libvirt) (err error) {
		disks, err = c.ConnectGetAllDomainStats(l.page, uint32(golibvirt.DomainStatsBlock), statsFlags)
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

// page returns the domains to read: up to half of it are some that have not
// been read since they came or started, the others are those whose turn it is.
func (p *pulse) page() []golibvirt.Domain {
	ids := slices.SortedFunc(maps.Keys(p.last), compareIDs)
	picked := map[golibvirt.UUID]bool{}
	for _, id := range ids {
		if len(picked) < page/2 && p.last[id].unread() {
			picked[id] = true
		}
	}
	at, found := slices.BinarySearchFunc(ids, p.turn, compareIDs)
	if found {
		at++
	}
	for i := 0; i < len(ids) && len(picked) < page; i++ {
		p.turn = ids[(at+i)%len(ids)]
		picked[p.turn] = true
	}
	var doms []golibvirt.Domain
	for id := range picked {
		doms = append(doms, p.last[id].dom)
	}
	return doms
}

// unread tells whether a document of the domain has not been read yet.
func (b beat) unread() bool {
	_, definition := b.more[factDefinition]
	_, running := b.more[factRunning]
	return !definition || b.core.run >= 0 && !running
}

func compareIDs(a, b golibvirt.UUID) int { return slices.Compare(a[:], b[:]) }

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
	p.last = now
	if first {
		return nil
	}
	slices.Sort(ids)
	return ids
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
