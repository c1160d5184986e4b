package libvirt

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

// watching is a Watch under way.
type watching struct {
	stop context.CancelFunc
	end  chan error
	wake chan struct{}

	mu  sync.Mutex
	ids map[string]time.Time // when each was told first
}

// watch starts a Watch and returns when it is ready.
func watch(t testing.TB, p providers.Watcher) *watching {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &watching{stop: cancel, end: make(chan error, 1), wake: make(chan struct{}, 1), ids: map[string]time.Time{}}
	ready := make(chan struct{})
	go func() {
		w.end <- p.Watch(ctx, func() { close(ready) }, w.changed)
	}()
	select {
	case <-ready:
	case err := <-w.end:
		t.Fatalf("watch: %v", err)
	}
	t.Cleanup(cancel)
	return w
}

func (w *watching) changed(ids ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		if _, told := w.ids[id]; !told {
			w.ids[id] = time.Now()
		}
	}
	nudge(w.wake)
}

// heard waits until the id is told.
func (w *watching) heard(id string, within time.Duration) (when time.Time, ok bool) {
	end := time.NewTimer(within)
	defer end.Stop()
	for {
		w.mu.Lock()
		when, ok = w.ids[id]
		w.mu.Unlock()
		if ok {
			return when, true
		}
		select {
		case <-w.wake:
		case <-end.C:
			return when, false
		}
	}
}

// forget drops what was told.
func (w *watching) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.ids)
}

// ended stops the Watch and returns how long that took.
func (w *watching) ended(t testing.TB) time.Duration {
	t.Helper()
	begin := time.Now()
	w.stop()
	select {
	case err := <-w.end:
		if err != context.Canceled {
			t.Errorf("watch ended with %v, want the context's error", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("watch did not end with its context")
	}
	return time.Since(begin)
}

func TestWatchOutlivesTheDaemonByItsError(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{Bare: true})
	w := watch(t, r)
	r.host.StopDaemon()
	begin := time.Now()
	err := <-w.end
	t.Logf("noticed after %v: %v", time.Since(begin).Round(time.Millisecond), err)
	wantKind(t, err, providers.Unavailable)
	wantKind(t, r.Watch(r.ctx, nil, nil), providers.Unavailable)
	r.host.StartDaemon()
	again := watch(t, r)
	id, err := defineForeign(r.host, "vm")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := again.heard(id, 2*time.Second); !ok {
		t.Error("the second watch does not tell of a new domain")
	}
	again.ended(t)
}

func TestWatchEndsWhileTheDaemonIsStuck(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{Bare: true})
	w := watch(t, r)
	r.host.Pause()
	defer r.host.Resume()
	t.Logf("a watch ended after %v", w.ended(t))
	ctx, cancel := context.WithTimeout(r.ctx, 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := r.Watch(ctx, nil, nil); err != context.DeadlineExceeded || time.Since(begin) > slack {
		t.Errorf("a watch that never began: %v after %v, want the context's error", err, time.Since(begin))
	}
	r.session.cfg.ConnectTimeout = 200 * time.Millisecond
	wantKind(t, r.Watch(r.ctx, nil, nil), providers.Unavailable)
}

func TestWatchEndsWithTheSession(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{Bare: true})
	w := watch(t, r)
	r.Close()
	wantKind(t, <-w.end, providers.Unavailable)
	wantKind(t, r.Watch(r.ctx, nil, nil), providers.Unavailable)
	ctx, cancel := context.WithCancel(r.ctx)
	cancel()
	if err := r.Watch(ctx, nil, nil); err != context.Canceled {
		t.Errorf("a watch with an ended context: %v", err)
	}
}

func TestWatchesLeaveNothingBehind(t *testing.T) {
	h := libvirttest.Start(t, libvirttest.Options{Bare: true})
	server := libvirttest.ServeSSH(t, h)
	for name, cfg := range map[string]sessionConfig{
		"unix": {Endpoint: h.URI()},
		"ssh":  {Endpoint: server.URI, Credentials: creds("ssh-privatekey", server.Key, "known_hosts", server.KnownHosts)},
	} {
		s := newTestSession(t, cfg)
		cycle := func() {
			ctx, cancel := context.WithCancel(t.Context())
			if err := s.watch(ctx, cancel, nil); err != context.Canceled {
				t.Fatalf("%s: %v", name, err)
			}
		}
		cycle()
		goroutines, files := runtime.NumGoroutine(), descriptors(t)
		begin := time.Now()
		for range 50 {
			cycle()
		}
		t.Logf("%s: one watch takes %v", name, (time.Since(begin) / 50).Round(100*time.Microsecond))
		eventually(t, name+": the goroutines of 50 watches end", func() bool { return runtime.NumGoroutine() <= goroutines })
		eventually(t, name+": the files of 50 watches are closed", func() bool { return descriptors(t) <= files })
	}
}

// A thousand domains are defined and undefined while the receiver of the news
// takes nothing.
func TestABurstLosesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{Bare: true})
	const n = 1000
	release := make(chan struct{})
	told := map[string]bool{}
	all := make(chan struct{})
	ctx, cancel := context.WithCancel(r.ctx)
	ready, end := make(chan struct{}), make(chan error, 1)
	go func() {
		end <- r.Watch(ctx, func() { close(ready) }, func(ids ...string) {
			<-release
			for _, id := range ids {
				told[id] = true
			}
			if len(told) == n {
				close(all)
			}
		})
	}()
	<-ready
	begin := time.Now()
	if err := defineMany(r.ctx, r.session, n); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d domains were defined in %v", n, time.Since(begin).Round(time.Millisecond))
	close(release)
	select {
	case <-all:
	case <-time.After(10 * time.Second):
		t.Error("not all were told")
	}
	cancel()
	<-end
	if len(told) != n {
		t.Errorf("%d of %d were told", len(told), n)
	}
}

// Subscriptions end while events pour in: the library must not be left with
// one that nobody takes.
func TestWatchesEndAmidABurst(t *testing.T) {
	r := newRig(t, libvirttest.Options{Bare: true})
	watch(t, r).ended(t)
	mustAnswer(t, r.session, work)
	goroutines := runtime.NumGoroutine()
	done := make(chan error, 1)
	go func() { done <- defineMany(r.ctx, r.session, 1000) }()
	cycles := 0
	for busy := true; busy; cycles++ {
		w := watch(t, r)
		select {
		case err := <-done:
			if busy = false; err != nil {
				t.Error(err)
			}
		case <-w.wake:
		}
		w.ended(t)
	}
	t.Logf("%d watches", cycles)
	eventually(t, "their goroutines end", func() bool { return runtime.NumGoroutine() <= goroutines })
}

// defineMany defines domains without disks.
func defineMany(ctx context.Context, s *session, n int) error {
	return s.do(ctx, work, func(c *golibvirt.Libvirt) error {
		return each(n, func(i int) error {
			_, err := c.DomainDefineXML(foreign(fmt.Sprintf("vm-%04d", i), uuid.NewString(), ""))
			return err
		})
	})
}

func TestTheKernelProbesADeadPeer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := tcpDialer{l.Addr().String()}.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		get := func(opt int) int {
			n, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, opt)
			if err != nil {
				t.Error(err)
			}
			return n
		}
		dead := get(unix.TCP_KEEPIDLE) + get(unix.TCP_KEEPINTVL)*get(unix.TCP_KEEPCNT)
		if dead > 30 {
			t.Errorf("a dead peer is noticed after %d s", dead)
		}
	})
}
