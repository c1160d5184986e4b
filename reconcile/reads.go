package reconcile

import (
	"sync"

	"github.com/vmsteward/vmsteward/manifest"
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
	for i := range endpoints {
		e := &endpoints[i]
		if e.Inventory == nil {
			continue
		}
		for j := range e.Inventory.VMs {
			vm := &e.Inventory.VMs[j]
			if vm.Mark == nil || vm.Mark.Owner.Fleet != r.Engine.opts.Fleet {
				continue
			}
			if _, known := r.memory.get(vm.Mark.Owner.VM); !known {
				r.complain(r.memory.update(vm.Mark.Owner.VM, func(rec *journal.Record) { rec.Provider, rec.ID = e.Key, vm.ID }))
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
