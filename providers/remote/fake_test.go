package remote_test

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"github.com/vmsteward/vmsteward/internal/farewell"
	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote"
	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

const fleet = "test"

// fake is a server of the extension that says what it is told to say.
type fake struct {
	stewardv1.UnimplementedStewardServer
	kind string
	mute bool // it does not say what it can until it was read

	parts *[]stewardv1.Part // nil: list and watch

	mu       sync.Mutex
	order    []string // the calls, as they came
	describe func(context.Context) (*stewardv1.DescribeResponse, error)
	list     func(*stewardv1.ListRequest) ([]*stewardv1.ListResponse, error)
	task     func() *stewardv1.TaskStateResponse
	watch    func(grpc.ServerStreamingServer[stewardv1.WatchResponse]) error
}

func (f *fake) note(call string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.order = append(f.order, call)
}

// calls returns what came since it was last asked.
func (f *fake) calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := f.order
	f.order = nil
	return all
}

func (f *fake) Hello(context.Context, *stewardv1.HelloRequest) (*stewardv1.HelloResponse, error) {
	f.note("hello")
	hello := &stewardv1.HelloResponse{
		Server: "fake", Type: f.kind, Capabilities: &stewardv1.Capabilities{Concurrency: 4},
		Parts: []stewardv1.Part{stewardv1.Part_PART_LIST, stewardv1.Part_PART_WATCH},
	}
	if f.parts != nil {
		hello.Parts = *f.parts
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mute && !slices.Contains(f.order, "list ") {
		hello.Capabilities = nil
	}
	return hello, nil
}

func (f *fake) Validate(context.Context, *stewardv1.ValidateRequest) (*stewardv1.ValidateResponse, error) {
	f.note("validate")
	return &stewardv1.ValidateResponse{}, nil
}

func (f *fake) Describe(ctx context.Context, _ *stewardv1.DescribeRequest) (*stewardv1.DescribeResponse, error) {
	f.note("describe")
	return f.describe(ctx)
}

func (f *fake) TaskState(context.Context, *stewardv1.TaskStateRequest) (*stewardv1.TaskStateResponse, error) {
	return f.task(), nil
}

func (f *fake) List(req *stewardv1.ListRequest, to grpc.ServerStreamingServer[stewardv1.ListResponse]) error {
	f.note("list " + req.GetCursor())
	pages, err := f.list(req)
	for _, p := range pages {
		if err := to.Send(p); err != nil {
			return err
		}
	}
	return err
}

func (f *fake) Watch(_ *stewardv1.WatchRequest, to grpc.ServerStreamingServer[stewardv1.WatchResponse]) error {
	return f.watch(to)
}

// served is a server that listens.
type served struct {
	network, address string
	grpc             *grpc.Server
}

// serve listens on a socket of its own, for what register puts into the server.
func serve(t *testing.T, register func(*grpc.Server), options ...grpc.ServerOption) *served {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &served{"unix", path, grpc.NewServer(options...)}
	register(s.grpc)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.grpc.Serve(l) }()
	t.Cleanup(func() { s.grpc.Stop(); <-done })
	return s
}

func (f *fake) register(s *grpc.Server) { stewardv1.RegisterStewardServer(s, f) }

// secured are the options of a server that knows its clients.
func secured(t *testing.T, a *remotetest.Authority) grpc.ServerOption {
	t.Helper()
	return grpc.Creds(farewell.Polite(credentials.NewTLS(serverConfig(t, a, "server.test"))))
}

// ages are the options of a server that ends its connections after a while.
func ages(age, grace time.Duration) grpc.ServerOption {
	return grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: age, MaxConnectionAgeGrace: grace})
}

// client returns a provider of a type at an endpoint.
func client(t *testing.T, kind, endpoint string, creds secret.Set) *remote.Provider {
	t.Helper()
	p, err := remote.New(providers.Settings{
		Fleet: fleet, Type: kind, Endpoint: endpoint, Credentials: creds, ConnectTimeout: 5 * time.Second,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}
