package memory

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"
)

// pulse is what a connection saw of the machines at its last look.
type pulse struct {
	mu   sync.Mutex
	last map[string]*machine // nil before the first look; machines are replaced, never changed
}

// Pulse implements providers.Pulse. Everything that is remembered of a machine
// counts as a quick fact.
func (p *Provider) Pulse(ctx context.Context) ([]string, error) {
	p.pulse.mu.Lock()
	defer p.pulse.mu.Unlock()
	var now map[string]*machine
	err := p.read(ctx, call{op: opPulse}, func() error {
		return p.hv.view(func(s *state) error {
			now = maps.Clone(s.Machines)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	was := p.pulse.last
	p.pulse.last = now
	if was == nil {
		return nil, nil
	}
	return differing(was, now), nil
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
