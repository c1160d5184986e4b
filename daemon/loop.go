package daemon

import (
	"context"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/reconcile"
)

// wakes collects reasons for a pass. However many come while one pass is under
// way, they are one next pass.
type wakes struct {
	ring chan struct{} // capacity 1

	mu      sync.Mutex
	reasons map[string]bool // guarded by mu
	closed  bool            // guarded by mu
}

func newWakes() *wakes {
	return &wakes{ring: make(chan struct{}, 1), reasons: map[string]bool{}}
}

// add asks for a pass. It never blocks.
func (w *wakes) add(reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reasons[reason] = true
	w.knock()
}

// close makes every later take return false.
func (w *wakes) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.knock()
}

func (w *wakes) knock() {
	select {
	case w.ring <- struct{}{}:
	default:
	}
}

// take returns the reasons that have come together, and whether passes go on.
func (w *wakes) take() (reason string, ok bool) {
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
	clear(w.reasons)
	sort.Strings(reasons)
	return strings.Join(reasons, ", "), !w.closed
}

// loop runs one pass after another until the wakes are closed.
func (d *Daemon) loop(ctx context.Context) {
	last := d.lastPass()
	retry := d.firstRetry(last)
	for {
		at, why := d.current().schedule.next(last), "schedule"
		if !retry.IsZero() && retry.Before(at) {
			at, why = retry, "retry"
		}
		if !d.sleep(ctx, at, why) {
			return
		}
		reason, ok := d.wake.take()
		switch {
		case !ok || ctx.Err() != nil:
			return
		case reason == "":
			continue // taken by an earlier pass
		}
		last, retry = time.Now(), time.Time{}
		rep, err := d.pass(ctx, reconcile.PassOptions{Reason: reason, Waits: d.waits})
		switch {
		case err != nil:
			retry = time.Now().Add(passRetry)
		default:
			retry = rep.RetryAt
		}
	}
}

// passRetry is how soon a pass that failed as a whole is tried again.
const passRetry = 30 * time.Second

// sleep waits for the instant or for a reason that comes earlier.
func (d *Daemon) sleep(ctx context.Context, at time.Time, why string) bool {
	d.mu.Lock()
	d.next = at
	d.mu.Unlock()
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-d.wake.ring:
	case <-t.C:
		d.wake.add(why)
	}
	return true
}

// lastPass is when the last pass began, also one of an earlier process.
func (d *Daemon) lastPass() time.Time {
	var last reconcile.Brief
	if err := d.store.State("last", &last); err != nil {
		d.log.Warn("journal cannot be read", logkey.Err, err)
	}
	return last.Begun
}

// firstRetry is when the first pass is due besides the schedule: at once if a
// scheduled one was missed, or if the last process left work unfinished.
func (d *Daemon) firstRetry(last time.Time) time.Time {
	now := time.Now()
	if d.current().schedule.missed(last, now) {
		d.wake.add("a scheduled pass was missed")
		return time.Time{}
	}
	records, err := d.store.Records()
	if err != nil {
		return now
	}
	for _, r := range records {
		if r.Intent != nil {
			d.wake.add("work was left unfinished")
			return time.Time{}
		}
	}
	return time.Time{}
}
