package watch

import (
	"errors"
	"path/filepath"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// inboxSize is how many paths are remembered; more count as lost events.
const inboxSize = 1 << 14

var errClosed = errors.New("the kernel's events have ended")

// inbox takes events off the library at once, whatever its reader is doing: the
// library sends errors while it holds the lock that adding a watch needs.
type inbox struct {
	ring chan struct{} // capacity 1; rung when there is something
	done chan struct{} // closed when the last event was taken

	mu     sync.Mutex
	events map[string]fsnotify.Op // guarded by mu; by path
	lost   bool                   // guarded by mu
	err    error                  // guarded by mu
}

func newInbox(w *fsnotify.Watcher) *inbox {
	b := &inbox{ring: make(chan struct{}, 1), done: make(chan struct{}), events: map[string]fsnotify.Op{}}
	go b.fill(w)
	return b
}

// fill ends when the watcher is closed.
func (b *inbox) fill(w *fsnotify.Watcher) {
	defer close(b.done)
	errs := w.Errors
	for {
		select {
		case e, ok := <-w.Events:
			if !ok {
				b.fail(errClosed)
				return
			}
			b.add(filepath.Clean(e.Name), e.Op)
		case err, ok := <-errs:
			if !ok {
				errs = nil // Events is closed next
				continue
			}
			b.fail(err)
		}
	}
}

func (b *inbox) add(name string, op fsnotify.Op) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.events) >= inboxSize {
		b.lost = true
		clear(b.events)
	}
	b.events[name] |= op
	b.knock()
}

func (b *inbox) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if benign(err) {
		b.lost = true
	} else {
		b.err = err
	}
	b.knock()
}

func (b *inbox) knock() {
	select {
	case b.ring <- struct{}{}:
	default:
	}
}

// take returns what has arrived, by path; nil when some of it was lost.
func (b *inbox) take() (map[string]fsnotify.Op, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return nil, b.err
	}
	events := b.events
	b.events = map[string]fsnotify.Op{}
	if b.lost {
		b.lost = false
		return nil, nil
	}
	return events, nil
}
