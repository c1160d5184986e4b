package reconcile

import (
	"iter"
	"sync"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/reconcile/journal"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// readsState is the name in the journal of the endpoints that were read.
const readsState = "read-in-full"

// everRead remembers which endpoints were read in full since the journal
// began: of those, the journal knows the VMs.
type everRead struct {
	mu  sync.Mutex
	all map[manifest.Key]bool // guarded by mu
}

func (r *everRead) load(store journal.Store) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = make(map[manifest.Key]bool)
	return store.State(readsState, &r.all)
}

func (r *everRead) has(endpoint manifest.Key) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[endpoint]
}

// locate remembers where the VMs live that nothing is remembered of.
func (r *run) locate(endpoints []plan.Endpoint) {
	r.seen.begin(r.memory.generation())
	w := writing{run: r}
	defer w.flush()
	for i := range endpoints {
		e := &endpoints[i]
		if e.Inventory == nil {
			continue
		}
		for vm := range r.seen.news(e.Key, e.Inventory.VMs) {
			if vm.Mark == nil || vm.Mark.Owner.Fleet != r.Engine.opts.Fleet {
				continue
			}
			owner := vm.Mark.Owner.VM
			if _, collected := w.records[owner]; !collected && r.memory.at(owner) == nil {
				w.replace(owner, journal.Record{Provider: e.Key, ID: vm.ID}, func() {})
			}
		}
	}
}

// sighted are the machines that a pass has looked at, by endpoint: what they
// say is remembered, for as long as no record is given up.
type sighted struct {
	generation int
	lists      map[manifest.Key][]*providers.VM
}

func (s *sighted) begin(generation int) {
	if s.lists == nil || s.generation != generation {
		*s = sighted{generation, make(map[manifest.Key][]*providers.VM)}
	}
}

// news returns the machines of a list that were not in their place before.
func (s *sighted) news(endpoint manifest.Key, list []*providers.VM) iter.Seq[*providers.VM] {
	before := s.lists[endpoint]
	s.lists[endpoint] = list
	return func(yield func(*providers.VM) bool) {
		for i, vm := range list {
			if (i >= len(before) || before[i] != vm) && !yield(vm) {
				return
			}
		}
	}
}

// add remembers the endpoints that were read in full just now, after the
// records of their VMs were written.
func (r *everRead) add(store journal.Store, endpoints []plan.Endpoint) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	news := false
	for i := range endpoints {
		e := &endpoints[i]
		if e.Inventory != nil && e.Inventory.Complete && !r.all[e.Key] {
			r.all[e.Key], news = true, true
		}
	}
	if !news {
		return nil
	}
	return store.SetState(readsState, r.all)
}
