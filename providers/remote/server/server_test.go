package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
	"github.com/vmsteward/vmsteward/providers/remote/wire"
)

func TestOptionsThatCannotBe(t *testing.T) {
	good := Options{Fleet: fleet, Log: slog.New(slog.DiscardHandler), Insecure: true}
	for _, row := range []struct {
		reason string
		change func(*Options)
		want   string
	}{
		{"as they should be", func(*Options) {}, "<nil>"},
		{"whose VMs?", func(o *Options) { o.Fleet = "" }, "a server needs the fleet whose VMs it touches"},
		{"no log", func(o *Options) { o.Log = nil }, "a server needs a logger"},
		{"insecure by mistake", func(o *Options) { o.Insecure = false }, "a server needs a certificate, or to be told to be insecure"},
		{"both", func(o *Options) { o.TLS = &TLS{} }, "a server with a certificate is not insecure"},
		{"no files", func(o *Options) { o.Insecure, o.TLS = false, &TLS{CertFile: "/nowhere"} }, "open /nowhere: no such file or directory"},
	} {
		o := good
		row.change(&o)
		_, err := New(memory.New(memory.Options{}), o)
		if got := errorText(err); got != row.want {
			t.Errorf("%s: error %q, want %q", row.reason, got, row.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return "<nil>"
	}
	return err.Error()
}

func TestHelloTellsWhoServes(t *testing.T) {
	c := serve(t, memory.New(memory.Options{}), Options{}).dial(t, nil)
	resp, err := c.Hello(t.Context(), &stewardv1.HelloRequest{Fleet: fleet})
	if err != nil {
		t.Fatal(err)
	}
	parts := []stewardv1.Part{stewardv1.Part_PART_LIST, stewardv1.Part_PART_WATCH, stewardv1.Part_PART_SWEEP, stewardv1.Part_PART_SNAPSHOTS}
	if d := cmp.Diff(parts, resp.Parts); d != "" || resp.Server != "vmsteward/1.2.3" || resp.Type != "memory" ||
		resp.Capabilities.Change["cpu"] != string(providers.LiveInHeadroom) {
		t.Errorf("%v (-want +got parts):\n%s", resp, d)
	}
	_, err = c.Hello(t.Context(), &stewardv1.HelloRequest{Fleet: "other"})
	if got := wire.Err(t.Context(), "", "", err); status.Code(err) != codes.FailedPrecondition || providers.KindOf(got) != providers.InvalidSpec ||
		got.Error() != `hello: this server is for the fleet "test", not for "other"` {
		t.Errorf("another fleet is answered with %v", err)
	}
}

// seven is a provider that can nothing beside the seven calls.
type seven struct{ providers.Provider }

// partial has every call and an endpoint that lacks what they do.
type partial struct{ *memory.Provider }

func (partial) Has(providers.Power) bool { return false }

func TestAnEndpointWithoutParts(t *testing.T) {
	c := serve(t, partial{memory.New(memory.Options{})}, Options{}).dial(t, nil)
	resp, err := c.Hello(t.Context(), &stewardv1.HelloRequest{Fleet: fleet})
	if err != nil || len(resp.Parts) != 0 || resp.Capabilities == nil {
		t.Errorf("it says %v, %v", resp, err)
	}
	_, err = c.Sweep(t.Context(), &stewardv1.SweepRequest{Leftover: &stewardv1.Leftover{Id: "1", Owner: owner("web")}})
	notSupported(t, "sweep", err)
}

func TestAProviderWithoutParts(t *testing.T) {
	c := serve(t, seven{memory.New(memory.Options{})}, Options{}).dial(t, nil)
	resp, err := c.Hello(t.Context(), &stewardv1.HelloRequest{Fleet: fleet})
	if err != nil || len(resp.Parts) != 0 || resp.Capabilities != nil {
		t.Errorf("it says %v, %v", resp, err)
	}
	ref := &stewardv1.Ref{Id: "1", Owner: owner("web")}
	list, err := c.List(t.Context(), &stewardv1.ListRequest{})
	if err == nil {
		_, err = list.Recv()
	}
	notSupported(t, "list", err)
	watch, err := c.Watch(t.Context(), &stewardv1.WatchRequest{})
	if err == nil {
		_, err = watch.Recv()
	}
	notSupported(t, "watch", err)
	_, err = c.Sweep(t.Context(), &stewardv1.SweepRequest{Leftover: &stewardv1.Leftover{Id: "1", Owner: owner("web")}})
	notSupported(t, "sweep", err)
	_, err = c.Snapshots(t.Context(), &stewardv1.SnapshotsRequest{Ref: ref})
	notSupported(t, "snapshots", err)
	_, err = c.TakeSnapshot(t.Context(), &stewardv1.TakeSnapshotRequest{Ref: ref, Name: "a"})
	notSupported(t, "take-snapshot", err)
	_, err = c.RevertSnapshot(t.Context(), &stewardv1.SnapshotRequest{Ref: ref, Name: "a"})
	notSupported(t, "revert-snapshot", err)
	_, err = c.DropSnapshot(t.Context(), &stewardv1.SnapshotRequest{Ref: ref, Name: "a"})
	notSupported(t, "drop-snapshot", err)
}

func notSupported(t *testing.T, op string, err error) {
	t.Helper()
	if got := wire.Err(t.Context(), op, "", err); providers.KindOf(got) != providers.NotSupported || got.Error() != op+": the provider of this server cannot do that" {
		t.Errorf("%s: %v", op, got)
	}
}

// TestOtherFleetsAreNotTouched sends what a client of another fleet would. The
// provider behind is never asked.
func TestOtherFleetsAreNotTouched(t *testing.T) {
	c := serve(t, &stub{}, Options{}).dial(t, nil)
	theirs := owner("web")
	theirs.Fleet = "other"
	for name, call := range acting(c) {
		for reason, o := range map[string]*stewardv1.Owner{"another fleet": theirs, "nobody": nil} {
			err := call(t.Context(), o)
			if got := wire.Err(t.Context(), name, "", err); providers.KindOf(got) != providers.Conflict {
				t.Errorf("%s of %s: %v", name, reason, got)
			}
		}
	}
	_, err := c.Describe(t.Context(), &stewardv1.DescribeRequest{Ref: &stewardv1.Ref{Id: "1", Owner: theirs}})
	if got := wire.Err(t.Context(), "", "", err); providers.KindOf(got) != providers.Conflict {
		t.Errorf("describe of another fleet: %v", got)
	}
}

// acting returns the calls that change something, for an owner.
func acting(c stewardv1.StewardClient) map[string]func(context.Context, *stewardv1.Owner) error {
	ref := func(o *stewardv1.Owner) *stewardv1.Ref { return &stewardv1.Ref{Id: "1", Owner: o} }
	return map[string]func(context.Context, *stewardv1.Owner) error{
		"create": func(ctx context.Context, o *stewardv1.Owner) error {
			_, err := c.Create(ctx, &stewardv1.CreateRequest{Owner: o, Vm: &stewardv1.Wanted{Key: &stewardv1.Key{Namespace: "ns", Name: "web"}}})
			return err
		},
		"delete": func(ctx context.Context, o *stewardv1.Owner) error {
			_, err := c.Delete(ctx, &stewardv1.DeleteRequest{Ref: ref(o)})
			return err
		},
		"power": func(ctx context.Context, o *stewardv1.Owner) error {
			_, err := c.Power(ctx, &stewardv1.PowerRequest{Ref: ref(o), Op: stewardv1.PowerOp_POWER_OP_STOP})
			return err
		},
		"reconfigure": func(ctx context.Context, o *stewardv1.Owner) error {
			_, err := c.Reconfigure(ctx, &stewardv1.ReconfigureRequest{Ref: ref(o), Change: &stewardv1.Change{}})
			return err
		},
	}
}

// TestMalformedRequests are the fault of the one who sends them.
func TestMalformedRequests(t *testing.T) {
	c := serve(t, &stub{}, Options{}).dial(t, nil)
	ref := &stewardv1.Ref{Id: "1", Owner: owner("web")}
	for reason, call := range map[string]func() error{
		"no VM": func() error {
			_, err := c.Create(t.Context(), &stewardv1.CreateRequest{Owner: owner("web")})
			return err
		},
		"no ref": func() error { _, err := c.Delete(t.Context(), &stewardv1.DeleteRequest{}); return err },
		"no act": func() error { _, err := c.Power(t.Context(), &stewardv1.PowerRequest{Ref: ref}); return err },
		"no change": func() error {
			_, err := c.Reconfigure(t.Context(), &stewardv1.ReconfigureRequest{Ref: ref})
			return err
		},
		"nothing": func() error { _, err := c.Describe(t.Context(), &stewardv1.DescribeRequest{}); return err },
		"no task": func() error { _, err := c.TaskState(t.Context(), &stewardv1.TaskStateRequest{}); return err },
	} {
		err := call()
		if got := wire.Err(t.Context(), "", "", err); providers.KindOf(got) != providers.InvalidSpec || status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", reason, err)
		}
	}
}

// TestATaskThatFailedIsNotOneThatCannotBeSeen keeps the two apart.
func TestATaskThatFailedIsNotOneThatCannotBeSeen(t *testing.T) {
	full := &providers.Error{Op: "create", Subject: "ns/web", Kind: providers.QuotaExceeded, Err: errors.New("no room")}
	away := &providers.Error{Op: "task", Kind: providers.Unavailable, Err: errors.New("no answer")}
	p := &stub{task: func(_ context.Context, task providers.TaskRef) (bool, error) {
		switch task {
		case "failed":
			return true, full
		case "unseen":
			return false, away
		}
		return task == "done", nil
	}}
	c := serve(t, p, Options{}).dial(t, nil)
	state := func(task string) (*stewardv1.TaskStateResponse, error) {
		resp, err := c.TaskState(t.Context(), &stewardv1.TaskStateRequest{Task: task})
		return resp, wire.Err(t.Context(), "task", "", err)
	}
	if resp, err := state("failed"); err != nil || !resp.Done || providers.KindOf(wire.DecodeFailure(resp.Failure)) != providers.QuotaExceeded {
		t.Errorf("a task that failed: %v, %v", resp, err)
	}
	if resp, err := state("unseen"); providers.KindOf(err) != providers.Unavailable {
		t.Errorf("a task that cannot be seen: %v, %v", resp, err)
	}
	if resp, err := state("done"); err != nil || !resp.Done || resp.Failure != nil {
		t.Errorf("a task that is done: %v, %v", resp, err)
	}
	if resp, err := state("runs"); err != nil || resp.Done || resp.Failure != nil {
		t.Errorf("a task that runs: %v, %v", resp, err)
	}
}

// TestAPanicEndsOneCall throws from wherever the provider is called.
func TestAPanicEndsOneCall(t *testing.T) {
	registry := prometheus.NewRegistry()
	p := &stub{
		describe: func(_ context.Context, ref providers.Ref) (*providers.VM, error) {
			if ref.ID == "ok" {
				return &providers.VM{ID: "ok"}, nil
			}
			panic("a hole in the floor")
		},
		list:  func(context.Context) (*providers.Inventory, error) { panic("a hole in the floor") },
		watch: func(context.Context, func(), func(...string)) error { panic("a hole in the floor") },
	}
	s := serve(t, p, Options{Metrics: registry})
	c := s.dial(t, nil)
	_, err := c.Describe(t.Context(), &stewardv1.DescribeRequest{Ref: &stewardv1.Ref{Id: "1"}})
	panicked(t, "describe", codes.Internal, err)
	list, err := c.List(t.Context(), &stewardv1.ListRequest{})
	if err == nil {
		_, err = list.Recv()
	}
	panicked(t, "list", codes.Internal, err)
	watch, err := c.Watch(t.Context(), &stewardv1.WatchRequest{})
	if err == nil {
		_, err = watch.Recv()
	}
	panicked(t, "watch", codes.Unknown, err)
	if _, err := c.Describe(t.Context(), &stewardv1.DescribeRequest{Ref: &stewardv1.Ref{Id: "ok"}}); err != nil {
		t.Errorf("the next call: %v", err)
	}
	line := s.log.line(t, "level=ERROR", "the provider panicked", "method=Steward/Describe", "a hole in the floor")
	if !strings.Contains(line, "server_test.go") {
		t.Errorf("the log does not say where: %s", line)
	}
	if n := value(t, registry, "vmsteward_server_panics_total", nil); n != 3 {
		t.Errorf("%v panics are counted, want 3", n)
	}
}

func panicked(t *testing.T, op string, code codes.Code, err error) {
	t.Helper()
	got := wire.Err(t.Context(), op, "", err)
	if status.Code(err) != code || providers.KindOf(got) != providers.Unrecognised || strings.Contains(got.Error(), "hole") || strings.Contains(got.Error(), ".go") {
		t.Errorf("%s: %v (%s)", op, err, providers.KindOf(got))
	}
}

func value(t *testing.T, g prometheus.Gatherer, name string, labels map[string]string) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			matches := f.GetName() == name
			for _, l := range m.Label {
				if want, ok := labels[l.GetName()]; ok && want != l.GetValue() {
					matches = false
				}
			}
			if matches && m.Counter != nil {
				return m.Counter.GetValue()
			}
			if matches && m.Gauge != nil {
				return m.Gauge.GetValue()
			}
			if matches && m.Histogram != nil {
				return float64(m.Histogram.GetSampleCount())
			}
		}
	}
	t.Fatalf("%s %v is not there", name, labels)
	return 0
}

