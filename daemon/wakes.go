package daemon

import (
	"context"
	"sort"
	"strings"
	"sync"
)

// wake is one reason for a pass.
type wake struct {
	reason string
	// full has the pass read everything, whatever the endpoints tell.
	full bool
	// newer says that there may be a newer desired state: the pass under way
	// waits no longer for what an older one asked for.
	newer bool
	kind  string // for the metrics
}

// wakes collects reasons for a pass. However many come while one pass is under
// way, they are one next pass.
type wakes struct {
	ring chan struct{} // capacity 1

	mu      sync.Mutex
	reasons map[string]bool    // guarded by mu
	full    bool               // guarded by mu
	closed  bool               // guarded by mu
	endWait context.CancelFunc // guarded by mu: of the pass under way; nil: none

	count func(kind string)
}

func newWakes(count func(kind string)) *wakes {
	return &wakes{ring: make(chan struct{}, 1), reasons: map[string]bool{}, count: count}
}

// add asks for a pass. It never blocks.
func (w *wakes) add(k wake) {
	w.count(k.kind)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reasons[k.reason] = true
	w.full = w.full || k.full
	if k.newer && w.endWait != nil {
		w.endWait()
	}
	w.knock()
}

// close makes every later take return false, and ends the waiting under way.
func (w *wakes) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.endWait != nil {
		w.endWait()
	}
	w.knock()
}

func (w *wakes) knock() {
	select {
	case w.ring <- struct{}{}:
	default:
	}
}

// take returns the reasons that have come together as one, and whether passes
// go on.
func (w *wakes) take() (all wake, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.ring: // the reasons that rang are taken with the others
	default:
	}
	reasons := make([]string, 0, len(w.reasons))
	for r := range w.reasons {
		reasons = append(reasons, r)
	}
	sort.Strings(reasons)
	all = wake{reason: strings.Join(reasons, ", "), full: w.full}
	clear(w.reasons)
	w.full = false
	return all, !w.closed
}

// waiting gives a pass the context that its waiting lives in, and what ends it.
func (w *wakes) waiting() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		cancel()
	}
	w.endWait = cancel
	return ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.endWait = nil
		cancel()
	}
}
