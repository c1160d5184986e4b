package vcsim

import (
	"context"
	"net/url"
	"runtime"
	"testing"
	"time"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/find"
)

// TestNothingIsLeftOfAServer: programs that start many of them live on.
func TestNothingIsLeftOfAServer(t *testing.T) {
	visit := func() {
		s, err := Start(Options{Bare: true})
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(s.URL())
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(s.opts.Username, s.opts.Password)
		for range 10 {
			c, err := govmomi.NewClient(context.Background(), u, true)
			if err != nil {
				t.Fatal(err)
			}
			s.EndSessions()
			c.CloseIdleConnections()
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	visit()
	before := runtime.NumGoroutine()
	visit()
	for runtime.NumGoroutine() > before { // the test's own limit ends this
		<-time.After(time.Millisecond)
	}
}

func TestItIsThereWithItsInventory(t *testing.T) {
	s := New(t, Options{Datacenters: 2})
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(s.opts.Username, s.opts.Password)
	ctx := context.Background()
	c, err := govmomi.NewClient(ctx, u, true)
	if err != nil {
		t.Fatal(err)
	}
	finder := find.NewFinder(c.Client)
	for _, p := range []string{
		"/DC0/vm/templates/template", "/DC1/vm/templates/template-snapshot", "/DC0/vm/apps",
		"/DC0/host/DC0_C0/Resources/DC0_C0_RP1", "/DC1/datastore/LocalDS_1", "/DC0/datastore/DC0_POD0/DC0_POD0_DS1",
		"/DC0/network/VM Network", "/DC1/network/DC1_DVPG1", "/DC0/network/DVS0",
	} {
		found, err := finder.ManagedObjectList(ctx, p)
		if err != nil || len(found) != 1 {
			t.Errorf("%s: %v, %v; want one object", p, found, err)
		}
	}
	if got := s.Calls()["Login"]; got != 1 {
		t.Errorf("Login was counted %d times, want 1", got)
	}
	s.EndSessions()
	if _, err := finder.VirtualMachineList(ctx, "/DC0/vm/..."); err == nil {
		t.Error("a call without a session succeeded")
	}
}
