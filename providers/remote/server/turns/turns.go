// Package turns has calls for the same VM come one after another, whichever
// service they come by. It knows owners and nothing else. It is tested by a
// crowd in virtual time.
package turns

import (
	"context"
	"sync"

	"github.com/vmsteward/vmsteward/providers"
)

// Turns has calls for the same VM come one after another, as providers want
// it. The zero value is ready.
type Turns struct {
	mu   sync.Mutex
	busy map[providers.Owner]*turn
}

// turn is one VM that somebody acts on or waits for.
type turn struct {
	free chan struct{} // holds one while somebody acts
	n    int           // who acts and who waits; guarded by Turns.mu
}

// Take waits for the VM's turn, or for the end of ctx.
func (t *Turns) Take(ctx context.Context, owner providers.Owner) (end func(), err error) {
	mine := t.join(owner)
	select {
	case mine.free <- struct{}{}:
		return func() {
			<-mine.free
			t.leave(owner, mine)
		}, nil
	case <-ctx.Done():
		t.leave(owner, mine)
		return nil, ctx.Err()
	}
}

func (t *Turns) join(owner providers.Owner) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy == nil {
		t.busy = make(map[providers.Owner]*turn)
	}
	mine := t.busy[owner]
	if mine == nil {
		mine = &turn{free: make(chan struct{}, 1)}
		t.busy[owner] = mine
	}
	mine.n++
	return mine
}

func (t *Turns) leave(owner providers.Owner, mine *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if mine.n--; mine.n == 0 {
		delete(t.busy, owner)
	}
}