func TestCallsAreCountedAndLogged(t *testing.T) {
	registry := prometheus.NewRegistry()
	ours := newAuthority(t, "ours")
	peer, other := ours.issue("steward-1", "", ""), ours.issue("other", "", "")
	f := files(t, ours, ours.issue("server", "", ""))
	f.Allow = []string{"steward-1"}
	s := serve(t, memory.New(memory.Options{}), Options{TLS: f, Metrics: registry})
	c := s.dial(t, config(t, ours, &peer))
	if _, err := c.Validate(t.Context(), &stewardv1.ValidateRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Delete(t.Context(), &stewardv1.DeleteRequest{Ref: &stewardv1.Ref{Owner: owner("web")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.dial(t, config(t, ours, &other)).Validate(t.Context(), &stewardv1.ValidateRequest{}); err == nil {
		t.Fatal("who is not on the list may call")
	}
	if _, err := s.dial(t, config(t, ours, nil)).Validate(t.Context(), &stewardv1.ValidateRequest{}); err == nil {
		t.Fatal("who has no certificate may call")
	}
	s.log.line(t, "level=DEBUG", "call answered", "method=Steward/Validate", "peer=steward-1", "code=OK", "took_ms=")
	s.log.line(t, "level=INFO", "call answered", "method=Steward/Delete", "peer=steward-1", "code=OK", "took_ms=", "vm=ns/web")
	s.log.line(t, "level=DEBUG", "call answered", "method=Steward/Validate", "peer=other", "code=PermissionDenied")
	s.log.line(t, "connection refused")
	for _, row := range []struct {
		name   string
		labels map[string]string
		want   float64
	}{
		{"vmsteward_server_calls_total", map[string]string{"method": "Steward/Validate", "code": "OK"}, 1},
		{"vmsteward_server_calls_total", map[string]string{"method": "Steward/Validate", "code": "PermissionDenied"}, 1},
		{"vmsteward_server_calls_total", map[string]string{"method": "Steward/Delete", "code": "OK"}, 1},
		{"vmsteward_server_call_duration_seconds", map[string]string{"method": "Steward/Delete"}, 1},
		{"vmsteward_server_refused_total", map[string]string{"by": "name"}, 1},
		{"vmsteward_server_refused_total", map[string]string{"by": "handshake"}, 1},
		{"vmsteward_server_calls_running", nil, 0},
		{"vmsteward_server_panics_total", nil, 0},
	} {
		if got := value(t, registry, row.name, row.labels); got != row.want {
			t.Errorf("%s %v is %v, want %v", row.name, row.labels, got, row.want)
		}
	}
}

func TestHealthSpeaksForEveryService(t *testing.T) {
	s := serve(t, memory.New(memory.Options{}), Options{})
	h := healthv1.NewHealthClient(s.connect(t, nil))
	for _, service := range []string{"", "vmsteward.provider.v1.Steward"} {
		resp, err := h.Check(t.Context(), &healthv1.HealthCheckRequest{Service: service})
		if err != nil || resp.Status != healthv1.HealthCheckResponse_SERVING {
			t.Errorf("%q: %v, %v", service, resp, err)
		}
	}
}

// TestOverAUnixSocket needs no certificate and no warning.
func TestOverAUnixSocket(t *testing.T) {
	log := newJournal()
	s, err := New(memory.New(memory.Options{}), Options{Fleet: fleet, Log: slog.New(slog.NewTextHandler(log, nil)), Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	conn := connect(t, "unix:"+path, nil)
	if _, err := stewardv1.NewStewardClient(conn).Hello(t.Context(), &stewardv1.HelloRequest{Fleet: fleet}); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := errors.Join(s.Stop(ctx), s.Stop(ctx), <-done); err != nil {
		t.Error(err)
	}
	if text := log.String(); strings.Contains(text, "WARN") {
		t.Error(text)
	}
}
