package remote_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
	"github.com/vmsteward/vmsteward/providers/remote/server"
)

var someVM = providers.Ref{ID: "vm-1", Owner: providers.Owner{Fleet: fleet, VM: manifest.Key{Namespace: "default", Name: "a"}}}

// TestHelloBeginsEveryConnection counts what a server is asked before
// anything else.
func TestHelloBeginsEveryConnection(t *testing.T) {
	f := &fake{kind: "memory"}
	s := serve(t, f.register)
	line := remotetest.NewLine(t, s.network, s.address)
	p := client(t, "memory", line.Endpoint(), nil)

	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := p.Validate(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	calls := f.calls()
	if len(calls) != 21 || calls[0] != "hello" || slices.Index(calls[1:], "hello") >= 0 || line.Dials() != 1 {
		t.Errorf("20 calls at once on %d connections are %q", line.Dials(), calls)
	}
	line.Drop()
	for p.Validate(t.Context()) != nil { // until the loss is seen
		if t.Context().Err() != nil {
			return
		}
	}
	if calls := f.calls(); len(calls) != 2 || calls[0] != "hello" || line.Dials() != 2 {
		t.Errorf("a call after a loss, on connection %d, is %q", line.Dials(), calls)
	}
}

// TestAnotherServerIsSeen replaces the server in between.
func TestAnotherServerIsSeen(t *testing.T) {
	gone := func(context.Context) (*stewardv1.DescribeResponse, error) {
		return nil, status.Error(codes.NotFound, "no such VM")
	}
	f, other := &fake{kind: "memory"}, &fake{kind: "vsphere", describe: gone}
	s, another := serve(t, f.register), serve(t, other.register)
	line := remotetest.NewLine(t, s.network, s.address)
	p := client(t, "memory", line.Endpoint(), nil)
	if err := p.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	line.Lead(another.network, another.address)
	line.Drop()
	s.grpc.Stop()
	var err error
	for range 2 { // the first may meet the loss
		_, err = p.Describe(t.Context(), someVM)
		if providers.KindOf(err) != providers.Unavailable {
			t.Errorf("describe at another server: %v, of kind %s; want Unavailable", err, providers.KindOf(err))
		}
	}
	if !strings.Contains(err.Error(), `for the type "vsphere"`) || !strings.Contains(err.Error(), "default/a") {
		t.Errorf("the error says neither who is there nor of which VM it is: %v", err)
	}
	if err := p.Validate(t.Context()); providers.KindOf(err) != providers.InvalidSpec {
		t.Errorf("validate at another server: %v, want InvalidSpec", err)
	}
	if calls := other.calls(); slices.Contains(calls, "describe") {
		t.Errorf("another server was asked for the VM: %q", calls)
	}
}

// TestServersThatEndConnections makes calls on a server that gives its
// connections a short life: none is lost.
func TestServersThatEndConnections(t *testing.T) {
	f := &fake{kind: "memory", describe: func(ctx context.Context) (*stewardv1.DescribeResponse, error) {
		return &stewardv1.DescribeResponse{Vm: &stewardv1.VM{Id: "vm-1", Name: "a"}}, nil
	}}
	s := serve(t, f.register, ages(20*time.Millisecond, time.Minute))
	line := remotetest.NewLine(t, s.network, s.address)
	p := client(t, "memory", line.Endpoint(), nil)
	made := 0
	for line.Dials() < 5 {
		made++
		if _, err := p.Describe(t.Context(), someVM); err != nil {
			t.Fatalf("call %d, on connection %d: %v", made, line.Dials(), err)
		}
	}
}

// TestCallsOutliveTheirConnection has a server end its connections while a
// call is under way: it is answered, and others go on elsewhere.
func TestCallsOutliveTheirConnection(t *testing.T) {
	answer := make(chan struct{})
	f := &fake{kind: "memory", describe: func(context.Context) (*stewardv1.DescribeResponse, error) {
		<-answer
		return &stewardv1.DescribeResponse{Vm: &stewardv1.VM{Id: "vm-1", Name: "a"}}, nil
	}}
	s := serve(t, f.register, ages(20*time.Millisecond, time.Minute))
	line := remotetest.NewLine(t, s.network, s.address)
	p := client(t, "memory", line.Endpoint(), nil)
	long := make(chan error, 1)
	go func() { _, err := p.Describe(t.Context(), someVM); long <- err }()
	for line.Dials() < 3 {
		if err := p.Validate(t.Context()); err != nil {
			t.Fatalf("on connection %d: %v", line.Dials(), err)
		}
	}
	close(answer)
	if err := <-long; err != nil {
		t.Errorf("the call that was under way: %v", err)
	}
}

// TestSilentServers holds deadlines with servers that say nothing: one that
// listens and never speaks, one that says hello and no more, and one that dies.
func TestSilentServers(t *testing.T) {
	started := make(chan struct{}, 1)
	f := &fake{kind: "memory", describe: func(ctx context.Context) (*stewardv1.DescribeResponse, error) {
		started <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	s := serve(t, f.register)
	line := remotetest.NewLine(t, s.network, s.address)
	describe := func(name string, d time.Duration, wants ...error) error {
		t.Helper()
		p := client(t, "memory", line.Endpoint(), nil)
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		begun := time.Now()
		_, err := p.Describe(ctx, someVM)
		if took := time.Since(begun); took > d+time.Second || err == nil || providers.IsAbsent(err) {
			t.Errorf("%s: %v after %s", name, err, took)
		}
		return err
	}
	release := line.Stall()
	if err := describe("a server that never speaks", 100*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a server that never speaks: %v", err)
	}
	release()
	if err := describe("one that says hello alone", 200*time.Millisecond); err != context.DeadlineExceeded {
		t.Errorf("one that says hello alone: %v, want the context's own error", err)
	}
	<-started
	go func() { <-started; s.grpc.Stop() }()
	if err := describe("one that dies meanwhile", time.Minute); providers.KindOf(err) != providers.Unavailable {
		t.Errorf("one that dies meanwhile: %v", err)
	}
	if err := describe("one that is not there", time.Minute); providers.KindOf(err) != providers.Unavailable {
		t.Errorf("one that is not there: %v", err)
	}
}

// TestCodesAlone classifies statuses that say nothing but a code: none of them
// makes a VM absent.
func TestCodesAlone(t *testing.T) {
	var code codes.Code
	f := &fake{kind: "memory", describe: func(context.Context) (*stewardv1.DescribeResponse, error) {
		return nil, status.Error(code, "words")
	}}
	s := serve(t, f.register)
	p := client(t, "memory", "unix://"+s.address, nil)
	want := map[codes.Code]providers.Kind{
		codes.Canceled: providers.Unavailable, codes.Unavailable: providers.Unavailable, codes.DeadlineExceeded: providers.Timeout,
		codes.Unauthenticated: providers.Unauthorized, codes.PermissionDenied: providers.Unauthorized,
		codes.ResourceExhausted: providers.RateLimited, codes.Unknown: providers.Retryable, codes.Internal: providers.Retryable,
		codes.Unimplemented: providers.NotSupported, codes.InvalidArgument: providers.InvalidSpec,
	}
	for code = codes.Canceled; code <= codes.Unauthenticated; code++ {
		_, err := p.Describe(t.Context(), someVM)
		var known *providers.Error
		if !errors.As(err, &known) || known.Op != "describe" || known.Subject != "default/a" || providers.IsAbsent(err) {
			t.Errorf("%s: %v", code, err)
		} else if kind, ok := want[code]; ok && kind != known.Kind {
			t.Errorf("%s: kind %s, want %s", code, known.Kind, kind)
		}
	}
}

// TestOtherFleetsAndLesserServers meets a server of another fleet, one that
// offers no parts, and one that offers what nobody knows yet.
func TestOtherFleetsAndLesserServers(t *testing.T) {
	hv := memory.NewHypervisor()
	s, err := server.New(hv.Connect(providers.Settings{Fleet: "other"}), server.Options{
		Fleet: "other", Type: "memory", Log: slog.New(slog.DiscardHandler), Insecure: true,
	})
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
	defer func() { _ = s.Stop(t.Context()); <-done }()
	p := client(t, "memory", "unix://"+path, nil)
	if err := p.Validate(t.Context()); providers.KindOf(err) != providers.InvalidSpec || !strings.Contains(err.Error(), `"other"`) {
		t.Errorf("a server of another fleet: %v", err)
	}
	if _, err := p.Describe(t.Context(), someVM); providers.KindOf(err) != providers.Unavailable {
		t.Errorf("a call about a VM there: %v", err)
	}

	for _, parts := range [][]stewardv1.Part{{}, {stewardv1.Part(99)}} {
		f := &fake{kind: "memory", parts: &parts}
		p := client(t, "memory", "unix://"+serve(t, f.register).address, nil)
		if err := p.Validate(t.Context()); err != nil {
			t.Errorf("a server with the parts %v: %v", parts, err)
		}
		for doing, err := range map[string]error{
			"list":      second(p.List(t.Context())),
			"watch":     p.Watch(t.Context(), func() {}, func(...string) {}),
			"sweep":     p.Sweep(t.Context(), providers.Leftover{ID: "x", Owner: someVM.Owner}),
			"snapshots": second(p.Snapshots(t.Context(), someVM)),
		} {
			if providers.KindOf(err) != providers.NotSupported {
				t.Errorf("%s of a server with the parts %v: %v", doing, parts, err)
			}
		}
		if calls := f.calls(); !slices.Equal(calls, []string{"hello", "validate"}) {
			t.Errorf("a server was asked %q, and offers %v", calls, parts)
		}
	}
}

// TestClose ends what is under way.
func TestClose(t *testing.T) {
	started := make(chan struct{})
	f := &fake{kind: "memory", describe: func(ctx context.Context) (*stewardv1.DescribeResponse, error) {
		close(started)
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	s := serve(t, f.register)
	p := client(t, "memory", "unix://"+s.address, nil)
	answer := make(chan error, 1)
	go func() { _, err := p.Describe(t.Context(), someVM); answer <- err }()
	<-started
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := <-answer; providers.KindOf(err) != providers.Unavailable {
		t.Errorf("the call under way: %v, want Unavailable", err)
	}
	if err := p.Validate(t.Context()); providers.KindOf(err) != providers.Unavailable {
		t.Errorf("a call after close: %v, want Unavailable", err)
	}
}

// TestListsBrokenOff breaks lists off: what was read until then is no list.
func TestListsBrokenOff(t *testing.T) {
	page := func(last bool, names ...string) *stewardv1.ListResponse {
		r := &stewardv1.ListResponse{Last: last, Complete: last, Cursor: "c"}
		for _, n := range names {
			r.Vms = append(r.Vms, &stewardv1.VM{Id: n, Name: n})
		}
		return r
	}
	delta := page(true, "a")
	delta.Delta = true
	nameless := page(true, "a", "")
	for _, row := range []struct {
		reason string
		pages  []*stewardv1.ListResponse
		err    error
		kind   providers.Kind
	}{
		{"the server goes", []*stewardv1.ListResponse{page(false, "a")}, status.Error(codes.Unavailable, "gone"), providers.Unavailable},
		{"no last page", []*stewardv1.ListResponse{page(false, "a")}, nil, providers.Unavailable},
		{"no page at all", nil, nil, providers.Unavailable},
		{"a difference from nothing", []*stewardv1.ListResponse{delta}, nil, providers.Unrecognised},
		{"a difference after a whole", []*stewardv1.ListResponse{page(false, "a"), delta}, nil, providers.Unrecognised},
	} {
		f := &fake{kind: "memory", list: func(*stewardv1.ListRequest) ([]*stewardv1.ListResponse, error) { return row.pages, row.err }}
		s := serve(t, f.register)
		p := client(t, "memory", "unix://"+s.address, nil)
		inv, err := p.List(t.Context())
		if inv != nil || providers.KindOf(err) != row.kind {
			t.Errorf("%s: %+v, %v; want an error of kind %s", row.reason, inv, err, row.kind)
		}
	}
	f := &fake{kind: "memory", list: func(*stewardv1.ListRequest) ([]*stewardv1.ListResponse, error) {
		return []*stewardv1.ListResponse{nameless}, nil
	}}
	s := serve(t, f.register)
	p := client(t, "memory", "unix://"+s.address, nil)
	for range 2 {
		inv, err := p.List(t.Context())
		if err != nil || inv.Complete || len(inv.VMs) != 1 || len(inv.Problems) != 1 {
			t.Errorf("a list with a VM that cannot be understood: %+v, %v", inv, err)
		}
	}
	if calls := f.calls(); !slices.Equal(calls, []string{"hello", "list ", "list "}) {
		t.Errorf("what was not understood is not asked for again: %q", calls)
	}
}

// TestListTakesDifferences puts answers together of what differs.
func TestListTakesDifferences(t *testing.T) {
	vm := func(id, name string) *stewardv1.VM { return &stewardv1.VM{Id: id, Name: name} }
	next := &stewardv1.ListResponse{}
	f := &fake{kind: "memory", list: func(*stewardv1.ListRequest) ([]*stewardv1.ListResponse, error) {
		return []*stewardv1.ListResponse{next}, nil
	}}
	s := serve(t, f.register)
	p := client(t, "memory", "unix://"+s.address, nil)
	list := func(r *stewardv1.ListResponse) *providers.Inventory {
		t.Helper()
		r.Last, r.Complete = true, true
		next = r
		inv, err := p.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return inv
	}
	names := func(inv *providers.Inventory) string {
		var all []string
		for _, vm := range inv.VMs {
			all = append(all, vm.ID+"="+vm.Name)
		}
		slices.Sort(all)
		return strings.Join(all, " ")
	}
	first := list(&stewardv1.ListResponse{Cursor: "1", Vms: []*stewardv1.VM{vm("a", "a"), vm("b", "b"), vm("c", "c")}})
	same := list(&stewardv1.ListResponse{Cursor: "2", Delta: true})
	if &first.VMs[0] != &same.VMs[0] {
		t.Error("a list in which nothing differs is another list")
	}
	differs := list(&stewardv1.ListResponse{Cursor: "3", Delta: true, Vms: []*stewardv1.VM{vm("b", "B"), vm("d", "d")}, Gone: []string{"a", "never"}})
	if got, want := names(differs), "b=B c=c d=d"; got != want {
		t.Errorf("put together: %s, want %s", got, want)
	}
	if got, want := names(first), "a=a b=b c=c"; got != want {
		t.Errorf("the list before has become %s, it was %s", got, want)
	}
	whole := list(&stewardv1.ListResponse{Vms: []*stewardv1.VM{vm("e", "e")}})
	if got, want := names(whole), "e=e"; got != want {
		t.Errorf("everything anew: %s, want %s", got, want)
	}
	list(&stewardv1.ListResponse{})
	if calls, want := f.calls(), []string{"hello", "list ", "list 1", "list 2", "list 3", "list "}; !slices.Equal(calls, want) {
		t.Errorf("asked %q, want %q", calls, want)
	}
}

// TestCapabilitiesThatComeLater asks a server again that could not say at first.
func TestCapabilitiesThatComeLater(t *testing.T) {
	f := &fake{kind: "memory", mute: true, list: func(*stewardv1.ListRequest) ([]*stewardv1.ListResponse, error) {
		return []*stewardv1.ListResponse{{Last: true, Complete: true}}, nil
	}}
	s := serve(t, f.register)
	p := client(t, "memory", "unix://"+s.address, nil)
	if err := p.Validate(t.Context()); err != nil || p.Capabilities() != nil {
		t.Errorf("before it was read: %v, %+v", err, p.Capabilities())
	}
	for range 2 {
		if _, err := p.List(t.Context()); err != nil || p.Capabilities() == nil || p.Capabilities().Concurrency != 4 {
			t.Errorf("after it was read: %v, %+v", err, p.Capabilities())
		}
	}
	if calls, want := f.calls(), []string{"hello", "validate", "list ", "hello", "list "}; !slices.Equal(calls, want) {
		t.Errorf("asked %q, want %q", calls, want)
	}
}

// TestLargeMessages reads an answer that gRPC would refuse by itself.
func TestLargeMessages(t *testing.T) {
	page := &stewardv1.ListResponse{Last: true, Complete: true}
	origin := strings.Repeat("x", 1<<20)
	for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		page.Vms = append(page.Vms, &stewardv1.VM{
			Id: id, Name: id, Config: &stewardv1.Hardware{Disks: &stewardv1.Disks{Values: []*stewardv1.Disk{{Origin: origin}}}},
		})
	}
	f := &fake{kind: "memory", list: func(*stewardv1.ListRequest) ([]*stewardv1.ListResponse, error) {
		return []*stewardv1.ListResponse{page}, nil
	}}
	s := serve(t, f.register, grpc.MaxSendMsgSize(1<<30))
	p := client(t, "memory", "unix://"+s.address, nil)
	inv, err := p.List(t.Context())
	if err != nil || len(inv.VMs) != 8 {
		t.Errorf("a page of 8 MiB: %v", err)
	}
}
