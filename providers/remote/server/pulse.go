package server

import (
	"context"
	"sync"
	"time"

	"github.com/vmsteward/vmsteward/providers"
)

const (
	pulseEvery   = time.Second
	pulseTimeout = 30 * time.Second
)

// pulses asks for the provider's pulse while somebody watches, and tells all
// who do: what a pulse finds, it finds once.
type pulses struct {
	p     providers.Pulse // nil: it has none
	guard guard

	mu   sync.Mutex
	told map[*news]bool // guarded by mu
	beat *beat          // guarded by mu; nil while nobody watches
}

// beat is the asking while somebody watches.
type beat struct {
	cancel context.CancelFunc
	first  chan struct{} // closed once the pulse was felt, or could not be
	ended  chan struct{}
}

// join tells a watcher of what the pulse finds until leave. It returns when the
// pulse was felt once, or ctx has ended: what changes from then on is found.
func (p *pulses) join(ctx context.Context, n *news) (leave func()) {
	if p.p == nil {
		return func() {}
	}
	p.mu.Lock()
	if p.beat == nil {
		p.told = map[*news]bool{}
		p.beat = p.start()
	}
	b := p.beat
	p.told[n] = true
	p.mu.Unlock()
	select {
	case <-b.first:
	case <-ctx.Done():
	}
	return func() { p.leave(n) }
}

// leave ends the asking with the last watcher, and waits for its end.
func (p *pulses) leave(n *news) {
	p.mu.Lock()
	delete(p.told, n)
	b := p.beat
	last := len(p.told) == 0
	if last {
		p.beat = nil
	}
	p.mu.Unlock()
	if last {
		b.cancel()
		<-b.ended
	}
}

func (p *pulses) start() *beat {
	ctx, cancel := context.WithCancel(context.Background())
	b := &beat{cancel: cancel, first: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(b.ended)
		p.ask(ctx, b.first)
	}()
	return b
}

// ask asks once a second. What the first pulse finds was before any watcher was
// told that nothing is missed from now on. A pulse that cannot be felt is no
// news: the stream beside it breaks with the endpoint.
func (p *pulses) ask(ctx context.Context, first chan struct{}) {
	tick := time.NewTicker(pulseEvery)
	defer tick.Stop()
	for {
		ids, err := p.feel(ctx)
		if first != nil {
			close(first)
			first = nil
		} else if err == nil && len(ids) > 0 {
			p.tell(ids)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// feel is one pulse, whose panic is an error.
func (p *pulses) feel(ctx context.Context) (ids []string, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = p.guard.caught("pulse", v)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, pulseTimeout)
	defer cancel()
	return p.p.Pulse(ctx)
}

func (p *pulses) tell(ids []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := range p.told {
		n.add(ids...)
	}
}
