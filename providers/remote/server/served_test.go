package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

const fleet = "test"

// served is a server under test with its log.
type served struct {
	*Server
	addr string
	log  *journal
	done chan error // of Serve
}

// serve starts a server on loopback and stops it at the end of the test.
func serve(t testing.TB, p providers.Provider, o Options) *served {
	t.Helper()
	s := &served{log: newJournal(), done: make(chan error, 1)}
	o.Fleet, o.Type, o.Version, o.Log = fleet, "memory", "1.2.3", slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Insecure = o.TLS == nil
	var err error
	if s.Server, err = New(p, o); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	go func() { s.done <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = s.Stop(ctx)
		if err := <-s.done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return s
}

// dial connects a client; nil: without TLS.
func (s *served) dial(t testing.TB, c *tls.Config) stewardv1.StewardClient {
	t.Helper()
	return stewardv1.NewStewardClient(s.connect(t, c))
}

func (s *served) connect(t testing.TB, c *tls.Config) *grpc.ClientConn {
	t.Helper()
	return connect(t, "passthrough:///"+s.addr, c)
}

func connect(t testing.TB, target string, c *tls.Config) *grpc.ClientConn {
	t.Helper()
	creds := insecure.NewCredentials()
	if c != nil {
		creds = credentials.NewTLS(c)
	}
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(creds), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// journal is a log that can be waited for.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed and replaced with each line
}

func newJournal() *journal { return &journal{more: make(chan struct{})} }

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.more)
	j.more = make(chan struct{})
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// line waits for a line that has all the words.
func (j *journal) line(t testing.TB, words ...string) string {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		j.mu.Lock()
		text, more := j.text.String(), j.more
		j.mu.Unlock()
		for l := range strings.Lines(text) {
			if hasAll(l, words) {
				return l
			}
		}
		select {
		case <-more:
		case <-late:
			t.Fatalf("no line of the log has %q:\n%s", words, text)
		}
	}
}

func hasAll(line string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(line, w) {
			return false
		}
	}
	return true
}

// stub is a provider made of functions; one that is not set must not be called.
type stub struct {
	providers.Provider
	describe func(context.Context, providers.Ref) (*providers.VM, error)
	list     func(context.Context) (*providers.Inventory, error)
	watch    func(ctx context.Context, ready func(), changed func(...string)) error
	pulse    func(context.Context) ([]string, error)
	task     func(context.Context, providers.TaskRef) (bool, error)
}

func (s *stub) Describe(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
	return s.describe(ctx, ref)
}
func (s *stub) List(ctx context.Context) (*providers.Inventory, error) { return s.list(ctx) }
func (s *stub) Watch(ctx context.Context, ready func(), changed func(...string)) error {
	return s.watch(ctx, ready, changed)
}
func (s *stub) Pulse(ctx context.Context) ([]string, error) {
	if s.pulse == nil {
		return nil, nil
	}
	return s.pulse(ctx)
}
func (s *stub) IsTaskComplete(ctx context.Context, task providers.TaskRef) (bool, error) {
	return s.task(ctx, task)
}

var (
	_ providers.Lister  = (*stub)(nil)
	_ providers.Watcher = (*stub)(nil)
	_ providers.Pulse   = (*stub)(nil)
)

func owner(name string) *stewardv1.Owner {
	return &stewardv1.Owner{Fleet: fleet, Vm: &stewardv1.Key{Namespace: "ns", Name: name}}
}

func ownerOf(name string) providers.Owner {
	return providers.Owner{Fleet: fleet, VM: manifest.Key{Namespace: "ns", Name: name}}
}
