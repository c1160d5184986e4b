package libvirt

import (
	"context"
	"encoding/binary"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"sync"

	golibvirt "github.com/digitalocean/go-libvirt"
)

// pulse is what the last look saw of every domain.
type pulse struct {
	seed maphash.Seed

	mu   sync.Mutex // held during a look
	last map[golibvirt.UUID]beat
}

func newPulse() *pulse { return &pulse{seed: maphash.MakeSeed()} }

// beat is the quick facts of one domain.
type beat struct {
	sum   uint64            // of what is always told
	sizes map[string]uint64 // of the disks, which a busy domain leaves out
}

const pulseWanted = uint32(golibvirt.DomainStatsState | golibvirt.DomainStatsVCPU |
	golibvirt.DomainStatsBalloon | golibvirt.DomainStatsBlock)

// Pulse implements providers.Pulse with one statistics call.
func (p *Provider) Pulse(ctx context.Context) ([]string, error) {
	p.pulse.mu.Lock()
	defer p.pulse.mu.Unlock()
	var records []golibvirt.DomainStatsRecord
	err := p.do(ctx, "pulse", "", control, func(c *golibvirt.Libvirt) (err error) {
		records, err = c.ConnectGetAllDomainStats(nil, pulseWanted, statsFlags)
		return err
	})
	if err != nil {
		return nil, err
	}
	return p.pulse.take(records), nil
}

// take remembers the records and returns the ids of domains that differ.
func (p *pulse) take(records []golibvirt.DomainStatsRecord) []string {
	first := p.last == nil
	now := make(map[golibvirt.UUID]beat, len(records))
	var ids []string
	for _, r := range records {
		b := p.read(r)
		was, known := p.last[r.Dom.UUID]
		if !known || b.differs(was) {
			ids = append(ids, idOf(r.Dom.UUID))
		}
		now[r.Dom.UUID] = b.over(was)
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

// read takes the facts out of a record.
func (p *pulse) read(r golibvirt.DomainStatsRecord) beat {
	var b beat
	var h maphash.Hash
	h.SetSeed(p.seed)
	fact := func(name, text string, n uint64) {
		var eight [8]byte
		binary.LittleEndian.PutUint64(eight[:], n)
		h.WriteString(name)
		h.WriteByte(0)
		h.WriteString(text)
		h.WriteByte(0)
		h.Write(eight[:])
	}
	fact("domain", r.Dom.Name, uint64(r.Dom.ID))
	for _, f := range r.Params {
		if disk, isSize := strings.CutSuffix(f.Field, ".capacity"); isSize {
			if b.sizes == nil {
				b.sizes = map[string]uint64{}
			}
			b.sizes[disk] = number(f)
		} else if isFact(f.Field) {
			text, _ := f.Value.I.(string)
			fact(f.Field, text, number(f))
		}
	}
	b.sum = h.Sum64()
	return b
}

// isFact tells whether a statistic is always told and changes only if the
// machine does. The others count time, traffic, and what the guest uses.
func isFact(name string) bool {
	switch name {
	case "state.state", "state.reason", "vcpu.current", "vcpu.maximum", "balloon.current", "balloon.maximum", "block.count":
		return true
	}
	return strings.HasPrefix(name, "block.") && (strings.HasSuffix(name, ".name") || strings.HasSuffix(name, ".path"))
}

// differs tells whether a fact is another one than before. A size that was not
// told, now or before, is no news.
func (b beat) differs(was beat) bool {
	if b.sum != was.sum {
		return true
	}
	for disk, n := range b.sizes {
		if old, known := was.sizes[disk]; known && old != n {
			return true
		}
	}
	return false
}

// over returns b with the sizes of before that it lacks.
func (b beat) over(was beat) beat {
	if b.sum != was.sum || len(b.sizes) >= len(was.sizes) {
		return b
	}
	sizes := maps.Clone(was.sizes)
	maps.Copy(sizes, b.sizes)
	return beat{b.sum, sizes}
}
