package webhook

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// maxSources bounds the memory of who failed.
const maxSources = 1024

// gate lets a bounded number of bodies be read at once. A source whose proofs
// keep failing has its turns one at a time, so that it waits for itself and not
// others for it; it is never shut out, because behind a proxy the good come
// from the same address.
type gate struct {
	slots   int           // bodies at once
	queue   int           // deliveries that may wait for a turn
	wait    time.Duration // for a turn
	burst   float64       // failures that are forgiven at once
	perSec  float64       // failures that are forgiven each second
	mu      sync.Mutex
	held    int                // guarded by mu, as is what follows
	sources map[string]*source // those that hold, wait or failed
	waiting []*waiter          // first come, first served
}

// source is an address that deliveries come from.
type source struct {
	tokens  float64 // failures it may still make before it is suspect
	at      time.Time
	held    int
	waiting int
	muted   uint64 // failures that were not logged
}

type waiter struct {
	from  string
	ready chan struct{} // closed when the turn has come
}

// enter waits for a turn. The caller owes a leave when it is true.
func (g *gate) enter(ctx context.Context, from string) bool {
	g.mu.Lock()
	s := g.source(from)
	if g.admits(s) {
		g.take(s)
		g.mu.Unlock()
		return true
	}
	if len(g.waiting) >= g.queue || s.waiting >= max(1, g.queue/2) {
		g.mu.Unlock()
		return false
	}
	w := &waiter{from, make(chan struct{})}
	g.waiting = append(g.waiting, w)
	s.waiting++
	g.mu.Unlock()

	timer := time.NewTimer(g.wait)
	defer timer.Stop()
	select {
	case <-w.ready:
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	return !g.giveUp(w)
}

// giveUp takes a waiter out; false: its turn had come meanwhile.
func (g *gate) giveUp(w *waiter) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, w)
	if i < 0 {
		return false
	}
	g.waiting = slices.Delete(g.waiting, i, i+1)
	g.source(w.from).waiting--
	return true
}

// leave ends a turn and gives it to whoever may have it next.
func (g *gate) leave(from string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.source(from)
	s.held--
	g.held--
	g.waiting = slices.DeleteFunc(g.waiting, func(w *waiter) bool {
		next := g.source(w.from)
		if !g.admits(next) {
			return false
		}
		next.waiting--
		g.take(next)
		close(w.ready)
		return true
	})
	if s.held == 0 && s.waiting == 0 && s.muted == 0 && s.tokens >= g.burst {
		delete(g.sources, from)
	}
}

func (g *gate) take(s *source) {
	s.held++
	g.held++
}

// admits tells whether a source may have a turn now.
func (g *gate) admits(s *source) bool {
	share := max(1, g.slots/2)
	if s.tokens < 1 {
		share = 1
	}
	return g.held < g.slots && s.held < share
}

// suspect tells whether a source has used up what is forgiven.
func (g *gate) suspect(from string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.source(from).tokens < 1
}

// fail notes a failed proof. It is worth a log line when loud; muted is how
// many before it were not.
func (g *gate) fail(from string, weight float64) (muted uint64, loud bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.source(from)
	if s.tokens < 1 {
		s.muted++
		return 0, false
	}
	s.tokens = max(0, s.tokens-weight)
	muted, s.muted = s.muted, 0
	return muted, true
}

// source finds or makes the record of an address, and brings it up to date.
func (g *gate) source(from string) *source {
	now := time.Now()
	s, ok := g.sources[from]
	if !ok {
		if len(g.sources) >= maxSources {
			g.forget()
		}
		s = &source{tokens: g.burst, at: now}
		g.sources[from] = s
	}
	s.tokens = min(g.burst, s.tokens+now.Sub(s.at).Seconds()*g.perSec)
	s.at = now
	return s
}

// forget drops the record that was used longest ago and is not in use.
func (g *gate) forget() {
	oldest := ""
	for from, s := range g.sources {
		if s.held == 0 && s.waiting == 0 && (oldest == "" || s.at.Before(g.sources[oldest].at)) {
			oldest = from
		}
	}
	delete(g.sources, oldest)
}

// sourceOf is the address a request comes from, for IPv6 its network: whoever
// has one address of it has them all.
func sourceOf(remote string) string {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return "unknown"
	}
	a := ap.Addr().Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
