package sdnotify

import (
	"context"
	"sync"
	"time"
)

// Heart feeds the watchdog on behalf of one loop, for as long as the loop
// makes progress. Two clocks are kept apart: the service manager's interval,
// in which the process has to be heard at all, and the loop's patience, in
// which it has to get one step further. A stopped or starved process is thus
// noticed within the interval, a loop that hangs within its patience, and a
// long pass that gets on step by step is left alone.
//
// The zero Heart and nil are hearts that nobody listens to.
type Heart struct {
	send     func(...string) error
	interval time.Duration
	patience time.Duration
	hangs    func(silent time.Duration)

	mu   sync.Mutex
	last time.Time // guarded by mu: of the last Beat or Rest
	due  time.Time // guarded by mu: when the next one is missed
}

// NewHeart returns the heart of a loop whose longest single step takes less
// than the patience. hangs is called once, before the service manager is told
// to end the process, with how long the loop has been silent; nil: nobody is
// told.
func NewHeart(n Notifier, patience time.Duration, hangs func(silent time.Duration)) *Heart {
	h := &Heart{send: n.Notify, interval: n.WatchdogInterval(), patience: patience, hangs: hangs}
	h.Beat()
	return h
}

// Beat tells that the loop is one step further. It never blocks for long, and
// any goroutine that works for the loop may call it.
func (h *Heart) Beat() { h.Rest(0) }

// Rest tells that the loop waits, and gets on after d at the latest; its
// patience counts from there. The time is monotonic: a clock that is set makes
// nobody late.
func (h *Heart) Rest(d time.Duration) {
	if h == nil {
		return
	}
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last, h.due = now, now.Add(max(d, 0)+h.patience)
}

// Run feeds the watchdog twice per interval, until the context ends. When the
// loop is overdue it asks the service manager to end the process, and returns:
// from then on the silence says the same to one that does not understand.
func (h *Heart) Run(ctx context.Context) {
	if h == nil || h.interval <= 0 {
		return
	}
	t := time.NewTicker(max(h.interval/2, time.Millisecond))
	defer t.Stop()
	for {
		if silent, overdue := h.overdue(); overdue {
			h.giveUp(silent)
			return
		}
		// A message that is lost is made up for by the next one; two in a row
		// are what the interval is for.
		_ = h.send(stateAlive)
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

func (h *Heart) overdue() (silent time.Duration, overdue bool) {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	return now.Sub(h.last), now.After(h.due)
}

func (h *Heart) giveUp(silent time.Duration) {
	if h.hangs != nil {
		h.hangs(silent)
	}
	_ = h.send("STATUS=hangs: no progress for "+silent.Round(time.Second).String(), stateHangs)
}
