package libvirt

import (
	"context"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

// slack is what a busy test machine may add to a deadline.
const slack = 3 * time.Second

func TestAStuckDaemonHoldsNobodyPastItsDeadline(t *testing.T) {
	h := libvirttest.Start(t, libvirttest.Options{Bare: true})
	const limit = 500 * time.Millisecond
	connected := newTestSession(t, sessionConfig{Endpoint: h.URI()})
	idle := newTestSession(t, sessionConfig{Endpoint: h.URI(), Idle: time.Nanosecond})
	fresh := newTestSession(t, sessionConfig{Endpoint: h.URI()})
	limited := newTestSession(t, sessionConfig{Endpoint: h.URI(), ConnectTimeout: limit})
	mustAnswer(t, connected, control, work)
	mustAnswer(t, idle, work)

	h.Pause()
	for _, tc := range []struct {
		reason string
		s      *session
		within time.Duration
		kind   providers.Kind
	}{
		{"a call on a good connection has an unknown outcome", connected, limit, providers.Timeout},
		{"a dial has none", fresh, limit, providers.Unavailable},
		{"a dial after the cut call, too", connected, limit, providers.Unavailable},
		{"an idle connection is not trusted", idle, limit, providers.Unavailable},
		{"a dial ends by the connect timeout if that comes first", limited, time.Hour, providers.Unavailable},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), tc.within)
		begin := time.Now()
		_, err := libVersion(ctx, tc.s, work)
		took := time.Since(begin)
		cancel()
		t.Logf("%s: %v for a limit of %v: %v", tc.reason, took.Round(time.Millisecond), limit, err)
		wantKind(t, err, tc.kind)
		if took > limit+slack {
			t.Errorf("%s: took %v for a limit of %v", tc.reason, took, limit)
		}
	}
	begin := time.Now()
	connected.Close()
	if took := time.Since(begin); took > slack {
		t.Errorf("Close took %v", took)
	}

	h.Resume()
	mustAnswer(t, fresh, control, work, stream)
	mustAnswer(t, idle, control, work)
	mustAnswer(t, limited, control, work)
}

func TestACutCallTakesItsNeighboursAlong(t *testing.T) {
	h := libvirttest.Start(t, libvirttest.Options{Bare: true})
	s := newTestSession(t, sessionConfig{Endpoint: h.URI(), WorkConnections: 1})
	mustAnswer(t, s, control, work)
	h.Pause()
	neighbour, begun := make(chan error, 1), make(chan struct{})
	go func() {
		neighbour <- s.do(context.Background(), work, func(c *golibvirt.Libvirt) error {
			close(begun)
			_, err := c.ConnectGetLibVersion()
			return err
		})
	}()
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := libVersion(ctx, s, work)
	wantKind(t, err, providers.Timeout)
	err = <-neighbour
	wantKind(t, err, providers.Unavailable)
	if err == nil || !strings.Contains(err.Error(), "shared the connection") {
		t.Errorf("the neighbour is not told why: %v", err)
	}
	h.Resume()
	mustAnswer(t, s, control, work)
}

// zeros is an upload without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestAStuckUploadEnds(t *testing.T) {
	h := libvirttest.Start(t, libvirttest.Options{})
	s := newTestSession(t, sessionConfig{Endpoint: h.URI()})
	h.Virsh("vol-create-as", "default", "upload", "1M")
	goroutines := runtime.NumGoroutine()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	begin := time.Now()
	err := s.do(ctx, stream, func(c *golibvirt.Libvirt) error {
		pool, err := c.StoragePoolLookupByName("default")
		if err != nil {
			return err
		}
		vol, err := c.StorageVolLookupByName(pool, "upload")
		if err != nil {
			return err
		}
		h.Pause()
		return c.StorageVolUpload(vol, zeros{}, 0, 1<<40, 0)
	})
	t.Logf("ended after %v: %v", time.Since(begin).Round(time.Millisecond), err)
	wantKind(t, err, providers.Timeout)
	h.Resume()
	eventually(t, "the upload's goroutines end", func() bool { return runtime.NumGoroutine() <= goroutines })
	mustAnswer(t, s, stream)
}

