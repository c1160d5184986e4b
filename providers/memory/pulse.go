package memory

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"
)

// pulse is what a connection to a hypervisor in a file saw of the machines at
// its last look: others may have changed them since.
type pulse struct {
	mu   sync.Mutex
	last map[string]*machine // nil before the first look; machines are replaced, never changed
}

// Pulse implements providers.Pulse. Everything that is remembered of a machine
// counts as a quick fact.
func (p *Provider) Pulse(ctx context.Context) (ids []string, err error) {
	p.pulse.mu.Lock()
	defer p.pulse.mu.Unlock()
	lost := func() {} // takes the look back
	err = p.read(ctx, call{op: opPulse}, func() error {
		return p.hv.view(func(s *state) error {
			if p.hv.file == nil {
				var touched map[string]*machine
				ids, touched = p.hv.feel(p, s)
				lost = func() { p.hv.restore(p, touched) }
				return nil
			}
			was, now := p.pulse.last, maps.Clone(s.Machines)
			p.pulse.last = now
			lost = func() { p.pulse.last = was }
			if was != nil {
				ids = differing(was, now)
			}
			return nil
		})
	})
	if err != nil {
		lost()
		return nil, err
	}
	return ids, nil
}

// feel returns the ids of machines that are not what they were when the
// connection asked last, and what they were, and remembers from now on. The
// caller holds mu.
func (h *Hypervisor) feel(p *Provider, s *state) (ids []string, touched map[string]*machine) {
	h.ctl.Lock()
	defer h.ctl.Unlock()
	touched = h.felt[p]
	h.felt[p] = map[string]*machine{}
	was, now := map[string]*machine{}, map[string]*machine{}
	for id, before := range touched {
		if before != nil {
			was[id] = before
		}
		if m := s.Machines[id]; m != nil {
			now[id] = m
		}
	}
	return differing(was, now), touched
}

// restore takes back what feel returned.
func (h *Hypervisor) restore(p *Provider, touched map[string]*machine) {
	h.ctl.Lock()
	defer h.ctl.Unlock()
	if since := h.felt[p]; since != nil && touched != nil {
		maps.Copy(since, touched)
	} else {
		delete(h.felt, p) // it never had an answer
	}
}

// remember keeps what was touched for those who ask for a pulse. The caller
// holds ctl.
func (h *Hypervisor) remember(touched map[string]*machine) {
	for _, since := range h.felt {
		for id, before := range touched {
			if _, known := since[id]; !known {
				since[id] = before
			}
		}
	}
}

// forget ends what is remembered for a connection.
func (h *Hypervisor) forget(p *Provider) {
	h.ctl.Lock()
	defer h.ctl.Unlock()
	delete(h.felt, p)
}

// differing returns the ids of machines that came, went or changed, sorted.
func differing(was, now map[string]*machine) []string {
	var ids []string
	for id, m := range now {
		if old := was[id]; old != m && !reflect.DeepEqual(old, m) {
			ids = append(ids, id)
		}
	}
	for id := range was {
		if now[id] == nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
