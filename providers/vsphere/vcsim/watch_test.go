package vcsim

import (
	"context"
	"testing"
	"time"

	"github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// stream returns a collector that tells of the names of a VM.
func (v *visit) collector(vm types.ManagedObjectReference) *property.Collector {
	v.t.Helper()
	ctx := context.Background()
	pc, err := property.DefaultCollector(v.c.Client).Create(ctx)
	v.ok("collector", err)
	_, err = pc.CreateFilter(ctx, types.CreateFilter{Spec: types.PropertyFilterSpec{
		ObjectSet: []types.ObjectSpec{{Obj: vm}},
		PropSet:   []types.PropertySpec{{Type: "VirtualMachine", PathSet: []string{"name", "runtime.powerState"}}},
	}})
	v.ok("filter", err)
	return pc
}

func (v *visit) wait(ctx context.Context, pc *property.Collector, version string, seconds int32) (*types.UpdateSet, error) {
	res, err := methods.WaitForUpdatesEx(ctx, v.c.Client, &types.WaitForUpdatesEx{
		This: pc.Reference(), Version: version, Options: &types.WaitOptions{MaxWaitSeconds: &seconds},
	})
	if err != nil {
		return nil, err
	}
	return res.Returnval, nil
}

func TestAStreamIsResumedWhereItWasLeft(t *testing.T) {
	v := call(t, Options{})
	ctx := context.Background()
	refs, err := v.s.AddVMs(1, nil)
	v.ok("machine", err)
	pc := v.collector(refs[0])
	first, err := v.wait(ctx, pc, "", 0)
	v.ok("first", err)
	rename := func(name string) {
		ctx := v.s.context()
		vm, _ := machine(ctx, refs[0])
		ctx.WithLock(vm, func() { ctx.Update(vm, []types.PropertyChange{{Name: "name", Val: name}}) })
	}
	rename("b")
	second, err := v.wait(ctx, pc, first.Version, 5)
	v.ok("second", err)
	again, err := v.wait(ctx, pc, first.Version, 0)
	v.ok("second, once more", err)
	if again == nil || again.Version != second.Version || len(again.FilterSet) != len(second.FilterSet) {
		t.Errorf("an answer that was lost is not told again: %+v, want %+v", again, second)
	}
	if none, err := v.wait(ctx, pc, second.Version, 0); err != nil || none != nil {
		t.Errorf("when nothing happens: %+v, %v", none, err)
	}
	rename("c")
	third, err := v.wait(ctx, pc, second.Version, 5)
	v.ok("third", err)
	if _, err := v.wait(ctx, pc, first.Version, 0); !fault.Is(err, &types.InvalidCollectorVersion{}) {
		t.Errorf("a version of long ago: %v, want InvalidCollectorVersion; now it is %s", err, third.Version)
	}
}

func TestAStreamEndsWithItsSession(t *testing.T) {
	v := call(t, Options{})
	refs, err := v.s.AddVMs(1, nil)
	v.ok("machine", err)
	pc := v.collector(refs[0])
	first, err := v.wait(context.Background(), pc, "", 0)
	v.ok("first", err)
	ended := make(chan error, 1)
	go func() {
		_, err := v.wait(context.Background(), pc, first.Version, 600)
		ended <- err
	}()
	for v.s.Calls()["WaitForUpdatesEx"] < 2 {
		<-time.After(time.Millisecond)
	}
	v.s.EndSessions()
	if err := <-ended; !fault.Is(err, &types.NotAuthenticated{}) {
		t.Errorf("the wait ended with %v, want NotAuthenticated", err)
	}
}

func TestAStreamEndsWithItsCaller(t *testing.T) {
	v := call(t, Options{})
	refs, err := v.s.AddVMs(1, nil)
	v.ok("machine", err)
	pc := v.collector(refs[0])
	first, err := v.wait(context.Background(), pc, "", 0)
	v.ok("first", err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := v.wait(ctx, pc, first.Version, 600)
		ended <- err
	}()
	for v.s.waiting() == 0 {
		<-time.After(time.Millisecond)
	}
	cancel()
	<-ended
	for v.s.waiting() > 0 { // the test's own limit ends this
		<-time.After(time.Millisecond)
	}
}

// waiting returns how many waits are under way.
func (s *Server) waiting() (n int) {
	s.waits.mu.Lock()
	defer s.waits.mu.Unlock()
	for _, st := range s.waits.streams {
		st.mu.Lock()
		if st.cancel != nil {
			n++
		}
		st.mu.Unlock()
	}
	return n
}

func TestManyMachinesAreMadeFast(t *testing.T) {
	s := New(t, Options{Datacenters: 2})
	begun := time.Now()
	refs, err := s.AddVMs(200, func(i int, spec *types.VirtualMachineConfigSpec) { spec.NumCPUs = 3 })
	if err != nil || len(refs) != 200 {
		t.Fatalf("%d machines, %v", len(refs), err)
	}
	t.Logf("200 machines in %s", time.Since(begun).Round(time.Millisecond))
}

func TestALibraryHasItsItems(t *testing.T) {
	s := New(t, Options{})
	if err := s.AddLibrary("images", "linux", "windows"); err != nil {
		t.Fatal(err)
	}
	if n := s.Total(); n != 0 {
		t.Errorf("%d calls were counted: %v", n, s.Calls())
	}
}