func TestACancelledCallReturnsItsCause(t *testing.T) {
	h := libvirttest.Start(t, libvirttest.Options{Bare: true})
	s := newTestSession(t, sessionConfig{Endpoint: h.URI()})
	mustAnswer(t, s, work)
	h.Pause()
	ctx, cancel := context.WithCancel(t.Context())
	err := s.do(ctx, work, func(c *golibvirt.Libvirt) error {
		cancel()
		_, err := c.ConnectGetLibVersion()
		return err
	})
	h.Resume()
	if err != context.Canceled {
		t.Errorf("a call under way: %v, want the context's error as it is", err)
	}
	if _, err := libVersion(ctx, s, work); err != context.Canceled {
		t.Errorf("a call that never began: %v, want the context's error as it is", err)
	}
}

func TestAnFnThatDoesNotReturnHoldsNobody(t *testing.T) {
	h := libvirttest.Start(t, libvirttest.Options{Bare: true})
	s := newTestSession(t, sessionConfig{Endpoint: h.URI()})
	release := make(chan struct{})
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	begin := time.Now()
	err := s.do(ctx, stream, func(*golibvirt.Libvirt) error {
		cancel()
		<-release
		return nil
	})
	if err != context.Canceled {
		t.Errorf("%v, want the context's error as it is", err)
	}
	if took := time.Since(begin); took > letGo+slack {
		t.Errorf("do took %v", took)
	}
}

func TestAKilledDaemonIsDialledAnew(t *testing.T) {
	h := libvirttest.Start(t, libvirttest.Options{Bare: true})
	s := newTestSession(t, sessionConfig{Endpoint: h.URI()})
	mustAnswer(t, s, control, work)
	begun := make(chan struct{})
	lost := make(chan error)
	go func() {
		lost <- s.do(context.Background(), work, func(c *golibvirt.Libvirt) error {
			close(begun)
			for {
				if _, err := c.ConnectGetLibVersion(); err != nil {
					return err
				}
			}
		})
	}()
	<-begun
	h.StopDaemon()
	begin := time.Now()
	wantKind(t, <-lost, providers.Unavailable)
	t.Logf("the loss was noticed after %v", time.Since(begin).Round(time.Millisecond))
	_, err := libVersion(t.Context(), s, control)
	wantKind(t, err, providers.Unavailable)
	h.StartDaemon()
	mustAnswer(t, s, control, work, stream)
}

func TestCloseEndsCallsAndDials(t *testing.T) {
	h := libvirttest.Start(t, libvirttest.Options{Bare: true})
	s := newTestSession(t, sessionConfig{Endpoint: h.URI()})
	mustAnswer(t, s, work)
	h.Pause()
	begun, ended := make(chan struct{}), make(chan error, 2)
	go func() {
		ended <- s.do(context.Background(), work, func(c *golibvirt.Libvirt) error {
			close(begun)
			_, err := c.ConnectGetLibVersion()
			return err
		})
	}()
	<-begun
	go func() {
		_, err := libVersion(context.Background(), s, control) // dials, and gets no answer
		ended <- err
	}()
	eventually(t, "the dial begins", func() bool {
		sl := s.lanes[control].slots[0]
		sl.mu.Lock()
		defer sl.mu.Unlock()
		return sl.dial != nil
	})
	s.Close()
	wantKind(t, <-ended, providers.Unavailable)
	wantKind(t, <-ended, providers.Unavailable)
	_, err := libVersion(t.Context(), s, work)
	wantKind(t, err, providers.Unavailable)
	h.Resume()
}

// asNobody is set to the expected kind and the host's URI for the part of a
// test that runs without privileges.
const asNobody = "VMSTEWARD_TEST_AS_NOBODY"

func TestWithoutPrivileges(t *testing.T) {
	if kind, uri, ok := strings.Cut(os.Getenv(asNobody), " "); ok {
		s := newTestSession(t, sessionConfig{Endpoint: uri})
		_, err := libVersion(t.Context(), s, work)
		wantKind(t, err, providers.Kind(kind))
		t.Log(err)
		return
	}
	for _, tc := range []struct {
		reason, conf string
		want         providers.Kind
		says         string
	}{
		{"a socket that may not be opened", "", providers.Unauthorized, "usually libvirt"},
		{"polkit to be asked, and no bus to ask it on", "auth_unix_rw = \"polkit\"\nunix_sock_rw_perms = \"0777\"", providers.Unavailable, "system bus"},
	} {
		h := libvirttest.Start(t, libvirttest.Options{Bare: true, DaemonConf: tc.conf})
		out := libvirttest.RunAsNobody(t, "TestWithoutPrivileges", asNobody+"="+string(tc.want)+" "+h.URI())
		if !strings.Contains(out, tc.says) {
			t.Errorf("%s: the error does not say %q:\n%s", tc.reason, tc.says, out)
		}
	}
}
