package remote

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

// silent is a server whose answers to Describe never come.
type silent struct {
	stewardv1.UnimplementedStewardServer
}

func (silent) Hello(context.Context, *stewardv1.HelloRequest) (*stewardv1.HelloResponse, error) {
	return &stewardv1.HelloResponse{Server: "silent", Type: "memory", Capabilities: &stewardv1.Capabilities{Concurrency: 1}}, nil
}

func (silent) Validate(context.Context, *stewardv1.ValidateRequest) (*stewardv1.ValidateResponse, error) {
	return &stewardv1.ValidateResponse{}, nil
}

func (silent) Describe(ctx context.Context, _ *stewardv1.DescribeRequest) (*stewardv1.DescribeResponse, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// pipes is a listener without a network, so that time can pass by itself.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// tapped counts what is written, and swallows it once it is dead.
type tapped struct {
	net.Conn
	written *atomic.Int64
	dead    *atomic.Bool
}

func (t tapped) Write(b []byte) (int, error) {
	t.written.Add(1)
	if t.dead.Load() {
		return len(b), nil
	}
	return t.Conn.Write(b)
}

// TestPings lets a connection idle, and cuts the line while a call waits. A
// server of VirtRigaud ends connections whose clients ping without a call.
func TestPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var written atomic.Int64
		var dead atomic.Bool
		line := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		s := grpc.NewServer(grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second}))
		stewardv1.RegisterStewardServer(s, silent{})
		served := make(chan struct{})
		go func() { defer close(served); _ = s.Serve(line) }()
		p, err := New(providers.Settings{Fleet: "test", Type: "memory", Endpoint: "unix:///nowhere"}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		p.session.dialer.reach = func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			line.conns <- far
			return tapped{near, &written, &dead}, nil
		}
		if err := p.Validate(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		before := written.Load()
		time.Sleep(10 * time.Minute)
		if n := written.Load() - before; n != 0 {
			t.Errorf("%d things were said in ten minutes without a call", n)
		}

		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		if _, err := p.Describe(ctx, providers.Ref{ID: "a"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call that waits for five minutes, with pings: %v", err)
		}
		cancel()

		begun := time.Now()
		time.AfterFunc(time.Minute, func() { dead.Store(true) })
		_, err = p.Describe(t.Context(), providers.Ref{ID: "a"})
		if took := time.Since(begun); providers.KindOf(err) != providers.Unavailable || took > time.Minute+pingEvery+pingPatience+time.Second {
			t.Errorf("a call on a dead line: %v after %s", err, took)
		}
		dead.Store(false)
		if err := p.Validate(t.Context()); err != nil {
			t.Errorf("after the line was dead: %v", err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		s.Stop()
		<-served
	})
}
