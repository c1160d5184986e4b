package daemon

import (
	"context"
	"time"

	"github.com/vmsteward/vmsteward/daemon/metrics"
	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/reconcile"
)

// passRetry is how soon a pass that failed as a whole is tried again.
const passRetry = 30 * time.Second

// clockwork says when the next pass comes by itself.
type clockwork struct {
	due   time.Time // of the schedule; only a scheduled pass moves it
	retry time.Time // what time alone brings; zero: nothing
}

// next returns the instant of the next pass and why it comes.
func (c *clockwork) next() (time.Time, wake) {
	if !c.retry.IsZero() && c.retry.Before(c.due) {
		return c.retry, wake{reason: "retry", kind: metrics.WakeRetry}
	}
	return c.due, wake{reason: "schedule", full: true, kind: metrics.WakeSchedule}
}

// loop runs one pass after another until the wakes are closed.
func (d *Daemon) loop(ctx context.Context) {
	clock := clockwork{due: d.current().schedule.next(time.Now())}
	d.catchUp()
	for {
		if !d.sleep(ctx, &clock) {
			return
		}
		w, ok := d.wake.take()
		switch {
		case !ok || ctx.Err() != nil:
			return
		case w.reason == "":
			continue // taken by an earlier pass
		}
		if now := time.Now(); w.full || !now.Before(clock.due) {
			w.full, clock.due = true, d.current().schedule.next(now)
		}
		clock.retry = d.turn(ctx, w)
	}
}

// turn runs one pass and returns when time alone brings the next.
func (d *Daemon) turn(ctx context.Context, w wake) time.Time {
	rep, err := d.pass(ctx, reconcile.PassOptions{Reason: w.reason, Changed: !w.full})
	if err != nil {
		return time.Now().Add(passRetry)
	}
	return rep.RetryAt
}

// sleep waits for the clock or for a reason that comes earlier.
func (d *Daemon) sleep(ctx context.Context, clock *clockwork) bool {
	at, why := clock.next()
	d.mu.Lock()
	d.next = at
	d.mu.Unlock()
	d.heart.Rest(time.Until(at))
	defer d.heart.Beat()
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

// catchUp asks for a pass at once if a scheduled one was missed while nothing
// ran, or if the last process left work unfinished.
func (d *Daemon) catchUp() {
	if d.current().schedule.missed(d.lastPass(), time.Now()) {
		d.wake.add(wake{reason: "a scheduled pass was missed", full: true, kind: metrics.WakeMissed})
		return
	}
	if d.current().engine.Unfinished() {
		d.wake.add(wake{reason: "work was left unfinished", full: true, kind: metrics.WakeUnfinished})
	}
}

// lastPass is when the last pass began, also one of an earlier process.
func (d *Daemon) lastPass() time.Time {
	var last reconcile.Brief
	if err := d.store.State("last", &last); err != nil {
		d.log.Warn("journal cannot be read", logkey.Err, err)
	}
	return last.Begun
}
