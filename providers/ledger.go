package providers

import "time"

// Ledger remembers what is ours on an endpoint that has no place for a mark. It
// is of one endpoint and safe for many goroutines; what is written is on the
// disk when the call returns. Where it is lost, nobody can tell any more whose
// the VMs of such an endpoint are: they are strangers, and their names are
// taken.
type Ledger interface {
	// Load returns every entry.
	Load() ([]LedgerEntry, error)
	// Put writes an entry in the place of the one of its owner.
	Put(LedgerEntry) error
	// Drop forgets the entry of an owner, if there is one.
	Drop(Owner) error
}

// LedgerEntry is one VM that was made, or whose making was begun when no VM had
// its name.
type LedgerEntry struct {
	Name string `json:"name"`         // under which the endpoint knows it
	ID   string `json:"id,omitempty"` // empty: nobody has seen it yet
	Mark Mark   `json:"mark"`
	// Begun is when a making began whose end nobody has seen; zero: there is
	// none.
	Begun time.Time `json:"begun,omitzero"`
}
