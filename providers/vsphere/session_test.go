package vsphere

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/vmware/govmomi/vim25/methods"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// open returns a session to the server, which ends with the test.
func open(t *testing.T, settings providers.Settings) *session {
	t.Helper()
	s, err := newSession(settings, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// ask makes one call that needs a login.
func ask(s *session) error {
	ctx := context.Background()
	c, err := s.client(ctx)
	if err == nil {
		_, err = methods.GetCurrentTime(ctx, c)
	}
	return err
}

func TestOneLoginForAllWhoNeedIt(t *testing.T) {
	sim := vcsim.New(t, vcsim.Options{Bare: true})
	s := open(t, sim.Settings("test"))
	for round := 1; round <= 3; round++ {
		sim.ResetCalls()
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if err := ask(s); err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		wg.Wait()
		calls := sim.Calls()
		if calls["Login"] != 1 {
			t.Errorf("round %d: %d logins for 20 callers, want 1", round, calls["Login"])
		}
		if got := len(sim.Sessions()); got != 1 {
			t.Errorf("round %d: the server has %d sessions, want 1", round, got)
		}
		sim.EndSessions()
	}
}

func TestCloseLogsOut(t *testing.T) {
	sim := vcsim.New(t, vcsim.Options{Bare: true})
	s := open(t, sim.Settings("test"))
	if err := ask(s); err != nil {
		t.Fatal(err)
	}
	if err := s.close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if left := sim.Sessions(); len(left) != 0 {
		t.Errorf("%d sessions are left after close", len(left))
	}
	if err := ask(s); providers.KindOf(err) != providers.Unavailable {
		t.Errorf("a call after close: %v, want Unavailable", err)
	}
	if err := s.close(); err != nil {
		t.Errorf("close, the second time: %v", err)
	}
}

func TestARefusedLoginIsNotTriedAgainAndAgain(t *testing.T) {
	sim := vcsim.New(t, vcsim.Options{Bare: true})
	settings := sim.Settings("test")
	settings.Credentials["password"] = secret.New("hunter2")
	s := open(t, settings)
	for range 5 {
		err := ask(s)
		if providers.KindOf(err) != providers.Unauthorized {
			t.Errorf("a wrong password: %v (%s), want Unauthorized", err, providers.KindOf(err))
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error holds the password: %v", err)
		}
	}
	if got := sim.Calls()["Login"]; got != 1 {
		t.Errorf("%d logins with a wrong password, want 1: the account would be locked", got)
	}
}
