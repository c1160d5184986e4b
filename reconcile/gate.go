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
	caps  providers.Capabilities
	slots chan struct{}
	limit *rate.Limiter // nil: no limit

	mu       sync.Mutex
	failures int       // guarded by mu: in a row
	until    time.Time // guarded by mu: no call before
	cause    string    // guarded by mu
	whole    bool      // guarded by mu: the last inventory was complete
}

// defaultConcurrency is for providers that state none.
const defaultConcurrency = 4

func newGate(ep Endpoint) *gate {
	g := &gate{Endpoint: ep}
	if c, ok := ep.Provider.(providers.Capable); ok {
		g.caps = c.Capabilities()
	}
	n := g.caps.Concurrency
	if n <= 0 {
		n = defaultConcurrency
	}
	g.slots = make(chan struct{}, n)
	if ep.QPS > 0 {
		g.limit = rate.NewLimiter(rate.Limit(ep.QPS), max(1, ep.Burst))
	}
	return g
}

// errEndpointDown says that a call was not tried because its endpoint is gone.
var errEndpointDown = errors.New("not tried: the provider is not reachable")

// call runs fn when a slot is free and the rate allows it.
func (g *gate) call(ctx context.Context, timeout time.Duration, fn func(context.Context) error) error {
	if err := g.enter(ctx); err != nil {
		return err
	}
	defer func() { <-g.slots }()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := fn(ctx)
	switch providers.KindOf(err) {
	case providers.Unavailable, providers.Unauthorized, providers.Timeout:
		g.failed(time.Now(), err)
	case "":
		g.recovered()
	}
	return err
}

func (g *gate) enter(ctx context.Context) error {
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	err := g.admit(ctx)
	if err != nil {
		<-g.slots
	}
	return err
}

func (g *gate) admit(ctx context.Context) error {
	if wait, why := g.paused(time.Now()); wait > 0 {
		return fmt.Errorf("%w: %s", errEndpointDown, why)
	}
	if g.limit == nil {
		return nil
	}
	return g.limit.Wait(ctx)
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

// failed notes that the endpoint itself failed and returns for how long it is
// left alone.
func (g *gate) failed(now time.Time, err error) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Before(g.until) {
		return g.until.Sub(now) // a call that was in flight when it failed
	}
	g.failures++
	pause := verdictOf(err).pause(g.failures)
	g.until, g.cause = now.Add(pause), err.Error()
	return pause
}

func (g *gate) recovered() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failures, g.until, g.cause = 0, time.Time{}, ""
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
