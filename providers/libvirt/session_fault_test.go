package libvirt

import (
	"context"
	"errors"
	"os"
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
	wantKind(t, err, providers.Timeout)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v does not say that it was cancelled", err)
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
	wantKind(t, err, providers.Timeout)
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

// asNobody is set for the part of the next test that runs without privileges.
const asNobody = "VMSTEWARD_TEST_SOCKET"

func TestASocketThatMayNotBeOpened(t *testing.T) {
	if uri := os.Getenv(asNobody); uri != "" {
		s := newTestSession(t, sessionConfig{Endpoint: uri})
		_, err := libVersion(t.Context(), s, work)
		wantKind(t, err, providers.Unauthorized)
		t.Log(err)
		return
	}
	h := libvirttest.Start(t, libvirttest.Options{Bare: true})
	out := libvirttest.RunAsNobody(t, "TestASocketThatMayNotBeOpened", asNobody+"="+h.URI())
	t.Logf("as nobody:\n%s", out)
}
