package reconcile

import (
	"context"
	"sync"
	"time"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/providers"
)

// pulseEvery is how often an endpoint is asked for what changes without an
// event.
const pulseEvery = time.Second

// Watch follows every endpoint that tells of its changes, and calls wake when
// a pass has something to look at, until the context ends. wake must not
// block. Endpoints that tell nothing are left to the schedule.
func (e *Engine) Watch(ctx context.Context, wake func(reason string)) {
	var wg sync.WaitGroup
	for _, g := range e.gates {
		if w, ok := g.Provider.(providers.Watcher); ok {
			wg.Go(func() { e.follow(ctx, g, w, wake) })
		}
	}
	wg.Wait()
}

// follow watches one endpoint, again and again with growing pauses while it
// cannot be watched.
func (e *Engine) follow(ctx context.Context, g *gate, w providers.Watcher, wake func(string)) {
	failures := 0
	for ctx.Err() == nil {
		ready := func() {
			failures = 0
			g.mirror.followed()
			wake("provider " + g.Key.String() + " is followed")
		}
		err := e.followOnce(ctx, g, w, ready, wake)
		g.mirror.lost()
		if ctx.Err() != nil {
			return
		}
		failures++
		pause := verdicts[providers.Unavailable].pause(failures)
		e.opts.Log.Debug("provider is not followed", logkey.Provider, g.Key.String(), logkey.Err, err, logkey.RetryInMS, pause.Milliseconds())
		if failures == 1 {
			wake("provider " + g.Key.String() + " is not followed any more")
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// followOnce watches until the stream breaks, and asks for the pulse beside it.
func (e *Engine) followOnce(ctx context.Context, g *gate, w providers.Watcher, ready func(), wake func(string)) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	told := func(ids ...string) {
		g.mirror.changed(ids...)
		wake("provider " + g.Key.String() + " tells of a change")
	}
	return w.Watch(ctx, func() {
		ready()
		if p, ok := g.Provider.(providers.Pulse); ok {
			wg.Go(func() { e.feelPulse(ctx, p, told) })
		}
	}, told)
}

// feelPulse asks once a second. A pulse that cannot be felt is no news: the
// stream beside it breaks with the endpoint.
func (e *Engine) feelPulse(ctx context.Context, p providers.Pulse, told func(ids ...string)) {
	tick := time.NewTicker(pulseEvery)
	defer tick.Stop()
	for {
		if ids, err := e.pulse(ctx, p); err == nil && len(ids) > 0 {
			told(ids...)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (e *Engine) pulse(ctx context.Context, p providers.Pulse) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, e.opts.ObserveTimeout)
	defer cancel()
	return p.Pulse(ctx)
}
