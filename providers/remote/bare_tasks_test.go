package remote_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote"
	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

// slow is an old server that deletes and restarts by tasks.
type slow struct {
	*old
	state func(id string) (*providerv1.TaskStatusResponse, error)
	asked []string
}

func (s *slow) Delete(context.Context, *providerv1.DeleteRequest) (*providerv1.TaskResponse, error) {
	return &providerv1.TaskResponse{Task: &providerv1.TaskRef{Id: "task-1"}}, nil
}

func (s *slow) TaskStatus(_ context.Context, req *providerv1.TaskStatusRequest) (*providerv1.TaskStatusResponse, error) {
	s.asked = append(s.asked, req.GetTask().GetId())
	return s.state(req.GetTask().GetId())
}

// TestTasksOfOldServers asks after a deletion that goes on.
func TestTasksOfOldServers(t *testing.T) {
	o := newOld(named("a", "100"))
	s := &slow{old: o}
	l := &remotetest.Ledger{}
	_ = l.Put(entry("a", "100"))
	p := oldClientAt(t, "proxmox", "unix://"+serve(t, registered(s)).address, l)
	task, err := p.Delete(t.Context(), providers.Ref{Owner: ownerOf("a")})
	if err != nil || task == "" {
		t.Fatalf("delete: %q, %v", task, err)
	}
	for _, row := range []struct {
		reason string
		task   providers.TaskRef
		answer *providerv1.TaskStatusResponse
		err    error
		done   bool
		kind   providers.Kind
		left   int // entries of the ledger
	}{
		{"it goes on", task, &providerv1.TaskStatusResponse{}, nil, false, "", 1},
		{"nobody can look", task, nil, status.Error(codes.Internal, "status 595"), false, providers.Unavailable, 1},
		{"it ended badly", task, &providerv1.TaskStatusResponse{Done: true, Error: "can't lock file"}, nil, true, providers.Retryable, 1},
		{"it is done, and the VM is there", task, &providerv1.TaskStatusResponse{Done: true}, nil, true, "", 1},
		{"of another protocol", "UPID:pve:1", nil, errors.New("not asked"), true, "", 1},
		{"none", "", nil, errors.New("not asked"), true, "", 1},
	} {
		s.state = func(string) (*providerv1.TaskStatusResponse, error) { return row.answer, row.err }
		done, err := p.IsTaskComplete(t.Context(), row.task)
		if done != row.done || providers.KindOf(err) != row.kind || len(entriesOf(l)) != row.left {
			t.Errorf("%s: %t, %v, %d entries; want %t, kind %q, %d", row.reason, done, err, len(entriesOf(l)), row.done, row.kind, row.left)
		}
	}
	o.mu.Lock()
	delete(o.vms, "100")
	o.mu.Unlock()
	s.state = func(string) (*providerv1.TaskStatusResponse, error) {
		return &providerv1.TaskStatusResponse{Done: true}, nil
	}
	if done, err := p.IsTaskComplete(t.Context(), task); !done || err != nil || len(entriesOf(l)) != 0 {
		t.Errorf("it is done, and the VM is gone: %t, %v, %d entries", done, err, len(entriesOf(l)))
	}
	for _, id := range s.asked {
		if id != "task-1" {
			t.Errorf("the server was asked after the task %q", id)
		}
	}
}

// TestShutdownsAreWatched asks a guest to shut down, which says by its state
// when it has.
func TestShutdownsAreWatched(t *testing.T) {
	vm := named("a", "a")
	vm.PowerState = "On"
	o := newOld(vm)
	o.changed = func(string) error { return nil }
	p, _ := oldClient(t, "libvirt", o, entry("a", "a"))
	o.stay = true
	task, err := p.Power(t.Context(), providers.Ref{Owner: ownerOf("a")}, providers.PowerShutdown)
	if err != nil || task == "" {
		t.Fatalf("shutdown: %q, %v", task, err)
	}
	if done, err := p.IsTaskComplete(t.Context(), task); done || err != nil {
		t.Errorf("the guest runs: %t, %v", done, err)
	}
	o.mu.Lock()
	vm.PowerState = "Off"
	o.mu.Unlock()
	if done, err := p.IsTaskComplete(t.Context(), task); !done || err != nil {
		t.Errorf("the guest is off: %t, %v", done, err)
	}
	o.mu.Lock()
	delete(o.vms, "a")
	o.denied["a"] = status.Error(codes.Unknown, "Domain not found: no domain with matching name 'a'")
	o.mu.Unlock()
	if done, err := p.IsTaskComplete(t.Context(), task); !done || err != nil {
		t.Errorf("the VM is gone: %t, %v", done, err)
	}
}

// TestNamesThatListsLeaveOut creates a VM whose name is taken by one that the
// server describes and does not list.
func TestNamesThatListsLeaveOut(t *testing.T) {
	absent := status.Error(codes.Unknown, "Domain not found: no domain with matching name 'a'")
	for _, row := range []struct {
		reason string
		denied error // nil: it is described
		want   providers.Kind
		made   int
	}{
		{"it is described", nil, providers.Conflict, 0},
		{"nobody can look", status.Error(codes.Unknown, "Failed to connect to the hypervisor"), providers.Unavailable, 0},
		{"it is not there", absent, "", 1},
	} {
		o := newOld(named("a", "a"))
		o.hidden["a"] = true
		if row.denied != nil {
			o.denied["a"] = row.denied
		}
		p, _ := oldClient(t, "libvirt", o)
		_, err := createAt(t, p, "a")
		if providers.KindOf(err) != row.want || o.made != row.made {
			t.Errorf("%s: %v, %d were made; want kind %q, %d", row.reason, err, o.made, row.want, row.made)
		}
	}
}

// full is a ledger on a disk that is full.
type full struct{ remotetest.Ledger }

func (*full) Put(providers.LedgerEntry) error { return errors.New("no space left on device") }

// TestNothingIsMadeThatCannotBeWrittenDown creates a VM while the ledger cannot
// be written.
func TestNothingIsMadeThatCannotBeWrittenDown(t *testing.T) {
	o := newOld()
	p, err := remote.New(providers.Settings{
		Fleet: fleet, Type: "vsphere", Endpoint: "unix://" + serve(t, o.register).address, Ledger: &full{},
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := createAt(t, p, "a"); err == nil || o.made != 0 {
		t.Errorf("%v, %d were made", err, o.made)
	}
}

// TestProgress passes on how far a task has come.
func TestProgress(t *testing.T) {
	answer := &stewardv1.TaskStateResponse{}
	f := &fake{kind: "memory", task: func() *stewardv1.TaskStateResponse { return answer }}
	p := client(t, "memory", "unix://"+serve(t, f.register).address, nil)
	for _, row := range []struct {
		reason  string
		answer  *stewardv1.TaskStateResponse
		percent int
		known   bool
	}{
		{"nobody knows", &stewardv1.TaskStateResponse{}, 0, false},
		{"a part", &stewardv1.TaskStateResponse{Percent: new(int64(40))}, 40, true},
		{"more than all, which is not said", &stewardv1.TaskStateResponse{Percent: new(int64(140))}, 40, true},
		{"done", &stewardv1.TaskStateResponse{Done: true, Percent: new(int64(100))}, 0, false},
	} {
		answer = row.answer
		done, err := p.IsTaskComplete(t.Context(), "t")
		percent, known := p.TaskProgress("t")
		if err != nil || done != row.answer.Done || percent != row.percent || known != row.known {
			t.Errorf("%s: %t, %v, %d%%, %t", row.reason, done, err, percent, known)
		}
	}
}
