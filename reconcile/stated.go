package reconcile

import (
	"sync"

	"github.com/vmsteward/vmsteward/providers"
)

// stated is what the provider of an endpoint was last heard to state, with the
// room that it has for calls.
type stated struct {
	mu    sync.Mutex
	last  *providers.Capabilities // guarded by mu: never nil
	slots slots                   // guarded by mu
}

// slots hold one for each call in flight.
type slots chan struct{}

// nothingStated is of providers that state nothing, or nothing yet. One
// pointer stands for it, so that plans know it again.
var nothingStated = &providers.Capabilities{}

// defaultConcurrency is for providers that state none.
const defaultConcurrency = 4

// ask returns what the provider states now; never nil. It makes no call.
func (g *gate) ask() *providers.Capabilities {
	if c, ok := g.Provider.(providers.Capable); ok {
		if caps := c.Capabilities(); caps != nil {
			return caps
		}
	}
	return nothingStated
}

// heed goes by what the provider states from now on. It is called while no VM
// is at work. Calls beside a pass may be in flight: they keep the slots that
// they have, so that until they end there may be as many more.
func (g *gate) heed(caps *providers.Capabilities) {
	n := caps.Concurrency
	if n <= 0 {
		n = defaultConcurrency
	}
	g.stated.mu.Lock()
	defer g.stated.mu.Unlock()
	g.stated.last = caps
	if cap(g.stated.slots) != n {
		g.stated.slots = make(slots, n)
		g.crew = make(crew, max(atWork, 4*n))
	}
}

// caps returns what was last heeded; never nil.
func (s *stated) caps() *providers.Capabilities {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func (s *stated) places() slots {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.slots
}
