package vsphere

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// fakeEntry lets nobody in for want of a server, and counts.
type fakeEntry struct {
	mu              sync.Mutex
	logins, logouts int
	beats           int
	heard           error         // of a beat
	take            time.Duration // a login
	err             error         // of a login
}

func (e *fakeEntry) login(ctx context.Context) (*login, error) {
	e.mu.Lock()
	e.logins++
	take, err := e.take, e.err
	e.mu.Unlock()
	select {
	case <-time.After(take):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return &login{}, err
}

func (e *fakeEntry) beat(context.Context, *login) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.beats++
	return e.heard
}

func (e *fakeEntry) logout(context.Context, *login) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.logouts++
	return nil
}

func (e *fakeEntry) close() {}

func (e *fakeEntry) hears(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = err
}

func (e *fakeEntry) wantBeats(t *testing.T, want int, reason string) {
	t.Helper()
	synctest.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.beats != want {
		t.Errorf("%s: %d beats, want %d", reason, e.beats, want)
	}
}

func quietSession(e entry) *session {
	return openSession("vc.example.com", e, slog.New(slog.DiscardHandler))
}

func TestARefusalIsHeldForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &fakeEntry{err: &providers.Error{Kind: providers.Unauthorized, Err: errors.New("no")}}
		s := quietSession(e)
		for _, tc := range []struct {
			wait   time.Duration
			logins int
			reason string
		}{
			{0, 1, "the first"},
			{0, 1, "at once"},
			{grudge - time.Second, 1, "too soon"},
			{2 * time.Second, 2, "after a minute"},
		} {
			time.Sleep(tc.wait)
			if _, err := s.client(t.Context()); providers.KindOf(err) != providers.Unauthorized {
				t.Errorf("%s: %v, want Unauthorized", tc.reason, err)
			}
			if e.logins != tc.logins {
				t.Errorf("%s: %d logins, want %d", tc.reason, e.logins, tc.logins)
			}
		}
		e.err = errors.New("anything else")
		time.Sleep(grudge)
		for range 2 {
			if _, err := s.client(t.Context()); err == nil {
				t.Error("a login that failed gave a client")
			}
		}
		if e.logins != 4 {
			t.Errorf("%d logins, want 4: what is no refusal is tried again", e.logins)
		}
		if err := s.close(); err != nil || e.logouts != 0 {
			t.Errorf("close: %v, %d logouts, want none: nobody is in", err, e.logouts)
		}
	})
}

func TestWhoWaitsForALoginLeavesInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &fakeEntry{take: time.Minute}
		s := quietSession(e)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		_, err := s.client(ctx)
		if providers.KindOf(err) != providers.Unavailable || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v (%s), want Unavailable: nothing was asked yet", err, providers.KindOf(err))
		}
		if took := time.Since(begun); took != time.Second {
			t.Errorf("it took %s, want the context's second", took)
		}
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		if _, err := s.client(ctx); err != context.Canceled {
			t.Errorf("a caller that has left: %v, want the context's error as it is", err)
		}
		if _, err := s.client(t.Context()); err != nil || e.logins != 1 {
			t.Errorf("%v after %d logins; want the one login that was under way", err, e.logins)
		}
		if err := s.close(); err != nil || e.logouts != 1 {
			t.Errorf("close: %v, %d logouts, want 1", err, e.logouts)
		}
	})
}

func TestCloseEndsALoginUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := quietSession(&fakeEntry{take: time.Hour})
		failed := make(chan error)
		go func() {
			_, err := s.client(t.Context())
			failed <- err
		}()
		synctest.Wait()
		go func() {
			if err := s.close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}()
		if err := <-failed; providers.KindOf(err) != providers.Unavailable || !errors.Is(err, errClosed) {
			t.Errorf("who waited for the login: %v, want Unavailable", err)
		}
		if _, err := s.client(t.Context()); providers.KindOf(err) != providers.Unavailable || !errors.Is(err, errClosed) {
			t.Errorf("after close: %v, want Unavailable", err)
		}
	})
}

func TestAnIdleSessionIsKeptAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &fakeEntry{heard: errors.New("no matter")}
		s := quietSession(h)
		if _, err := s.client(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			wait   time.Duration
			use    bool
			beats  int
			reason string
		}{
			{idle - time.Second, true, 0, "it is not idle yet"},
			{idle - time.Second, false, 0, "it was used"},
			{2 * time.Second, false, 1, "it was idle"},
			{3 * idle, false, 4, "it stays idle"},
		} {
			time.Sleep(tc.wait)
			synctest.Wait()
			if tc.use {
				if _, err := s.client(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			h.wantBeats(t, tc.beats, tc.reason)
		}
		h.hears(soap.WrapVimFault(&types.NotAuthenticated{}))
		time.Sleep(5 * idle)
		h.wantBeats(t, 5, "a session that has ended has none")
		if _, err := s.client(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(idle + time.Second)
		h.wantBeats(t, 6, "there is a new session")
		if err := s.close(); err != nil {
			t.Errorf("close: %v", err)
		}
		time.Sleep(5 * idle)
		h.wantBeats(t, 6, "a session that is closed has none")
	})
}
