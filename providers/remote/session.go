package remote

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/providers"
)

// mostLinks bounds the connections for the sake of one call.
const mostLinks = 2

// session keeps one connection to a server, made when a call needs it. What
// was agreed on at its beginning holds for it alone: after a loss the server is
// asked again who it is, for it may have been replaced.
type session struct {
	dialer    *dialer
	authority string
	connect   time.Duration // how long it may take until a call can be made
	greet     func(context.Context, *link) (peer, error)
	log       *slog.Logger

	ctx  context.Context // ends with close: bounds connecting, never a call
	stop context.CancelFunc
	wg   sync.WaitGroup // connecting under way

	mu     sync.Mutex
	now    *link          // guarded by mu; nil: none
	old    map[*link]bool // guarded by mu; given up, with calls under way
	flight *flight        // guarded by mu; connecting under way
	closed bool           // guarded by mu
}

// flight is connecting under way, for all who wait for it.
type flight struct {
	done chan struct{}
	err  error
}

// errClosed is the cause of errors of calls after close.
var errClosed = errors.New("the provider is closed")

func newSession(d *dialer, connect time.Duration, greet func(context.Context, *link) (peer, error), log *slog.Logger) *session {
	s := &session{dialer: d, connect: connect, greet: greet, log: log, authority: "localhost", old: make(map[*link]bool)}
	if d.endpoint.network == "tcp" {
		s.authority = d.endpoint.address
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// use runs fn on a connection; reached tells whether there was one. A call of
// which nothing was sent, because the connection had ended, is made once more
// on another one; fn is otherwise run once.
func (s *session) use(ctx context.Context, fn func(context.Context, peer) error) (reached bool, err error) {
	for attempt := 1; ; attempt++ {
		l, err := s.acquire(ctx)
		if err != nil {
			return false, err
		}
		tracked, sent := noteSent(ctx)
		err = fn(tracked, l.peer)
		unsent := err != nil && !sent.Load() && !l.usable()
		s.release(l)
		if !unsent || attempt == mostLinks || ctx.Err() != nil {
			return true, err
		}
	}
}

// acquire returns the connection, and makes one if there is none. ctx bounds
// the wait, not the connecting.
func (s *session) acquire(ctx context.Context) (*link, error) {
	for range mostLinks {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l, f, err := s.board()
		if f == nil {
			return l, err
		}
		select {
		case <-f.done:
			if f.err != nil {
				return nil, f.err
			}
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil, s.unreachable(fmt.Errorf("%s does not answer in time: %w", s.dialer.endpoint, ctx.Err()))
			}
			return nil, ctx.Err()
		}
	}
	if l, _, _ := s.board(); l != nil {
		return l, nil
	}
	return nil, s.unreachable(fmt.Errorf("%s ends its connections as soon as they are made", s.dialer.endpoint))
}

func (s *session) unreachable(err error) error {
	return &providers.Error{Kind: providers.Unavailable, Err: err}
}

// board returns the connection that there is, with a call counted, or the
// connecting under way, which it begins if need be.
func (s *session) board() (*link, *flight, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, nil, s.unreachable(errClosed)
	case s.now != nil && s.now.usable():
		s.now.calls++
		return s.now, nil, nil
	case s.flight != nil:
		return nil, s.flight, nil
	}
	s.retire()
	f := &flight{done: make(chan struct{})}
	s.flight = f
	s.wg.Go(func() { s.fly(f) })
	return nil, f, nil
}

// retire gives up the connection, which ends with the calls that are under way
// on it; the lock is held.
func (s *session) retire() {
	l := s.now
	s.now = nil
	switch {
	case l == nil:
	case l.calls > 0:
		s.old[l] = true
	default:
		s.wg.Go(func() { l.cc.Close() })
	}
}

// release ends a call.
func (s *session) release(l *link) {
	s.mu.Lock()
	l.calls--
	last := l.calls == 0 && s.old[l]
	if last {
		delete(s.old, l)
	}
	s.mu.Unlock()
	if last {
		l.cc.Close()
	}
}

// fly connects and asks the server who it is.
func (s *session) fly(f *flight) {
	l, err := s.open()
	s.mu.Lock()
	s.flight = nil
	if err == nil && s.closed {
		err = s.unreachable(errClosed)
		defer l.cc.Close()
	}
	if err == nil {
		s.now = l
	}
	s.mu.Unlock()
	f.err = err
	close(f.done)
}

// open makes a connection that calls can be made on.
func (s *session) open() (*link, error) {
	ctx, cancel := context.WithTimeout(s.ctx, s.connect)
	defer cancel()
	begun := time.Now()
	c, err := s.dialer.dial(ctx)
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	l, err := newLink(c, s.authority, s.connect)
	if err != nil {
		c.Close()
		return nil, s.unreachable(err)
	}
	l.peer, err = s.greet(ctx, l)
	if err != nil {
		l.cc.Close()
		if wrong := distrust(s.dialer.endpoint, c.diedOf()); wrong != nil {
			return nil, &providers.Error{Kind: providers.Unauthorized, Err: wrong}
		}
		return nil, s.explain(ctx, err)
	}
	s.log.Info("connected", logkey.Found, l.peer.String(), logkey.TookMS, time.Since(begun).Milliseconds())
	return l, nil
}

// explain says of an error of connecting that nothing can have happened.
func (s *session) explain(ctx context.Context, err error) error {
	var known *providers.Error
	switch {
	case s.ctx.Err() != nil:
		return s.unreachable(errClosed)
	case ctx.Err() != nil:
		return s.unreachable(fmt.Errorf("%s does not answer within %s: %w", s.dialer.endpoint, s.connect, err))
	case errors.As(err, &known):
		return err
	}
	return s.unreachable(err)
}

// close ends the connections, and with them the calls that are under way.
func (s *session) close() error {
	s.mu.Lock()
	s.closed = true
	all := s.old
	if s.now != nil {
		all[s.now] = true
	}
	s.now, s.old = nil, nil
	s.mu.Unlock()
	s.stop()
	for l := range all {
		l.cc.Close()
	}
	s.wg.Wait()
	return nil
}
