package reconcile

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// gate is the one way to an endpoint: it holds the number of calls in flight
// and their rate to what the endpoint bears, and stops sending calls to an
// endpoint that is gone.
type gate struct {
	Endpoint
	stated stated
	crew   crew          // replaced only while no VM is at work
	limit  *rate.Limiter // nil: no limit
	mirror mirror

	mu       sync.Mutex
	failures int       // guarded by mu: in a row
	timeouts int       // guarded by mu: of calls, in a row
	failedAt time.Time // guarded by mu
	until    time.Time // guarded by mu: no call before
	cause    string    // guarded by mu
	whole    bool      // guarded by mu: the last inventory was complete
}

func newGate(ep Endpoint) *gate {
	g := &gate{Endpoint: ep}
	g.heed(g.ask())
	if ep.QPS > 0 {
		g.limit = rate.NewLimiter(rate.Limit(ep.QPS), max(1, ep.Burst))
	}
	return g
}

// errEndpointDown says that a call was not tried because its endpoint is gone.
var errEndpointDown = errors.New("not tried: the provider is not reachable")

// call runs fn when a slot is free and the rate allows it.
func (g *gate) call(ctx context.Context, timeout time.Duration, fn func(context.Context) error) error {
	held, err := g.enter(ctx)
	if err != nil {
		return err
	}
	defer func() { <-held }()
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	begun := time.Now()
	err = fn(limited)
	switch {
	case ctx.Err() != nil: // the caller left, which says nothing about the endpoint
	case g.blamed(err):
		g.failed(time.Now(), err)
	default:
		g.recovered(begun)
	}
	return err
}

// blamed tells whether an error of a call about one VM is the endpoint's: one
// VM may lack a permission or take too long by itself, but not several in a
// row.
func (g *gate) blamed(err error) bool {
	kind := providers.KindOf(err)
	g.mu.Lock()
	defer g.mu.Unlock()
	if kind != providers.Timeout {
		g.timeouts = 0
		return kind == providers.Unavailable || kind == providers.RateLimited
	}
	g.timeouts++
	return g.timeouts > 1
}

// down tells whether an error is about the endpoint rather than one VM.
func (g *gate) down(err error) bool {
	switch providers.KindOf(err) {
	case providers.Unavailable, providers.Unauthorized, providers.Timeout, providers.RateLimited:
		return true
	}
	return errors.Is(err, errEndpointDown)
}

// enter waits for a slot and for the rate. The slot is given back to where it
// was taken.
func (g *gate) enter(ctx context.Context) (held slots, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err // a free slot is not for one who left
	}
	held = g.stated.places()
	select {
	case held <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := g.admit(ctx); err != nil {
		<-held
		return nil, err
	}
	return held, nil
}

// admit lets one call pass at the rate of the endpoint, unless the endpoint is
// gone before or after the wait.
func (g *gate) admit(ctx context.Context) error {
	if err := g.open(); err != nil || g.limit == nil {
		return err
	}
	if err := g.limit.Wait(ctx); err != nil {
		return err
	}
	return g.open()
}

func (g *gate) open() error {
	if wait, why := g.paused(time.Now()); wait > 0 {
		return fmt.Errorf("%w: %s", errEndpointDown, why)
	}
	return nil
}

// paused returns how long the endpoint is left alone, and why.
func (g *gate) paused(now time.Time) (time.Duration, string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if wait := g.until.Sub(now); wait > 0 {
		return wait, g.cause
	}
	return 0, ""
}

// failed notes that the endpoint itself failed, which is left alone for a
// while.
func (g *gate) failed(now time.Time, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Before(g.until) {
		return // a call that was in flight when it failed
	}
	g.failures++
	g.failedAt = now
	g.until, g.cause = now.Add(verdictOf(err).pause(g.failures)), err.Error()
}

// recovered notes that the endpoint answered a call. One that was in flight
// when the endpoint failed proves nothing.
func (g *gate) recovered(begun time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failures == 0 || begun.After(g.failedAt) {
		g.failures, g.until, g.cause = 0, time.Time{}, ""
	}
}

// observed notes how much of the endpoint an inventory saw.
func (g *gate) observed(whole bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.whole = whole
}

// known tells whether a VM that the last inventory lacks is really not there.
func (g *gate) known() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.whole
}

// Trouble says why an endpoint is left alone at the moment; empty: it is not.
func (e *Engine) Trouble(endpoint manifest.Key) string {
	g := e.gates[endpoint]
	if g == nil {
		return "not configured"
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.cause
}
