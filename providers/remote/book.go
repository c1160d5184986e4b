package remote

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/vmsteward/vmsteward/providers"
)

// book is the ledger with what is in it. The zero value has not been opened.
type book struct {
	mu      sync.Mutex
	ledger  providers.Ledger // guarded by mu; nil: not opened yet
	entries map[providers.Owner]providers.LedgerEntry
	byID    map[string]providers.Owner
	byName  map[string]providers.Owner
}

// open reads the ledger, once.
func (b *book) open(l providers.Ledger) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ledger != nil {
		return nil
	}
	if l == nil {
		return errors.New("there is nowhere to remember which VMs are ours, and this server has no place for a mark")
	}
	all, err := l.Load()
	if err != nil {
		return fmt.Errorf("the ledger cannot be read: %w", err)
	}
	b.ledger = l
	b.entries = make(map[providers.Owner]providers.LedgerEntry, len(all))
	b.byID, b.byName = make(map[string]providers.Owner, len(all)), make(map[string]providers.Owner, len(all))
	for _, e := range all {
		b.keep(e)
	}
	return nil
}

// keep takes an entry in; the lock is held.
func (b *book) keep(e providers.LedgerEntry) {
	b.lose(e.Mark.Owner)
	b.entries[e.Mark.Owner] = e
	b.byName[e.Name] = e.Mark.Owner
	if e.ID != "" {
		b.byID[e.ID] = e.Mark.Owner
	}
}

// lose takes an entry out; the lock is held.
func (b *book) lose(o providers.Owner) {
	e, known := b.entries[o]
	if !known {
		return
	}
	delete(b.entries, o)
	if b.byName[e.Name] == o {
		delete(b.byName, e.Name)
	}
	if b.byID[e.ID] == o {
		delete(b.byID, e.ID)
	}
}

// of returns the entry of an owner.
func (b *book) of(o providers.Owner) (providers.LedgerEntry, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, known := b.entries[o]
	return e, known
}

// at returns the entry of an id.
func (b *book) at(id string) (providers.LedgerEntry, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o, known := b.byID[id]
	return b.entries[o], known
}

// all returns every entry, in no particular order.
func (b *book) all() []providers.LedgerEntry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Values(b.entries))
}

// put writes an entry. A name or an id that is another's is a Conflict.
func (b *book) put(e providers.LedgerEntry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, held := range []struct {
		what, text string
		by         map[string]providers.Owner
	}{{"name", e.Name, b.byName}, {"id", e.ID, b.byID}} {
		if o, taken := held.by[held.text]; taken && o != e.Mark.Owner {
			return &providers.Error{Kind: providers.Conflict, Err: fmt.Errorf("the VM with the %s %q is that of %s", held.what, held.text, o)}
		}
	}
	if err := b.ledger.Put(e); err != nil {
		return unwritten(err)
	}
	b.keep(e)
	return nil
}

// drop forgets an owner's VM.
func (b *book) drop(o providers.Owner) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.entries[o]; !known {
		return nil
	}
	if err := b.ledger.Drop(o); err != nil {
		return unwritten(err)
	}
	b.lose(o)
	return nil
}

func unwritten(err error) error {
	return &providers.Error{Kind: providers.QuotaExceeded, Err: fmt.Errorf("the ledger cannot be written: %w", err)}
}
