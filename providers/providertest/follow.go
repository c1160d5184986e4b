package providertest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/vmsteward/vmsteward/providers"
)

// following is a Watch under way, with the Pulse beside it, as a reconciler
// uses the two.
type following struct {
	e    *Env
	stop context.CancelFunc
	end  chan error    // what Watch returned
	news chan struct{} // has room for one: something was told

	mu      sync.Mutex
	ready   int
	inside  bool     // changed is being called
	wrong   string   // how the calls broke the contract
	ids     []string // told since the last forget
	allTold []string
}

// follow starts a Watch, if the provider has one, waits until it is ready, and
// takes the first Pulse. The caller closes it.
func (e *Env) follow(ctx context.Context) *following {
	ctx, stop := context.WithCancel(ctx)
	f := &following{e: e, stop: stop, end: make(chan error, 1), news: make(chan struct{}, 1)}
	if w, can := providers.As[providers.Watcher](e.P); can && !e.failed() {
		begun := make(chan struct{}, 1)
		go func() {
			f.end <- w.Watch(ctx, func() { f.isReady(); begun <- struct{}{} }, f.changed)
		}()
		timer := time.NewTimer(e.CallTimeout)
		defer timer.Stop()
		select {
		case <-begun:
		case err := <-f.end:
			e.failf("watch ended before it was ready: %w", orNone(err))
			f.end <- err
		case <-timer.C:
			e.failf("watch is not ready after %s", e.CallTimeout)
		}
	}
	f.pulse(ctx)
	return f
}

func (f *following) isReady() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ready++
	if f.ready > 1 {
		f.blame("ready was called twice")
	}
}

// changed takes a moment, in which it must not be called again.
func (f *following) changed(ids ...string) {
	f.enter(ids)
	pause(context.Background(), time.Millisecond)
	f.leave()
	select {
	case f.news <- struct{}{}:
	default:
	}
}

func (f *following) enter(ids []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.ready == 0:
		f.blame("a change was told before ready was called")
	case f.inside:
		f.blame("changed was called while it was being called")
	}
	f.inside = true
	f.ids = append(f.ids, ids...)
	f.allTold = append(f.allTold, ids...)
}

func (f *following) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inside = false
}

// blame keeps what was wrong first. The caller holds the lock.
func (f *following) blame(what string) {
	if f.wrong == "" {
		f.wrong = what
	}
}

// pulse adds what a Pulse finds, if the provider has one, and returns it.
func (f *following) pulse(ctx context.Context) []string {
	p, can := providers.As[providers.Pulse](f.e.P)
	if !can || f.e.failed() {
		return nil
	}
	var ids []string
	err := f.e.call(ctx, func(ctx context.Context) (err error) {
		ids, err = p.Pulse(ctx)
		return err
	})
	f.e.ok("pulse", err)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ids = append(f.ids, ids...)
	f.allTold = append(f.allTold, ids...)
	return ids
}

// act does something and expects that the VM is told within the target's time.
func (f *following) act(ctx context.Context, doing, id string, do func()) {
	f.forget()
	do()
	f.expect(ctx, doing, id)
}

// expect waits until the VM is told, by the one or the other.
func (f *following) expect(ctx context.Context, doing, id string) {
	ctx, cancel := context.WithTimeout(ctx, f.e.Told)
	defer cancel()
	for !f.e.failed() && !f.told(id) {
		timer := time.NewTimer(f.e.Poll)
		select {
		case <-f.news:
		case <-timer.C:
			if f.pulse(context.WithoutCancel(ctx)); ctx.Err() != nil && !f.told(id) {
				f.e.failf("%s: neither Watch nor Pulse told of %q within %s", doing, id, f.e.Told)
			}
		}
		timer.Stop()
	}
}

// told tells whether the VM, or everything, was named since the last forget.
func (f *following) told(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Contains(f.ids, id) || slices.Contains(f.ids, "")
}

func (f *following) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ids = nil
}

// ended expects that Watch returns soon, and returns its error.
func (f *following) ended(doing string) error {
	const grace = 3 * time.Second
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case err := <-f.end:
		f.end <- err
		return err
	case <-timer.C:
		f.e.failf("%s: watch goes on %s later", doing, grace)
		return nil
	}
}

// close ends the Watch as its caller does, and looks at how it behaved.
func (f *following) close() {
	f.stop()
	_, can := providers.As[providers.Watcher](f.e.P)
	if !can || f.e.failed() {
		return
	}
	if err := f.ended("the context ended"); !f.e.failed() && !errors.Is(err, context.Canceled) {
		f.e.failf("watch ended with its context: want the context's error: %w", orNone(err))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.wrong != "" {
		f.e.failf("watch: %s", f.wrong)
	}
}
