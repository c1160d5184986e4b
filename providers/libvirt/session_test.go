package libvirt

import (
	"context"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

// newTestSession returns a session that ends with the test.
func newTestSession(t testing.TB, cfg sessionConfig) *session {
	t.Helper()
	s, err := newSession(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// libVersion asks the daemon for its version, through the session.
func libVersion(ctx context.Context, s *session, l lane) (v uint64, err error) {
	err = s.do(ctx, l, func(c *golibvirt.Libvirt) (err error) {
		v, err = c.ConnectGetLibVersion()
		return err
	})
	return v, err
}

// mustAnswer fails the test if a lane of the session does not answer.
func mustAnswer(t *testing.T, s *session, lanes ...lane) {
	t.Helper()
	for _, l := range lanes {
		if v, err := libVersion(t.Context(), s, l); err != nil || v < 1_000_000 {
			t.Errorf("lane %d: version %d, %v", l, v, err)
		}
	}
}

func wantKind(t *testing.T, err error, want providers.Kind) {
	t.Helper()
	if got := providers.KindOf(err); got != want {
		t.Errorf("kind %q, want %q: %v", got, want, err)
	}
}

// eventually waits for a condition that other goroutines bring about.
func eventually(t *testing.T, what string, met func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(10 * time.Second)
	for !met() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s: not within ten seconds", what)
		}
	}
}

func TestEveryLaneAnswers(t *testing.T) {
	h := libvirttest.Start(t, libvirttest.Options{Bare: true})
	s := newTestSession(t, sessionConfig{Endpoint: h.URI()})
	mustAnswer(t, s, control, work, stream, control, stream)
	if sl := s.lanes[stream].slots[0]; sl.conn != nil {
		t.Error("a stream connection outlives its use")
	}
}

func TestManyCallersShareFewConnections(t *testing.T) {
	h := libvirttest.Start(t, libvirttest.Options{Bare: true})
	s := newTestSession(t, sessionConfig{Endpoint: h.URI()})
	var inFlight, most, dials atomic.Int32
	seen := sync.Map{}
	var all sync.WaitGroup
	begin := time.Now()
	for range 50 {
		all.Go(func() {
			for range 20 {
				err := s.do(t.Context(), work, func(c *golibvirt.Libvirt) error {
					if _, old := seen.LoadOrStore(c, true); !old {
						dials.Add(1)
					}
					n := inFlight.Add(1)
					defer inFlight.Add(-1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
					_, err := c.ConnectGetLibVersion()
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	t.Logf("1000 calls of 50 callers: %v, %d connections, at most %d in flight", time.Since(begin).Round(time.Millisecond), dials.Load(), most.Load())
	if dials.Load() > defaultWorkConnections || most.Load() > defaultWorkConnections*callsPerConnection {
		t.Errorf("%d connections, %d calls in flight", dials.Load(), most.Load())
	}
}

func TestAWaiterForAPlaceLeavesWithItsContext(t *testing.T) {
	h := libvirttest.Start(t, libvirttest.Options{Bare: true})
	s := newTestSession(t, sessionConfig{Endpoint: h.URI(), WorkConnections: 1})
	release := make(chan struct{})
	var inside, all sync.WaitGroup
	inside.Add(callsPerConnection)
	for range callsPerConnection {
		all.Go(func() {
			s.do(t.Context(), work, func(*golibvirt.Libvirt) error {
				inside.Done()
				<-release
				return nil
			})
		})
	}
	inside.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := libVersion(ctx, s, work); err != context.DeadlineExceeded {
		t.Errorf("a caller without a place: %v", err)
	}
	mustAnswer(t, s, control, stream)
	close(release)
	all.Wait()
	mustAnswer(t, s, work)
}

// descriptors counts the process's open files.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestSSHConnectionsLeaveNothingBehind(t *testing.T) {
	h := libvirttest.Start(t, libvirttest.Options{Bare: true})
	server := libvirttest.ServeSSH(t, h)
	cfg := sessionConfig{Endpoint: server.URI, Credentials: creds("ssh-privatekey", server.Key, "known_hosts", server.KnownHosts)}
	cycle := func() {
		s, err := newSession(cfg)
		if err != nil {
			t.Fatal(err)
		}
		mustAnswer(t, s, work)
		s.Close()
	}
	cycle()
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	begin := time.Now()
	for range 50 {
		cycle()
	}
	t.Logf("one cycle takes %v", (time.Since(begin) / 50).Round(time.Millisecond))
	eventually(t, "the goroutines of 50 connections end", func() bool { return runtime.NumGoroutine() <= goroutines })
	eventually(t, "the files of 50 connections are closed", func() bool { return descriptors(t) <= files })
}
