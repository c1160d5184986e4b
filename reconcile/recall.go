package reconcile

import (
	"maps"
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
	records map[manifest.Key]journal.Record // guarded by mu
	// current holds, by VM, the digest whose rendering by this process was
	// found to be what the record has as applied. Guarded by mu.
	current map[manifest.Key]string
}

func remember(store journal.Store) (*recall, error) {
	records, err := store.Records()
	if err != nil {
		return nil, err
	}
	return &recall{store: store, records: maps.Clone(records), current: map[manifest.Key]string{}}, nil
}

func (m *recall) get(vm manifest.Key) (journal.Record, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.records[vm]
	return r, ok
}

// all returns a copy of the records.
func (m *recall) all() map[manifest.Key]journal.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.records)
}

// update changes a record on the disk and at hand. The disk's error is
// returned; what is at hand changes either way, for the rest of this process.
func (m *recall) update(vm manifest.Key, change func(*journal.Record)) error {
	m.mu.Lock()
	r := m.records[vm]
	change(&r)
	m.records[vm] = r
	delete(m.current, vm)
	m.mu.Unlock()
	return m.store.Update(vm, func(stored *journal.Record) { *stored = r })
}

func (m *recall) forget(vm manifest.Key) error {
	m.mu.Lock()
	delete(m.records, vm)
	delete(m.current, vm)
	m.mu.Unlock()
	return m.store.Forget(vm)
}

// calm clears, for the rest of this process only, what a pass that found the
// VM as wanted makes meaningless. It costs no write: what the disk keeps is
// cleared again by the next such pass.
func (m *recall) calm(vm manifest.Key, digest string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.records[vm]
	r.Signature, r.Strikes = "", 0
	m.records[vm] = r
	m.current[vm] = digest
}

// isCurrent tells whether nothing about a VM that is as wanted is news.
func (m *recall) isCurrent(vm manifest.Key, digest, id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.current[vm] == digest && m.records[vm].ID == id
}

// facts renders the records for the plan.
func (m *recall) facts() map[manifest.Key]plan.Facts {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make(map[manifest.Key]plan.Facts, len(m.records))
	for key, r := range m.records {
		out[key] = factsOf(r)
	}
	return out
}

func factsOf(r journal.Record) plan.Facts {
	f := plan.Facts{Applied: r.Applied, Provider: r.Provider, Signature: r.Signature, Strikes: r.Strikes, Stubborn: r.Stubborn}
	if in := r.Intent; in != nil {
		f.Pending = &plan.Pending{Op: plan.OpKind(in.Op), Task: providers.TaskRef(in.Task), Since: in.Begun, Deadline: in.Deadline}
	}
	if e := r.Failure; e != nil {
		f.Failure = &plan.Failure{Text: e.Text, Digest: e.Digest, ForDigest: e.ForDigest, NotBefore: e.NotBefore}
	}
	return f
}
