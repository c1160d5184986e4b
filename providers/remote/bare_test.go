package remote_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote"
	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
)

// old is a server of provider.v1 as others wrote it: not idempotent, and not
// always truthful.
type old struct {
	providerv1.UnimplementedProviderServer
	valid *providerv1.ValidateResponse

	mu      sync.Mutex
	vms     map[string]*providerv1.VMInfo // by id
	denied  map[string]error              // by id: the answer of Describe; nil: exists=false
	hidden  map[string]bool               // by id: left out of the list
	made    int                           // creations that were begun
	create  func(*providerv1.CreateRequest) error
	changed func(id string) error // the answer of a change, instead of making it
	stay    bool                  // a change has no effect yet
}

func (o *old) register(s *grpc.Server) { providerv1.RegisterProviderServer(s, o) }

// registered is register for a server that is more than an old one.
func registered(impl providerv1.ProviderServer) func(*grpc.Server) {
	return func(s *grpc.Server) { providerv1.RegisterProviderServer(s, impl) }
}

func newOld(vms ...*providerv1.VMInfo) *old {
	o := &old{valid: &providerv1.ValidateResponse{Ok: true}, vms: map[string]*providerv1.VMInfo{}, denied: map[string]error{}, hidden: map[string]bool{}}
	for _, vm := range vms {
		o.vms[vm.Id] = vm
	}
	return o
}

func (o *old) Validate(context.Context, *providerv1.ValidateRequest) (*providerv1.ValidateResponse, error) {
	return o.valid, nil
}

func (o *old) ListVMs(context.Context, *providerv1.ListVMsRequest) (*providerv1.ListVMsResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := &providerv1.ListVMsResponse{}
	for id, vm := range o.vms {
		if !o.hidden[id] {
			r.Vms = append(r.Vms, vm)
		}
	}
	return r, nil
}

func (o *old) Describe(_ context.Context, req *providerv1.DescribeRequest) (*providerv1.DescribeResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err, denied := o.denied[req.Id]; denied {
		return &providerv1.DescribeResponse{}, err
	}
	vm := o.vms[req.Id]
	if vm == nil {
		return &providerv1.DescribeResponse{}, nil
	}
	return &providerv1.DescribeResponse{Exists: true, PowerState: vm.PowerState}, nil
}

func (o *old) Create(_ context.Context, req *providerv1.CreateRequest) (*providerv1.CreateResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.made++
	id := fmt.Sprintf("vm-%d", 100+o.made)
	if o.create != nil {
		if err := o.create(req); err != nil {
			return nil, err
		}
	}
	o.vms[id] = &providerv1.VMInfo{Id: id, Name: req.Name, PowerState: "Off", Cpu: 2, MemoryMib: 1024}
	return &providerv1.CreateResponse{Id: id}, nil
}

func (o *old) Power(_ context.Context, req *providerv1.PowerRequest) (*providerv1.TaskResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.changed != nil {
		if err := o.changed(req.Id); err != nil {
			return nil, err
		}
	}
	if o.stay {
		return &providerv1.TaskResponse{}, nil
	}
	o.vms[req.Id].PowerState = map[providerv1.PowerOp]string{providerv1.PowerOp_POWER_OP_ON: "On"}[req.Op]
	return &providerv1.TaskResponse{}, nil
}

func ownerOf(name string) providers.Owner {
	return providers.Owner{Fleet: fleet, VM: manifest.Key{Namespace: "default", Name: name}}
}

func named(name, id string) *providerv1.VMInfo {
	return &providerv1.VMInfo{Id: id, Name: name, PowerState: "Off", Cpu: 2, MemoryMib: 1024}
}

// entry is what a ledger has of a VM.
func entry(name, id string) providers.LedgerEntry {
	return providers.LedgerEntry{Name: name, ID: id, Mark: providers.Mark{Owner: ownerOf(name)}}
}

// oldClient returns a provider of a server of provider.v1, with a ledger.
func oldClient(t *testing.T, kind string, o *old, entries ...providers.LedgerEntry) (*remote.Provider, *remotetest.Ledger) {
	t.Helper()
	s := serve(t, o.register)
	l := &remotetest.Ledger{}
	for _, e := range entries {
		_ = l.Put(e)
	}
	return oldClientAt(t, kind, "unix://"+s.address, l), l
}

