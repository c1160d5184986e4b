package server

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"google.golang.org/grpc"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
	"github.com/vmsteward/vmsteward/providers/remote/wire"
)

// Watch implements stewardv1.StewardServer. Beside the provider's own stream it
// asks for its pulse, so that the client need not.
func (s *steward) Watch(_ *stewardv1.WatchRequest, out grpc.ServerStreamingServer[stewardv1.WatchResponse]) error {
	watcher, ok := providers.As[providers.Watcher](s.p)
	if !ok {
		return without("watch")
	}
	ctx, cancel := context.WithCancel(out.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	n := newNews()
	wg.Go(func() { n.end(s.watch(ctx, watcher, n)) })
	leave := func() {}
	defer func() { leave() }()
	for {
		select {
		case <-n.wake:
		case <-ctx.Done():
			return wire.Status(ctx.Err())
		}
		m, ended := n.take()
		if m.GetReady() {
			leave = s.pulses.join(ctx, n)
		}
		if m != nil {
			if err := out.Send(m); err != nil {
				return err
			}
		}
		if ended != nil {
			return wire.Status(ended)
		}
	}
}

// watch is the provider's Watch, whose panic is an error.
func (s *steward) watch(ctx context.Context, w providers.Watcher, n *news) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = s.guard.caught("watch", p)
		}
	}()
	if err = w.Watch(ctx, n.ready, n.add); err == nil {
		err = &providers.Error{Op: "watch", Kind: providers.Unavailable, Err: fmt.Errorf("the stream ended")}
	}
	return err
}

// mostIDs is how many ids a watcher that is slow is told of; past them, it is
// told that anything may have changed.
const mostIDs = 10_000

// news is what a watcher has not been told yet. Ids are a set, so one that is
// slow costs little and nobody waits for it.
type news struct {
	wake chan struct{} // has room for one

	mu       sync.Mutex
	begun    bool            // guarded by mu: ready, and not told yet
	ids      map[string]bool // guarded by mu
	anything bool            // guarded by mu
	ended    error           // guarded by mu
}

func newNews() *news { return &news{wake: make(chan struct{}, 1)} }

func (n *news) note(f func()) {
	n.mu.Lock()
	f()
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (n *news) ready()        { n.note(func() { n.begun = true }) }
func (n *news) end(err error) { n.note(func() { n.ended = err }) }

// add notes ids that may have changed; an empty one means any.
func (n *news) add(ids ...string) {
	n.note(func() {
		for _, id := range ids {
			if id == "" || len(n.ids) == mostIDs && !n.ids[id] {
				n.anything = true
			}
			if n.anything {
				n.ids = nil
				return
			}
			if n.ids == nil {
				n.ids = make(map[string]bool)
			}
			n.ids[id] = true
		}
	})
}

// take returns what is to be told, nil if nothing is, and why the stream has
// ended, if it has.
func (n *news) take() (*stewardv1.WatchResponse, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var m *stewardv1.WatchResponse
	if n.begun || n.anything || len(n.ids) > 0 {
		m = &stewardv1.WatchResponse{Ready: n.begun, Anything: n.anything, Ids: slices.Sorted(maps.Keys(n.ids))}
		n.begun, n.anything, n.ids = false, false, nil
	}
	return m, n.ended
}
