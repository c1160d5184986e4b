package server

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
	"github.com/vmsteward/vmsteward/providers/remote/wire"
)

// slow is a provider whose Describe lasts until it is let go.
func slow() (p *stub, entered, letGo chan struct{}) {
	entered, letGo = make(chan struct{}, 1), make(chan struct{})
	return &stub{
		describe: func(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
			entered <- struct{}{}
			select {
			case <-letGo:
				return &providers.VM{ID: ref.ID}, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		},
		watch: func(ctx context.Context, ready func(), _ func(...string)) error {
			ready()
			<-ctx.Done()
			return ctx.Err()
		},
	}, entered, letGo
}

func describe(c stewardv1.StewardClient, ctx context.Context) chan error {
	done := make(chan error, 1)
	go func() {
		_, err := c.Describe(ctx, &stewardv1.DescribeRequest{Ref: &stewardv1.Ref{Id: "1"}})
		done <- err
	}()
	return done
}

// TestStopLetsCallsEnd: what runs comes to its end, what would never end is
// ended, and nothing new begins.
func TestStopLetsCallsEnd(t *testing.T) {
	p, entered, letGo := slow()
	s := serve(t, p, Options{})
	c := s.dial(t, nil)
	call := describe(c, t.Context())
	<-entered
	watch, err := c.Watch(t.Context(), &stewardv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := watch.Recv(); err != nil || !m.Ready {
		t.Fatalf("%v, %v", m, err)
	}
	health, err := healthv1.NewHealthClient(s.connect(t, nil)).Watch(t.Context(), &healthv1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := health.Recv(); err != nil || m.Status != healthv1.HealthCheckResponse_SERVING {
		t.Fatalf("%v, %v", m, err)
	}

	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop(t.Context()) }()
	_, err = watch.Recv()
	if got := wire.Err(t.Context(), "", "", err); providers.KindOf(got) != providers.Unavailable || got.Error() != "watch: the server stops" {
		t.Errorf("the watch ended with %v", got)
	}
	// Whoever asks is told, or finds the door shut.
	if m, err := s.health.Check(t.Context(), &healthv1.HealthCheckRequest{}); err != nil || m.Status != healthv1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("it says that it is %v, %v", m, err)
	}
	if m, err := health.Recv(); err == nil && m.Status != healthv1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("it says that it is %v", m.Status)
	}
	if err := <-describe(s.dial(t, nil), t.Context()); status.Code(err) != codes.Unavailable {
		t.Errorf("a new call: %v", err)
	}
	select {
	case err := <-stopped:
		t.Fatalf("it stopped (%v) though a call runs", err)
	case err := <-call:
		t.Fatalf("the call ended by itself: %v", err)
	default:
	}
	close(letGo)
	if err := <-call; err != nil {
		t.Errorf("the call: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Stop: %v", err)
	}
}

// TestStopDoesNotWaitForEver cuts off what runs when its time is up.
func TestStopDoesNotWaitForEver(t *testing.T) {
	p, entered, _ := slow()
	s := serve(t, p, Options{})
	call := describe(s.dial(t, nil), t.Context())
	<-entered
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(over); err == nil || err.Error() != "1 calls were cut off" {
		t.Errorf("Stop: %v", err)
	}
	if err := <-call; status.Code(err) != codes.Unavailable && status.Code(err) != codes.Canceled {
		t.Errorf("the call: %v", err)
	}
}

// TestStopLeavesACallThatNothingEnds: the process can end though it runs.
func TestStopLeavesACallThatNothingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		entered, letGo := make(chan struct{}, 1), make(chan struct{})
		s, err := New(&stub{describe: func(context.Context, providers.Ref) (*providers.VM, error) {
			entered <- struct{}{}
			<-letGo
			return &providers.VM{ID: "1"}, nil
		}}, Options{Fleet: fleet, Log: discard, Insecure: true})
		if err != nil {
			t.Fatal(err)
		}
		conn, served := inside(t, s)
		call := describe(stewardv1.NewStewardClient(conn), t.Context())
		<-entered
		grace, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begun := time.Now()
		err = s.Stop(grace)
		if took := time.Since(begun); took != time.Minute+cutTime {
			t.Errorf("it took %s, want %s", took, time.Minute+cutTime)
		}
		if err == nil || !strings.Contains(err.Error(), "1 calls do not end though they are cut off") {
			t.Errorf("Stop: %v", err)
		}
		close(letGo)
		<-call
		_ = conn.Close()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

// TestAWatchEndsWithItsAge, so that whoever lost a certificate is out by then.
func TestAWatchEndsWithItsAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, _ := slow()
		s, err := New(p, Options{Fleet: fleet, Log: discard, Insecure: true})
		if err != nil {
			t.Fatal(err)
		}
		conn, served := inside(t, s)
		begun := time.Now()
		watch, err := stewardv1.NewStewardClient(conn).Watch(t.Context(), &stewardv1.WatchRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if m, err := watch.Recv(); err != nil || !m.Ready {
			t.Fatalf("%v, %v", m, err)
		}
		_, err = watch.Recv()
		got := wire.Err(t.Context(), "", "", err)
		if providers.KindOf(got) != providers.Unavailable || got.Error() != "watch: the stream has lasted for 2h0m0s; another may begin" {
			t.Errorf("it ended with %v", got)
		}
		if took := time.Since(begun); took != maxAge {
			t.Errorf("it ended after %s, want %s", took, maxAge)
		}
		_ = conn.Close()
		if err := s.Stop(t.Context()); err != nil {
			t.Errorf("Stop: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

// TestAWatcherThatIsGone without a word: its machine lost power, say. The
// provider's stream ends soon after.
func TestAWatcherThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan time.Time, 1)
		s, err := New(&stub{watch: func(ctx context.Context, ready func(), _ func(...string)) error {
			ready()
			<-ctx.Done()
			ended <- time.Now()
			return ctx.Err()
		}}, Options{Fleet: fleet, Log: discard, Insecure: true})
		if err != nil {
			t.Fatal(err)
		}
		deaf := make(chan struct{})
		conn, served := inside(t, s, func(c net.Conn) net.Conn { return &deafConn{Conn: c, deaf: deaf, closed: make(chan struct{})} })
		watch, err := stewardv1.NewStewardClient(conn).Watch(t.Context(), &stewardv1.WatchRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if m, err := watch.Recv(); err != nil || !m.Ready {
			t.Fatalf("%v, %v", m, err)
		}
		close(deaf)
		gone := time.Now()
		if took := (<-ended).Sub(gone); took > 2*time.Minute {
			t.Errorf("its stream went on for %s", took)
		}
		_ = conn.Close()
		if err := s.Stop(t.Context()); err != nil {
			t.Errorf("Stop: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

// deafConn reads nothing any more once deaf is closed.
type deafConn struct {
	net.Conn
	deaf, closed chan struct{}
	once         sync.Once
}

func (c *deafConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	select {
	case <-c.deaf:
		<-c.closed
		return 0, net.ErrClosed
	default:
		return n, err
	}
}

func (c *deafConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// inside connects to a server without a network, for a test in a bubble.
func inside(t *testing.T, s *Server, wrap ...func(net.Conn) net.Conn) (*grpc.ClientConn, chan error) {
	t.Helper()
	l := bufconn.Listen(1 << 16)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	conn, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			c, err := l.DialContext(ctx)
			for _, w := range wrap {
				c = w(c)
			}
			return c, err
		}))
	if err != nil {
		t.Fatal(err)
	}
	return conn, served
}
