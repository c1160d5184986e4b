package vsphere

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// listener is a Watch under way.
type listener struct {
	y    *yard
	end  chan error    // what Watch returned
	stop func()        // ends its context
	news chan struct{} // has room for one: something was told

	mu    sync.Mutex
	ready bool
	ids   []string // told since the last forget
}

// listen begins a Watch and waits until it is ready.
func (y *yard) listen() *listener {
	y.t.Helper()
	ctx, stop := context.WithCancel(y.ctx)
	l := &listener{y: y, end: make(chan error, 1), stop: stop, news: make(chan struct{}, 1)}
	begun := make(chan struct{})
	go func() {
		l.end <- y.p.Watch(ctx, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.ready = true
			close(begun)
		}, l.changed)
	}()
	y.t.Cleanup(func() { stop(); l.ended(); l.end <- nil })
	select {
	case <-begun:
	case err := <-l.end:
		l.end <- err
		y.t.Fatalf("watch: %v", err)
	}
	return l
}

func (l *listener) changed(ids ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ready {
		l.y.t.Errorf("%q was told before ready", ids)
	}
	l.ids = append(l.ids, ids...)
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// ended waits for the end of the Watch and returns its error.
func (l *listener) ended() error {
	l.y.t.Helper()
	select {
	case err := <-l.end:
		return err
	case <-time.After(10 * time.Second):
		l.y.t.Error("watch goes on")
		return nil
	}
}

func (l *listener) told(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Contains(l.ids, id)
}

func (l *listener) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids = nil
}

// expect waits until the id is told; a second is the promise.
func (l *listener) expect(what, id string) {
	l.y.t.Helper()
	late := time.After(time.Second)
	for !l.told(id) {
		select {
		case <-l.news:
		case <-late:
			l.mu.Lock()
			defer l.mu.Unlock()
			l.y.t.Errorf("%s: %q was not told within a second, but %q", what, id, l.ids)
			return
		}
	}
}

func TestWatchTellsOfEveryChange(t *testing.T) {
	y := newYard(t, vcsim.Options{})
	vm := y.make("web", marked(markFor("web", markDisk{Name: "root", At: "scsi0:0", Made: true})), disk(0, ""))
	y.make("other", marked(markFor("other")))
	id := owner("web").UUID().String()
	l := y.listen()
	spec := func(s types.VirtualMachineConfigSpec) func() { return func() { y.reconfigure(vm, s) } }
	act := func(begin func(context.Context) (*object.Task, error)) func() {
		return func() {
			task, err := begin(y.ctx)
			y.done(task, err)
		}
	}
	var more types.VirtualMachineConfigSpec
	disk(1, "")(&more)
	more.DeviceChange[0].GetVirtualDeviceConfigSpec().Device.GetVirtualDevice().ControllerKey = 1000
	for _, row := range []struct {
		what string
		do   func()
	}{
		{"CPU", spec(types.VirtualMachineConfigSpec{NumCPUs: 2})},
		{"memory", spec(types.VirtualMachineConfigSpec{MemoryMB: 1024})},
		{"a disk", spec(more)},
		{"an interface", spec(types.VirtualMachineConfigSpec{DeviceChange: []types.BaseVirtualDeviceConfigSpec{
			&types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationAdd, Device: aCard(-300, "", "VM Network")},
		}})},
		{"a key of extraConfig", spec(types.VirtualMachineConfigSpec{ExtraConfig: []types.BaseOptionValue{&types.OptionValue{Key: "a", Value: "b"}}})},
		{"the mark", spec(types.VirtualMachineConfigSpec{ExtraConfig: []types.BaseOptionValue{&types.OptionValue{Key: markKey, Value: ""}}})},
		{"a rename", act(func(ctx context.Context) (*object.Task, error) { return vm.Rename(ctx, "www") })},
		{"a start", act(vm.PowerOn)},
		{"an address", spec(types.VirtualMachineConfigSpec{ExtraConfig: []types.BaseOptionValue{&types.OptionValue{Key: "SET.guest.ipAddress", Value: "10.0.0.9"}}})},
		{"a pause", act(vm.Suspend)},
		{"a resume", act(vm.PowerOn)},
		{"a stop", act(vm.PowerOff)},
	} {
		l.forget()
		row.do()
		l.expect(row.what, id)
	}
	if l.told(owner("other").UUID().String()) {
		t.Error("a VM was told of that nobody touched")
	}
}

func TestWatchTellsWhoCameAndWent(t *testing.T) {
	y := newYard(t, vcsim.Options{Datacenters: 2})
	for _, name := range []string{"a", "b", "c"} {
		y.make(name, marked(markFor(name)))
	}
	l := y.listen()
	vm := y.make("web", marked(markFor("web")))
	l.expect("a new VM", owner("web").UUID().String())
	l.mu.Lock()
	if n := len(l.ids); n > 2 { // made, and then given what it consists of
		t.Errorf("one VM was made, and %q were told", l.ids)
	}
	l.mu.Unlock()
	if at, known := y.p.directory.find(owner("web").UUID().String()); !known || at != vm.Reference() {
		t.Errorf("what was told is not remembered: %v, %t", at, known)
	}
	y.makeIn("DC1", "far", marked(markFor("far")))
	l.expect("a new VM in another datacenter", owner("far").UUID().String())
	l.forget()
	task, err := vm.Destroy(y.ctx)
	y.done(task, err)
	l.expect("a removal", owner("web").UUID().String())
	if _, known := y.p.directory.find(owner("web").UUID().String()); known {
		t.Error("a VM that has gone is remembered")
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	y := newYard(t, vcsim.Options{Bare: true})
	for _, stalled := range []bool{false, true} {
		l := y.listen()
		if stalled {
			y.Stall()
		}
		begun := time.Now()
		l.stop()
		err := l.ended()
		if took := time.Since(begun); !errors.Is(err, context.Canceled) || took > farewell+time.Second {
			t.Errorf("stalled = %t: watch ended after %v with %v, want the context's error at once", stalled, took, err)
		}
		l.end <- nil
	}
	y.Release()
}

func TestWatchEndsWithTheConnection(t *testing.T) {
	y := newYard(t, vcsim.Options{Bare: true})
	l := y.listen()
	y.Cut()
	err := l.ended()
	y.Restore()
	wantKind(t, "the line is cut", err, providers.Unavailable, "")
	l.end <- nil
	y.listen()
}

func TestWatchEndsWithTheSession(t *testing.T) {
	y := newYard(t, vcsim.Options{Bare: true})
	vm := y.make("web", marked(markFor("web")))
	l := y.listen()
	y.EndSessions()
	y.reconfigure(vm, types.VirtualMachineConfigSpec{NumCPUs: 2})
	err := l.ended()
	wantKind(t, "the session has ended", err, providers.Unavailable, "the event stream was lost: vCenter has forgotten")
	l.end <- nil
	again := y.listen()
	y.reconfigure(vm, types.VirtualMachineConfigSpec{NumCPUs: 3})
	again.expect("after another session began", owner("web").UUID().String())
}