func oldClientAt(t *testing.T, kind, endpoint string, l *remotetest.Ledger) *remote.Provider {
	t.Helper()
	p, err := remote.New(providers.Settings{Fleet: fleet, Type: kind, Endpoint: endpoint, Ledger: l}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func createAt(t *testing.T, p *remote.Provider, name string) (providers.CreateResult, error) {
	t.Helper()
	vm := smallVM(manifest.Key{Namespace: "default", Name: name})
	vm.Image.VSphere, vm.Image.Proxmox = &manifest.VSphereImage{Template: "debian"}, &manifest.ProxmoxImage{TemplateID: 9000}
	return p.Create(t.Context(), providers.CreateRequest{Owner: ownerOf(name), VM: vm})
}

// entriesOf returns what a ledger has.
func entriesOf(l *remotetest.Ledger) map[providers.Owner]providers.LedgerEntry {
	all, _ := l.Load()
	out := make(map[providers.Owner]providers.LedgerEntry)
	for _, e := range all {
		out[e.Mark.Owner] = e
	}
	return out
}

// TestAbsenceIsLookedForTwice has servers say that a VM is not there.
func TestAbsenceIsLookedForTwice(t *testing.T) {
	plain := func(text string) error { return status.Error(codes.Unknown, text) }
	for _, row := range []struct {
		reason string
		kind   string
		denied error // nil: exists=false
		listed bool
		want   providers.Kind
	}{
		{"it says so, and does not list it", "vsphere", nil, false, providers.NotFound},
		{"it says so, and lists it", "vsphere", nil, true, providers.Retryable},
		{"its error says so, and it does not list it", "libvirt", plain("Domain not found: no domain with matching name 'vm-1'"), false, providers.NotFound},
		{"its error says so, and it lists it", "libvirt", plain("Domain not found: no domain with matching name 'vm-1'"), true, providers.Retryable},
		{"an error of a server that has a word for it", "vsphere", status.Error(codes.NotFound, "gone"), false, providers.Retryable},
		{"an error of another kind", "vsphere", plain("ServerFaultCode: The session is not authenticated."), false, providers.Unauthorized},
		{"an error that nobody knows", "vsphere", plain("what"), false, providers.Retryable},
	} {
		o := newOld(named("a", "vm-1"))
		o.denied["vm-1"], o.hidden["vm-1"] = row.denied, !row.listed
		p, l := oldClient(t, row.kind, o, entry("a", "vm-1"))
		for doing, err := range map[string]error{
			"describe by id":    second(p.Describe(t.Context(), providers.Ref{ID: "vm-1", Owner: ownerOf("a")})),
			"describe by owner": second(p.Describe(t.Context(), providers.Ref{Owner: ownerOf("a")})),
			"start":             second(p.Power(t.Context(), providers.Ref{Owner: ownerOf("a")}, providers.PowerStart)),
		} {
			if providers.KindOf(err) != row.want || providers.IsAbsent(err) != (row.want == providers.NotFound) {
				t.Errorf("%s: %s: %v, want kind %s", row.reason, doing, err, row.want)
			}
		}
		_, err := p.Delete(t.Context(), providers.Ref{Owner: ownerOf("a")})
		if (err == nil) != (row.want == providers.NotFound) || (err == nil) != (len(entriesOf(l)) == 0) {
			t.Errorf("%s: delete: %v, and the ledger has %d entries", row.reason, err, len(entriesOf(l)))
		}
	}
}

// second returns the error of two results.
func second[T any](_ T, err error) error { return err }

// TestListsThatLeaveOut has a server leave out a VM of ours, which is there,
// gone, or not to be read.
func TestListsThatLeaveOut(t *testing.T) {
	for _, row := range []struct {
		reason   string
		change   func(*old)
		complete bool
		vms      int
	}{
		{"nothing", func(*old) {}, true, 2},
		{"it is there", func(o *old) { o.hidden["vm-1"] = true }, false, 2},
		{"it is gone", func(o *old) { delete(o.vms, "vm-1") }, true, 1},
		{"it cannot be read", func(o *old) { o.hidden["vm-1"], o.denied["vm-1"] = true, status.Error(codes.Unknown, "broken") }, false, 1},
	} {
		o := newOld(named("a", "vm-1"), named("stranger", "vm-2"))
		row.change(o)
		p, _ := oldClient(t, "vsphere", o, entry("a", "vm-1"))
		inv, err := p.List(t.Context())
		if err != nil || inv.Complete != row.complete || len(inv.VMs) != row.vms || (len(inv.Problems) == 0) != row.complete {
			t.Errorf("%s: %+v, %v; want complete = %t and %d VMs", row.reason, inv, err, row.complete, row.vms)
			continue
		}
		for _, vm := range inv.VMs {
			if ours := vm.ID == "vm-1"; ours != (vm.Mark != nil) {
				t.Errorf("%s: %s has the mark %v", row.reason, vm.ID, vm.Mark)
			}
		}
	}
}

// TestNamesAreNotAdopted creates VMs whose names are taken, free, or ours.
func TestNamesAreNotAdopted(t *testing.T) {
	begun := func(ago time.Duration) providers.LedgerEntry {
		e := entry("a", "")
		e.Begun = time.Now().Add(-ago)
		return e
	}
	for _, row := range []struct {
		reason  string
		kind    string
		vms     []*providerv1.VMInfo
		entries []providers.LedgerEntry
		id      string // empty: it is refused
		want    providers.Kind
		made    int
	}{
		{"nobody has the name", "vsphere", nil, nil, "vm-101", "", 1},
		{"a stranger has it, or the ledger was lost", "vsphere", []*providerv1.VMInfo{named("a", "vm-1")}, nil, "", providers.Conflict, 0},
		{"we began to make it", "vsphere", []*providerv1.VMInfo{named("a", "vm-1")}, []providers.LedgerEntry{begun(time.Minute)}, "vm-1", "", 0},
		{"we began to make it long ago", "vsphere", []*providerv1.VMInfo{named("a", "vm-1")}, []providers.LedgerEntry{begun(48 * time.Hour)}, "", providers.Conflict, 0},
		{"two have it", "proxmox", []*providerv1.VMInfo{named("a", "100"), named("a", "101")}, []providers.LedgerEntry{begun(time.Minute)}, "", providers.Conflict, 0},
		{"it may be under way", "proxmox", nil, []providers.LedgerEntry{begun(time.Minute)}, "", providers.Retryable, 0},
		{"it cannot be under way any more", "proxmox", nil, []providers.LedgerEntry{begun(time.Hour)}, "vm-101", "", 1},
		{"it is ours", "vsphere", []*providerv1.VMInfo{named("a", "vm-1")}, []providers.LedgerEntry{entry("a", "vm-1")}, "vm-1", "", 0},
		{"ours is gone", "vsphere", nil, []providers.LedgerEntry{entry("a", "vm-1")}, "vm-101", "", 1},
		{"ours is gone, and a stranger has its name", "vsphere", []*providerv1.VMInfo{named("a", "vm-9")}, []providers.LedgerEntry{entry("a", "vm-1")}, "", providers.Conflict, 0},
	} {
		o := newOld(row.vms...)
		p, l := oldClient(t, row.kind, o, row.entries...)
		res, err := createAt(t, p, "a")
		if res.ID != row.id || providers.KindOf(err) != row.want || o.made != row.made {
			t.Errorf("%s: %q, %v, %d were made; want %q, kind %q, %d", row.reason, res.ID, err, o.made, row.id, row.want, row.made)
		}
		if row.id != "" && entriesOf(l)[ownerOf("a")].ID != row.id {
			t.Errorf("%s: the ledger has %+v", row.reason, entriesOf(l))
		}
	}
}

// TestCreationsWithoutAnAnswer loses the connection while a VM is made: it is
// made once, whether or not the server went on.
func TestCreationsWithoutAnAnswer(t *testing.T) {
	for _, goesOn := range []bool{true, false} {
		o := newOld()
		s := serve(t, o.register)
		line := remotetest.NewLine(t, s.network, s.address)
		o.create = func(*providerv1.CreateRequest) error {
			line.Drop()
			if goesOn {
				return nil
			}
			return status.Error(codes.Canceled, "the client is gone")
		}
		l := &remotetest.Ledger{}
		p := oldClientAt(t, "vsphere", line.Endpoint(), l)
		if _, err := createAt(t, p, "a"); providers.KindOf(err) != providers.Unavailable {
			t.Fatalf("a creation whose connection was lost: %v", err)
		}
		again := oldClientAt(t, "vsphere", line.Endpoint(), l) // as after kill -9
		o.mu.Lock()
		o.create = nil
		o.mu.Unlock()
		res, err := createAt(t, again, "a")
		if goesOn && (err != nil || res.ID != "vm-101") || !goesOn && providers.KindOf(err) != providers.Retryable {
			t.Errorf("again, the server went on = %t: %+v, %v", goesOn, res, err)
		}
		if o.made != 1 {
			t.Errorf("the server was asked to make %d VMs", o.made)
		}
	}
}

// TestRefusedCreationsLeaveNoClaim has a server refuse a creation: whoever gets
// the name then is not taken for ours.
func TestRefusedCreationsLeaveNoClaim(t *testing.T) {
	o := newOld()
	o.create = func(*providerv1.CreateRequest) error { return status.Error(codes.InvalidArgument, "no") }
	p, l := oldClient(t, "vsphere", o)
	if _, err := createAt(t, p, "a"); providers.KindOf(err) != providers.InvalidSpec {
		t.Errorf("a refused creation: %v", err)
	}
	if len(entriesOf(l)) != 0 {
		t.Errorf("the ledger has %+v", entriesOf(l))
	}
	o.mu.Lock()
	o.create, o.vms["vm-7"] = nil, named("a", "vm-7")
	o.mu.Unlock()
	if _, err := createAt(t, p, "a"); providers.KindOf(err) != providers.Conflict {
		t.Errorf("a name that somebody else has by now: %v", err)
	}
}

// TestPowerIsReadBack has a server call it an error that a VM is in the state
// already.
func TestPowerIsReadBack(t *testing.T) {
	o := newOld(named("a", "vm-1"))
	o.changed = func(id string) error {
		o.vms[id].PowerState = "On" // by somebody else, a moment before
		return status.Error(codes.Unknown, "The attempted operation cannot be performed in the current state (Powered on).")
	}
	p, _ := oldClient(t, "vsphere", o, entry("a", "vm-1"))
	ref := providers.Ref{Owner: ownerOf("a")}
	if _, err := p.Power(t.Context(), ref, providers.PowerStart); err != nil {
		t.Errorf("start of a VM that runs: %v", err)
	}
	if _, err := p.Power(t.Context(), ref, providers.PowerStop); providers.KindOf(err) != providers.Conflict {
		t.Errorf("a stop that failed, of a VM that runs: %v", err)
	}
	stranger := providers.Ref{ID: "vm-1", Owner: ownerOf("b")}
	if _, err := p.Power(t.Context(), stranger, providers.PowerStart); providers.KindOf(err) != providers.Conflict {
		t.Errorf("a start of another's VM: %v", err)
	}
}

// TestServersWithoutMarksNeedALedger refuses to work without one.
func TestServersWithoutMarksNeedALedger(t *testing.T) {
	s := serve(t, newOld().register)
	p := client(t, "vsphere", "unix://"+s.address, nil)
	if err := p.Validate(t.Context()); providers.KindOf(err) != providers.InvalidSpec || !strings.Contains(err.Error(), "remember") {
		t.Errorf("without a ledger: %v", err)
	}
}

// TestWhatTheServerSaysOfItself classifies the answers of Validate.
func TestWhatTheServerSaysOfItself(t *testing.T) {
	for text, want := range map[string]providers.Kind{
		"incorrect user name or password":          providers.Unauthorized,
		"dial tcp: connect: connection refused":    providers.Unavailable,
		"something of which nobody has ever heard": providers.Unavailable,
	} {
		o := newOld()
		o.valid = &providerv1.ValidateResponse{Message: text}
		p, _ := oldClient(t, "vsphere", o)
		if err := p.Validate(t.Context()); providers.KindOf(err) != want || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v, of kind %s; want %s", text, err, providers.KindOf(err), want)
		}
	}
}

// TestPartsThatAreNotThere asks for what provider.v1 has no word for.
func TestPartsThatAreNotThere(t *testing.T) {
	p, _ := oldClient(t, "vsphere", newOld(named("a", "vm-1")), entry("a", "vm-1"))
	ref := providers.Ref{Owner: ownerOf("a")}
	tags := []string{"x"}
	for doing, err := range map[string]error{
		"watch":      p.Watch(t.Context(), func() {}, func(...string) {}),
		"sweep":      p.Sweep(t.Context(), providers.Leftover{ID: "x", Owner: ref.Owner}),
		"snapshots":  second(p.Snapshots(t.Context(), ref)),
		"take":       second(p.TakeSnapshot(t.Context(), ref, providers.SnapshotRequest{Name: "s"})),
		"revert":     second(p.RevertSnapshot(t.Context(), ref, "s")),
		"drop":       second(p.DropSnapshot(t.Context(), ref, "s")),
		"tags":       second(p.Reconfigure(t.Context(), ref, providers.Change{Tags: &tags})),
		"a new name": second(p.Reconfigure(t.Context(), ref, providers.Change{Name: new("b")})),
	} {
		if providers.KindOf(err) != providers.NotSupported {
			t.Errorf("%s: %v, want NotSupported", doing, err)
		}
	}
	if caps := p.Capabilities(); caps.Change[providers.FieldCPU] != providers.Restart || caps.Change[providers.FieldTags] != "" {
		t.Errorf("capabilities: %+v", caps.Change)
	}
}
