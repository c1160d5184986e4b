package journal

import (
	"sync"

	bolt "go.etcd.io/bbolt"
)

// together puts what many want to write at once into few transactions, each of
// which costs a synced write: what comes while one is under way is the next.
// Nobody waits for company.
type together struct {
	db *bolt.DB

	mu      sync.Mutex
	waiting []*wish // guarded by mu

	turn sync.Mutex // held while a transaction is under way
}

// wish is something to write. It may be tried more than once.
type wish struct {
	write func(*bolt.Tx) error
	done  chan error // has room for one
}

// most is how many wishes are one transaction.
const most = 1000

// do writes, and returns when that is on the disk.
func (t *together) do(write func(*bolt.Tx) error) error {
	w := &wish{write, make(chan error, 1)}
	t.mu.Lock()
	t.waiting = append(t.waiting, w)
	t.mu.Unlock()
	t.turn.Lock()
	defer t.turn.Unlock()
	for {
		select {
		case err := <-w.done: // by somebody whose turn was before
			return err
		default:
			t.commit(t.take())
		}
	}
}

// take returns the wishes of the next transaction, the oldest first.
func (t *together) take() []*wish {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := min(most, len(t.waiting))
	next := t.waiting[:n:n]
	t.waiting = append([]*wish(nil), t.waiting[n:]...)
	return next
}

// commit writes the wishes in one transaction. One that cannot be fulfilled
// keeps none of the others from it.
func (t *together) commit(wishes []*wish) {
	for len(wishes) > 0 {
		bad := -1
		err := t.db.Update(func(tx *bolt.Tx) error {
			for i, w := range wishes {
				if err := w.write(tx); err != nil {
					bad = i
					return err
				}
			}
			return nil
		})
		if bad < 0 {
			for _, w := range wishes {
				w.done <- err
			}
			return
		}
		wishes[bad].done <- err
		wishes = append(append([]*wish(nil), wishes[:bad]...), wishes[bad+1:]...)
	}
}
