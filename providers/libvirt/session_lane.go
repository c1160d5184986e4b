package libvirt

import (
	"context"
	"fmt"
	"sync"

	"github.com/vmsteward/vmsteward/providers"
)

// laneConns is the connections of one lane.
type laneConns struct {
	slots  []*slot
	places chan struct{} // one token for each call in flight

	mu sync.Mutex // guards slot.calls
}

func newLane(s *session, connections, calls int) *laneConns {
	p := &laneConns{places: make(chan struct{}, connections*calls)}
	for range connections {
		p.slots = append(p.slots, &slot{session: s})
	}
	return p
}

// acquire waits for a place, at the slot with the fewest calls.
func (p *laneConns) acquire(ctx context.Context) (*slot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case p.places <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	least := p.slots[0]
	for _, sl := range p.slots[1:] {
		if sl.calls < least.calls {
			least = sl
		}
	}
	least.calls++
	return least, nil
}

func (p *laneConns) release(sl *slot) {
	p.mu.Lock()
	sl.calls--
	p.mu.Unlock()
	<-p.places
}

// slot is the place of one connection, which is dialled when it is needed.
type slot struct {
	session *session
	calls   int // guarded by the lane

	mu     sync.Mutex
	conn   *conn
	dial   *attempt // under way; nil: none
	closed bool
}

// attempt is one dial, shared by all who wait for its outcome. It ends early
// when nobody waits any more.
type attempt struct {
	cancel  context.CancelFunc
	done    chan struct{}
	waiters int // guarded by the slot

	conn *conn // with err, valid when done is closed
	err  error
}

// get returns the slot's connection, dialling if there is none, if it was
// lost, or if it was idle for long and does not answer. The caller leaves the
// connection when it is done with it.
func (sl *slot) get(ctx context.Context) (*conn, error) {
	sl.mu.Lock()
	if sl.closed {
		sl.mu.Unlock()
		return nil, closedError(sl.session)
	}
	if c := sl.conn; c != nil && !c.dead() && c.idle() < sl.session.cfg.Idle {
		c.enter()
		sl.mu.Unlock()
		return c, nil
	}
	if sl.dial == nil {
		sl.begin()
	}
	a := sl.dial
	a.waiters++
	sl.mu.Unlock()

	select {
	case <-a.done:
		if a.err == nil {
			a.conn.enter()
		}
		return a.conn, a.err
	case <-ctx.Done():
	}
	sl.leave(a)
	return nil, dialError(sl.session.endpoint.String(), ctx.Err())
}

// begin starts an attempt. The caller holds the lock.
func (sl *slot) begin() {
	s := sl.session
	ctx, cancel := context.WithCancel(s.ctx)
	a := &attempt{cancel: cancel, done: make(chan struct{})}
	old := sl.conn
	sl.dial, sl.conn = a, nil
	s.dialing.Go(func() {
		defer cancel()
		c, err := s.renew(ctx, old)
		sl.finish(a, c, err)
	})
}

// renew returns the old connection if it still answers, or a new one.
func (s *session) renew(ctx context.Context, old *conn) (*conn, error) {
	if old != nil && !old.dead() {
		short, cancel := context.WithTimeout(ctx, pingTimeout)
		err := old.ping(short)
		cancel()
		if err == nil {
			return old, nil
		}
	}
	if old != nil {
		old.wire.kill(errClosed)
	}
	return s.open(ctx)
}

// finish publishes an attempt's outcome.
func (sl *slot) finish(a *attempt, c *conn, err error) {
	sl.mu.Lock()
	defer sl.mu.Unlock()
	if sl.dial != a || sl.closed {
		if c != nil {
			c.wire.kill(errClosed)
		}
		c, err = nil, closedError(sl.session)
	}
	if sl.dial == a {
		sl.dial, sl.conn = nil, c
	}
	a.conn, a.err = c, err
	close(a.done)
}

// leave is called by a waiter that does not want the outcome any more.
func (sl *slot) leave(a *attempt) {
	sl.mu.Lock()
	defer sl.mu.Unlock()
	a.waiters--
	if a.waiters == 0 && sl.dial == a {
		sl.dial = nil
		a.cancel()
	}
}

// drop closes c, if it is still the slot's, for good.
func (sl *slot) drop(c *conn) {
	sl.mu.Lock()
	defer sl.mu.Unlock()
	c.wire.kill(errClosed)
	if sl.conn == c {
		sl.conn = nil
	}
}

func (sl *slot) close() {
	sl.mu.Lock()
	defer sl.mu.Unlock()
	sl.closed = true
	if sl.conn != nil {
		sl.conn.wire.kill(errClosed)
		sl.conn = nil
	}
}

func closedError(s *session) error {
	return &providers.Error{
		Op: "connect", Subject: s.endpoint.String(), Kind: providers.Unavailable,
		Err: fmt.Errorf("no connection: %w", errClosed),
	}
}
