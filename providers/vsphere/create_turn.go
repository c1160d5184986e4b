package vsphere

import (
	"context"
	"sync"
	"time"

	"github.com/vmsteward/vmsteward/providers"
)

// turns lets one caller at a time create the VM of an owner, and remembers the
// tasks in which VMs are made: until one has ended, the VM cannot be found by
// its UUID. The zero value is ready.
type turns struct {
	mu    sync.Mutex
	held  map[providers.Owner]*turn
	tasks map[providers.Owner]making
}

// turn is held by who has put a token into it.
type turn struct {
	token chan struct{}
	users int // who hold it or wait for it; guarded by turns.mu
}

// making is a task in which a VM is made.
type making struct {
	task  providers.TaskRef
	since time.Time
}

// take waits until nobody else creates the owner's VM.
func (t *turns) take(ctx context.Context, o providers.Owner) (done func(), err error) {
	t.mu.Lock()
	one := t.held[o]
	if one == nil {
		one = &turn{token: make(chan struct{}, 1)}
		if t.held == nil {
			t.held = make(map[providers.Owner]*turn)
		}
		t.held[o] = one
	}
	one.users++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(t.held, o)
		}
	}
	select {
	case one.token <- struct{}{}:
		return func() { <-one.token; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

// task returns the task in which the owner's VM is made; empty: none that is
// remembered.
func (t *turns) task(o providers.Owner) providers.TaskRef {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tasks[o].task
}

// mostMade is how many tasks are remembered before old ones are dropped, and
// madeAge is what old means.
const (
	mostMade = 1000
	madeAge  = time.Hour
)

// note remembers a task; the empty one takes it away.
func (t *turns) note(o providers.Owner, task providers.TaskRef) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if task == "" {
		delete(t.tasks, o)
		return
	}
	if t.tasks == nil {
		t.tasks = make(map[providers.Owner]making)
	}
	if len(t.tasks) >= mostMade {
		for old, m := range t.tasks {
			if time.Since(m.since) > madeAge {
				delete(t.tasks, old)
			}
		}
	}
	t.tasks[o] = making{task, time.Now()}
}
