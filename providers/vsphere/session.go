package vsphere

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/soap"

	"github.com/vmsteward/vmsteward/providers"
)

const (
	// grudge is how long a refused login is not tried again: a vCenter locks
	// an account after five failures within three minutes.
	grudge = time.Minute
	// mostLogins bounds the logins for the sake of one request.
	mostLogins    = 3
	logoutTimeout = 5 * time.Second
)

// entry is where a session logs in and out, and makes itself heard in between;
// a door in earnest.
type entry interface {
	login(context.Context) (*login, error)
	beat(context.Context, *login) error
	logout(context.Context, *login) error
	close()
}

// session keeps one login to the server, made when the first call needs it.
// It is the soap.RoundTripper under every client that it gives out: a request
// that the server did not execute because the login has ended is sent again
// after a new one, which is made once, however many requests need it. What
// goes on with something that ended with the login is not sent again.
type session struct {
	host  string
	entry entry
	log   *slog.Logger

	ctx  context.Context // ends with close: bounds logins, never a request
	stop context.CancelFunc
	wg   sync.WaitGroup // logins and beats under way

	mu       sync.Mutex
	now      *login      // nil: none
	flight   *flight     // the login under way
	beats    *time.Timer // runs beat when the session is idle; nil before the first login
	refused  error       // of the last login, if the server said no
	refusedA time.Time
	closed   bool
}

// flight is one login under way, for all who wait for it.
type flight struct {
	done  chan struct{}
	login *login
	err   error
}

// newSession checks the settings. It does not dial.
func newSession(settings providers.Settings, log *slog.Logger) (*session, error) {
	d, err := newDoor(settings, log)
	if err != nil {
		return nil, &providers.Error{Op: "configure", Subject: settings.Key.String(), Kind: providers.InvalidSpec, Err: err}
	}
	return openSession(d.host, d, log), nil
}

func openSession(host string, e entry, log *slog.Logger) *session {
	s := &session{host: host, entry: e, log: log}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// errClosed is the error of calls after close.
var errClosed = errors.New("the session is closed")

// client returns a client that is logged in. It can be kept for one operation.
func (s *session) client(ctx context.Context) (*vim25.Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l, err := s.login(ctx)
	if err != nil {
		return nil, err
	}
	return &vim25.Client{Client: l.soap, ServiceContent: l.content, RoundTripper: s}, nil
}

// RoundTrip implements soap.RoundTripper.
func (s *session) RoundTrip(ctx context.Context, req, res soap.HasFault) error {
	for attempt := 1; ; attempt++ {
		l, err := s.login(ctx)
		if err != nil {
			return err
		}
		err = l.soap.RoundTrip(ctx, req, res)
		if !loggedOut(err, res) {
			if e := distrust(s.host, err); e != nil {
				return e
			}
			return err
		}
		s.forget(l)
		if bound(req) {
			return fmt.Errorf("%w: %w", errStale, err)
		}
		if attempt == mostLogins {
			return &providers.Error{
				Op: "connect", Subject: s.host, Kind: providers.Unauthorized,
				Err: fmt.Errorf("%s ended %d sessions in a row as soon as they were used: %w", s.host, attempt, err),
			}
		}
		reflect.ValueOf(res).Elem().SetZero() // or the old fault stays in it
	}
}

// login returns the login, and makes one if there is none. ctx bounds the
// wait, not the login.
func (s *session) login(ctx context.Context) (*login, error) {
	f, l, err := s.board()
	if f == nil {
		return l, err
	}
	select {
	case <-f.done:
		return f.login, f.err
	case <-ctx.Done():
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, &providers.Error{
			Op: "connect", Subject: s.host, Kind: providers.Unavailable,
			Err: fmt.Errorf("%s does not answer in time: %w", s.host, ctx.Err()),
		}
	}
	return nil, ctx.Err()
}

// board returns the login that there is, or the one under way, or the reason
// why none is tried.
func (s *session) board() (*flight, *login, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, nil, &providers.Error{Op: "connect", Subject: s.host, Kind: providers.Unavailable, Err: errClosed}
	case s.now != nil:
		s.beats.Reset(idle)
		return nil, s.now, nil
	case s.flight != nil:
		return s.flight, nil, nil
	case s.refused != nil && time.Since(s.refusedA) < grudge:
		return nil, nil, s.refused
	}
	f := &flight{done: make(chan struct{})}
	s.flight = f
	s.wg.Go(func() { s.fly(f) })
	return f, nil, nil
}

// fly logs in.
func (s *session) fly(f *flight) {
	f.login, f.err = s.entry.login(s.ctx)
	s.mu.Lock()
	s.flight, s.refused = nil, nil
	again := s.beats != nil
	switch {
	case f.err == nil:
		s.now = f.login
		if s.beats = time.AfterFunc(idle, s.beat); s.closed {
			s.beats.Stop()
		}
	case providers.KindOf(f.err) == providers.Unauthorized:
		s.refused, s.refusedA = f.err, time.Now()
	}
	s.mu.Unlock()
	close(f.done)
	if f.err != nil {
		return // whoever waits tells of it
	}
	about := f.login.content.About
	if again {
		s.log.Info("logged in again: the server had ended the session", "version", about.Version)
		return
	}
	s.log.Info("logged in", "server", about.FullName, "version", about.Version)
}

// forget gives up a login that has ended, unless it is replaced already.
func (s *session) forget(l *login) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == l {
		s.now = nil
	}
}

// take ends the beats, and returns the login for the last time.
func (s *session) take() *login {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.now
	s.now = nil
	if s.beats != nil {
		s.beats.Stop()
	}
	return l
}

// close logs out. Calls that come later fail as Unavailable.
func (s *session) close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.wg.Wait()
	l := s.take()
	if l == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), logoutTimeout)
	defer cancel()
	err := s.entry.logout(ctx, l)
	s.entry.close()
	if err != nil && !loggedOut(err, nil) {
		return fmt.Errorf("log out of %s: %w", s.host, plain(err))
	}
	return nil
}
