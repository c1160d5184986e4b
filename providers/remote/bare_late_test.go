package remote_test

import (
	"context"
	"testing"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/remotetest"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
)

// late is an old server whose VMs are there only when the task that makes them
// is done.
type late struct{ *slow }

func (l *late) Create(ctx context.Context, req *providerv1.CreateRequest) (*providerv1.CreateResponse, error) {
	res, err := l.old.Create(ctx, req)
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.denied[res.Id], l.hidden[res.Id] = nil, true
		res.Task = &providerv1.TaskRef{Id: "task-1"}
	}
	return res, err
}

// TestCreationsUnderWay asks again for a VM that is being made, which nobody
// can see yet: it stays ours, and is made once.
func TestCreationsUnderWay(t *testing.T) {
	s := &late{&slow{old: newOld()}}
	l := &remotetest.Ledger{}
	endpoint := "unix://" + serve(t, registered(s)).address
	p := oldClientAt(t, "proxmox", endpoint, l)
	begun, err := createAt(t, p, "a")
	if err != nil || begun.ID == "" || begun.Task == "" {
		t.Fatalf("a creation: %+v, %v", begun, err)
	}
	again := oldClientAt(t, "proxmox", endpoint, l) // as after kill -9
	if res, err := createAt(t, again, "a"); providers.KindOf(err) != providers.Retryable {
		t.Errorf("again, while it is made: %+v, %v", res, err)
	}
	s.mu.Lock()
	clear(s.denied)
	clear(s.hidden)
	s.mu.Unlock()
	if res, err := createAt(t, again, "a"); err != nil || res.ID != begun.ID {
		t.Errorf("again, when it is there: %+v, %v; want %s", res, err, begun.ID)
	}
	if s.made != 1 {
		t.Errorf("the server was asked to make %d VMs", s.made)
	}
}

// TestCreationsThatEndedBadly asks again for a VM whose task failed: nothing
// goes on any more.
func TestCreationsThatEndedBadly(t *testing.T) {
	s := &late{&slow{old: newOld()}}
	p := oldClientAt(t, "proxmox", "unix://"+serve(t, registered(s)).address, &remotetest.Ledger{})
	begun, err := createAt(t, p, "a")
	if err != nil {
		t.Fatal(err)
	}
	s.state = func(string) (*providerv1.TaskStatusResponse, error) {
		return &providerv1.TaskStatusResponse{Done: true, Error: "no space left on device"}, nil
	}
	if done, err := p.IsTaskComplete(t.Context(), begun.Task); !done || err == nil {
		t.Fatalf("a task that failed: %t, %v", done, err)
	}
	s.mu.Lock()
	clear(s.old.vms)
	s.mu.Unlock()
	res, err := createAt(t, p, "a")
	if err != nil || res.ID == begun.ID || s.made != 2 {
		t.Errorf("again: %+v, %v, the server was asked to make %d VMs", res, err, s.made)
	}
}
