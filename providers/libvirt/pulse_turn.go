package libvirt

import (
	"slices"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
)

// A document costs about a quarter of a millisecond of processor time, most of
// it libvirtd's, and is some ten kilobytes. A pulse reads so many that each
// domain comes every second time, but of a host with many no more than this.
const (
	mostDocuments    = 256 // over a UNIX socket
	mostDocumentsFar = 64  // over a network
	fewDocuments     = 8   // are always read
)

// A look that takes longer than slowLook has the next one read fewer
// documents, and one that is quick lets it read more again.
const (
	slowLook  = 300 * time.Millisecond
	quickLook = 100 * time.Millisecond
)

// fewDisks is of how many domains a pulse asks for the size of disks: each that
// runs takes its QEMU a millisecond.
const fewDisks = 8

// turns says whose turn it is: the last domain of each kind that had it.
type turns struct{ running, off, disks golibvirt.UUID }

// adapt makes room in the next look for as many documents as the last one had
// the time for.
func (p *pulse) adapt(took time.Duration, most int) {
	switch {
	case took > slowLook:
		p.room /= 2
	case took < quickLook:
		p.room *= 2
	}
	p.room = min(max(p.room, fewDocuments), most)
}

// page returns the domains whose documents are read: some that have not been
// since they came or started, then those whose turn it is. Of what runs, more
// changes without an event, so it comes first, and leaves a quarter.
func (p *pulse) page() []golibvirt.Domain {
	g := &pick{pulse: p, picked: map[golibvirt.UUID]bool{}}
	room := max(p.room, fewDocuments)
	var running, off []golibvirt.UUID
	for _, id := range p.order {
		b := p.last[id]
		if b.unread() {
			g.take(id, room/2)
		}
		if b.core.run >= 0 {
			running = append(running, id)
		} else {
			off = append(off, id)
		}
	}
	g.inTurn(running, &p.turns.running, room*3/4)
	g.inTurn(off, &p.turns.off, room)
	return g.doms
}

// diskPage returns the domains whose turn it is to have their disks measured.
func (p *pulse) diskPage() []golibvirt.Domain {
	var doms []golibvirt.Domain
	for _, id := range after(p.order, p.turns.disks) {
		if len(doms) == fewDisks {
			break
		}
		p.turns.disks = id
		doms = append(doms, p.last[id].dom)
	}
	return doms
}

// pick is the choice of domains for one look.
type pick struct {
	*pulse
	picked map[golibvirt.UUID]bool
	used   int // documents
	doms   []golibvirt.Domain
}

// take picks a domain, if what is picked then needs no more than limit.
func (g *pick) take(id golibvirt.UUID, limit int) bool {
	need := 1
	if g.last[id].core.run >= 0 {
		need = 2
	}
	if g.picked[id] {
		return true
	}
	if g.used+need > limit {
		return false
	}
	g.used += need
	g.picked[id] = true
	g.doms = append(g.doms, g.last[id].dom)
	return true
}

// inTurn picks half of the ids, from where the last look ended, as far as the
// limit goes.
func (g *pick) inTurn(ids []golibvirt.UUID, turn *golibvirt.UUID, limit int) {
	share := max((len(ids)+1)/2, fewDocuments)
	for i, id := range after(ids, *turn) {
		if i == share || !g.take(id, limit) {
			return
		}
		*turn = id
	}
}

// after returns the sorted ids, beginning with the one that follows id.
func after(ids []golibvirt.UUID, id golibvirt.UUID) []golibvirt.UUID {
	at, found := slices.BinarySearchFunc(ids, id, compareIDs)
	if found {
		at++
	}
	return slices.Concat(ids[at:], ids[:at])
}

func compareIDs(a, b golibvirt.UUID) int { return slices.Compare(a[:], b[:]) }
