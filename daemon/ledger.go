package daemon

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/reconcile/journal"
)

// ledger is what is ours on one endpoint that has no place for marks, in the
// journal: one value for each owner. It goes by the endpoint's address, for the
// same ids on another server are other machines.
type ledger struct {
	store  journal.Store
	prefix string
}

func newLedger(store journal.Store, endpoint string) *ledger {
	return &ledger{store, "ledger\x00" + endpoint + "\x00"}
}

// ledgerIn is the ledger of an endpoint in a daemon's journal. A journal in
// memory stands in for a state directory that is not to be had: what is ours is
// not known then, and nobody may take that for nothing.
func ledgerIn(store journal.Store, endpoint string) providers.Ledger {
	if _, apart := store.(*journal.Memory); apart {
		return unread{}
	}
	return newLedger(store, endpoint)
}

// unread is a ledger that cannot be read.
type unread struct{}

var errUnread = errors.New("which VMs are ours is written in the state directory alone, which cannot be read")

// Load implements providers.Ledger.
func (unread) Load() ([]providers.LedgerEntry, error) { return nil, errUnread }

// Put implements providers.Ledger.
func (unread) Put(providers.LedgerEntry) error { return errUnread }

// Drop implements providers.Ledger.
func (unread) Drop(providers.Owner) error { return errUnread }

// Load implements providers.Ledger.
func (l *ledger) Load() (all []providers.LedgerEntry, err error) {
	err = l.store.States(l.prefix, func(name string, value []byte) error {
		var e providers.LedgerEntry
		if err := json.Unmarshal(value, &e); err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
		all = append(all, e)
		return nil
	})
	return all, err
}

// Put implements providers.Ledger.
func (l *ledger) Put(e providers.LedgerEntry) error {
	return l.store.SetState(l.prefix+e.Mark.Owner.String(), e)
}

// Drop implements providers.Ledger.
func (l *ledger) Drop(o providers.Owner) error { return l.store.DropState(l.prefix + o.String()) }
