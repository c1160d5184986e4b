package reconcile

import (
	"maps"
	"slices"
	"sync"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/reconcile/journal"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// recall is the journal with its records at hand: this engine is their only
// writer, so they are read once.
type recall struct {
	store journal.Store

	mu      sync.Mutex
	records map[manifest.Key]*recalled // guarded by mu
	// facts are those of records, for the plan. A pass reads them without mu
	// as long as it changes nothing.
	facts map[manifest.Key]*plan.Facts // changed under mu
	// uneasy are the VMs with an intent or a failure. Guarded by mu.
	uneasy map[manifest.Key]bool
	// forgotten counts the records that were given up. Guarded by mu.
	forgotten int
}

func remember(store journal.Store) (*recall, error) {
	records, err := store.Records()
	if err != nil {
		return nil, err
	}
	m := &recall{
		store: store, records: make(map[manifest.Key]*recalled, len(records)), facts: make(map[manifest.Key]*plan.Facts, len(records)),
		uneasy: map[manifest.Key]bool{},
	}
	for vm, r := range records {
		m.put(vm, recalledOf(&r))
	}
	return m, nil
}

// put replaces what is at hand. The caller holds mu.
func (m *recall) put(vm manifest.Key, r *recalled) {
	m.records[vm], m.facts[vm] = r, &r.Facts
	delete(m.uneasy, vm)
	if r.intent != nil || r.failure != nil {
		m.uneasy[vm] = true
	}
}

// at returns what is at hand of a VM; nil: nothing.
func (m *recall) at(vm manifest.Key) *recalled {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.records[vm]
}

// all returns the VMs that there are records of.
func (m *recall) all() []manifest.Key {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Keys(m.records))
}

// unsettled returns the records with an intent or a failure.
func (m *recall) unsettled() map[manifest.Key]*recalled {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[manifest.Key]*recalled, len(m.uneasy))
	for vm := range m.uneasy {
		out[vm] = m.records[vm]
	}
	return out
}

// generation changes whenever a record is given up.
func (m *recall) generation() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.forgotten
}

// update changes a record on the disk and at hand. The disk's error is
// returned; what is at hand changes either way, for the rest of this process.
func (m *recall) update(vm manifest.Key, change func(*journal.Record)) error {
	r := m.change(vm, change)
	return m.store.Put(map[manifest.Key]journal.Record{vm: r})
}

// change changes the record at hand, and returns what is to be written.
func (m *recall) change(vm manifest.Key, change func(*journal.Record)) journal.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.records[vm]
	r := before.record()
	applied := r.Applied // which change may replace
	change(&r)
	after := recalledOf(&r)
	if before != nil && before.Whole != nil && maps.Equal(r.Applied, applied) {
		after.stand(before.Whole, before.WholeWith)
	}
	m.put(vm, after)
	return r
}

// replace is update for several records, whatever they were.
func (m *recall) replace(records map[manifest.Key]journal.Record) error {
	m.mu.Lock()
	for vm, r := range records {
		m.put(vm, recalledOf(&r))
	}
	m.mu.Unlock()
	return m.store.Put(records)
}

// whole notes that what the record of a VM has as applied is all that is
// wanted of it.
func (m *recall) whole(vm *manifest.VM, caps *providers.Capabilities) {
	m.alter(vm.Key, func(r *recalled) { r.stand(vm, caps) })
}

// calm clears, for the rest of this process only, what a pass that found the
// VM as wanted makes meaningless. It costs no write: what the disk keeps is
// cleared again by the next such pass.
func (m *recall) calm(it *plan.Item, caps *providers.Capabilities) {
	m.alter(it.VM, func(r *recalled) {
		r.Signature, r.Strikes = "", 0
		r.stand(it.Wanted, caps)
		r.Provider, r.id, r.digest = it.Provider, it.ID, it.Digest // equal, and there anyway
	})
}

// alter changes what is at hand of a VM, and nothing on the disk.
func (m *recall) alter(vm manifest.Key, change func(*recalled)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	after := recalled{}
	if before := m.records[vm]; before != nil {
		after = *before
	}
	change(&after)
	m.put(vm, &after)
}

func (m *recall) forget(vm manifest.Key) error {
	m.mu.Lock()
	delete(m.records, vm)
	delete(m.facts, vm)
	delete(m.uneasy, vm)
	m.forgotten++
	m.mu.Unlock()
	return m.store.Forget(vm)
}

// copyFacts returns the facts for a plan beside a pass, which may change them
// meanwhile.
func (m *recall) copyFacts() map[manifest.Key]*plan.Facts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.facts)
}
