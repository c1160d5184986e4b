package libvirt

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/vmsteward/vmsteward/providers"
)

var (
	_ providers.Watcher = (*Provider)(nil)
	_ providers.Pulse   = (*Provider)(nil)
)

// Watch implements providers.Watcher with libvirt's domain events, on a
// connection of its own: no slow call delays them, and a call that is cut off
// does not take them along. It ends when that connection does, whose peer the
// kernel's keepalive probes. What libvirt tells nobody is said at Pulse.
func (p *Provider) Watch(ctx context.Context, ready func(), changed func(ids ...string)) error {
	return named("watch", "", p.session.watch(ctx, ready, changed))
}

func (s *session) watch(ctx context.Context, ready func(), changed func(ids ...string)) error {
	c, err := s.apart(ctx)
	if err != nil {
		return err
	}
	n := newNews()
	defer n.end(c)
	defer context.AfterFunc(s.ctx, func() { c.wire.kill(errClosed) })()
	if err := n.subscribe(ctx, c, s.cfg.ConnectTimeout); err != nil {
		return s.broken(ctx, "subscribe to events", err)
	}
	ready()
	if err := n.pass(ctx, changed); err != nil {
		return err
	}
	cause := c.wire.cause()
	if cause == nil {
		cause = errors.New("the library closed it")
	}
	return s.broken(ctx, "the event stream was lost", cause)
}

// apart opens a connection that is in no lane. It ends with the session.
func (s *session) apart(ctx context.Context) (*conn, error) {
	short, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	c, err := s.open(short)
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case s.ctx.Err() != nil:
		return nil, closedError(s)
	}
	return nil, err
}

// broken is the error of a Watch that did not end with its context.
func (s *session) broken(ctx context.Context, what string, err error) error {
	var known *providers.Error
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &known) && known.Kind != providers.Timeout:
		return err
	case isAnswer(err):
		return translate("watch", s.endpoint.String(), err)
	}
	return &providers.Error{
		Op: "watch", Subject: s.endpoint.String(), Kind: providers.Unavailable,
		Err: fmt.Errorf("%s: %w", what, err),
	}
}

// news gathers what the events of a connection are about until it is passed
// on. A slow receiver costs an entry for each domain, and holds nobody up.
type news struct {
	ears   sync.WaitGroup     // the goroutines that take events from the library
	ctx    context.Context    // of the subscriptions; see end
	hangUp context.CancelFunc // ends ctx

	wake chan struct{} // has room for one: there is something to pass on
	over chan struct{} // has room for one: a subscription has ended

	mu  sync.Mutex
	ids map[string]bool
}

func newNews() *news {
	n := &news{wake: make(chan struct{}, 1), over: make(chan struct{}, 1), ids: map[string]bool{}}
	n.ctx, n.hangUp = context.WithCancel(context.Background())
	return n
}

// end closes the connection and waits until the library has let go of every
// subscription. The connection goes first: a subscription that ends asks the
// daemon to forget it, and would wait for one that is stuck.
func (n *news) end(c *conn) {
	c.wire.kill(errClosed)
	n.hangUp()
	n.ears.Wait()
}

// listen takes events until the library closes their channel, and not a moment
// less: the library's goroutine would hang in its send.
func (n *news) listen(events <-chan any) {
	for e := range events {
		n.note(about(e))
	}
	nudge(n.over)
}

func (n *news) note(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ids[id] = true
	nudge(n.wake)
}

// nudge signals a goroutine without waiting for it.
func nudge(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// pass calls changed with what comes in until the context ends, whose error it
// returns, or a subscription does.
func (n *news) pass(ctx context.Context, changed func(ids ...string)) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-n.over:
			return nil
		case <-n.wake:
		}
		if ids := n.take(); len(ids) > 0 && ctx.Err() == nil {
			changed(ids...)
		}
	}
}

func (n *news) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	ids := slices.Sorted(maps.Keys(n.ids))
	clear(n.ids)
	return ids
}
