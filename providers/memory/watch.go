package memory

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/vmsteward/vmsteward/providers"
)

var (
	_ providers.Watcher = (*Provider)(nil)
	_ providers.Pulse   = (*Provider)(nil)
)

// watcher is one Watch under way: what it has not been told yet. Ids are a
// set, so a slow reader costs one entry for each VM and nobody waits for it.
type watcher struct {
	conn *Provider
	wake chan struct{} // has room for one

	// Guarded by the hypervisor's ctl.
	ids  map[string]bool
	due  time.Time // when the next effect comes into force by itself; zero: none
	lost string    // why the stream broke; empty: it has not
}

// Watch implements providers.Watcher. Acts of other connections and of
// Outside are told like our own, late effects when they come into force. Of a
// hypervisor in a file, only the acts of this process are told; Pulse finds
// those of others.
func (p *Provider) Watch(ctx context.Context, ready func(), changed func(ids ...string)) error {
	c := call{op: opWatch}
	fault, err := p.admit(ctx, c)
	if err != nil {
		return err
	}
	w := &watcher{conn: p, wake: make(chan struct{}, 1), ids: map[string]bool{}}
	if err := p.hv.update(func(s *state) error { return p.hv.subscribe(c, w, s.nextDue()) }); err != nil {
		return err
	}
	defer p.hv.unsubscribe(w)
	if err := fault.answer(ctx, c); err != nil {
		return err
	}
	ready()
	for {
		ids, due, lost := p.hv.untold(w)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case lost != "":
			return c.fail(providers.Unavailable, lost)
		case len(ids) > 0:
			changed(ids...)
			continue
		}
		if err := p.hv.await(ctx, w, due); err != nil {
			return err
		}
	}
}

// await returns when there may be something to tell, or the context ends.
func (h *Hypervisor) await(ctx context.Context, w *watcher, due time.Time) error {
	var effect <-chan time.Time
	if !due.IsZero() {
		timer := time.NewTimer(time.Until(due))
		defer timer.Stop()
		effect = timer.C
	}
	select {
	case <-ctx.Done():
	case <-w.wake:
	case <-effect:
		return h.update(func(*state) error { return nil }) // brings it into force
	}
	return nil
}

// subscribe adds a watcher, unless the endpoint has become unreachable. The
// caller holds mu, so no effect falls between this and due.
func (h *Hypervisor) subscribe(c call, w *watcher, due time.Time) error {
	h.ctl.Lock()
	defer h.ctl.Unlock()
	if h.cut || w.conn.closed.Load() {
		return c.fail(providers.Unavailable, "the endpoint does not answer")
	}
	w.due = due
	h.watchers[w] = true
	return nil
}

func (h *Hypervisor) unsubscribe(w *watcher) {
	h.ctl.Lock()
	defer h.ctl.Unlock()
	delete(h.watchers, w)
}

// tell leaves what an effect touched with every watcher. The caller holds mu.
func (h *Hypervisor) tell(s *state) {
	touched := s.touched
	s.touched = nil
	h.ctl.Lock()
	defer h.ctl.Unlock()
	h.remember(touched)
	if len(h.watchers) == 0 {
		return
	}
	due := s.nextDue()
	for w := range h.watchers {
		if len(touched) == 0 && w.due.Equal(due) {
			continue
		}
		if !h.hushed {
			for id := range touched {
				w.ids[id] = true
			}
		}
		w.due = due
		w.nudge()
	}
}

// untold takes what a watcher has not been told yet.
func (h *Hypervisor) untold(w *watcher) (ids []string, due time.Time, lost string) {
	h.ctl.Lock()
	defer h.ctl.Unlock()
	ids = slices.Sorted(maps.Keys(w.ids))
	w.ids = map[string]bool{} // which had room for as many as ever came
	return ids, w.due, w.lost
}

// nudge wakes a watcher without waiting for it.
func (w *watcher) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// LoseStreams ends every Watch under way with Unavailable, as a daemon that
// restarts does. A new one may begin at once.
func (h *Hypervisor) LoseStreams() { h.loseStreams("the stream was lost", nil) }

// loseStreams ends the watches of a connection, of all when it is nil.
func (h *Hypervisor) loseStreams(why string, of *Provider) {
	h.ctl.Lock()
	defer h.ctl.Unlock()
	for w := range h.watchers {
		if of == nil || w.conn == of {
			w.lost = why
			w.nudge()
		}
	}
}

// Hush makes acts happen without a word to any Watch, or ends that: what
// happened meanwhile is never told, and only Pulse and a read find it.
func (h *Hypervisor) Hush(on bool) {
	h.ctl.Lock()
	defer h.ctl.Unlock()
	h.hushed = on
}
