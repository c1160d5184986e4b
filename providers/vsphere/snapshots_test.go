package vsphere

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

func (y *yard) take(name string, req providers.SnapshotRequest) {
	y.t.Helper()
	if err := y.finish(y.p.TakeSnapshot(y.ctx, refTo(name), req)); err != nil {
		y.t.Fatal(err)
	}
}

func (y *yard) snapshots(name string) []providers.Snapshot {
	y.t.Helper()
	got, err := y.p.Snapshots(y.ctx, refTo(name))
	if err != nil {
		y.t.Fatal(err)
	}
	return got
}

func TestSnapshots(t *testing.T) {
	y := newYard(t, vcsim.Options{})
	vm := y.make("web", marked(markFor("web")))
	if got := y.snapshots("web"); len(got) > 0 {
		t.Errorf("a new VM has snapshots: %+v", got)
	}
	y.take("web", providers.SnapshotRequest{Name: "one", Description: "the first"})
	task, err := vm.PowerOn(y.ctx)
	y.done(task, err)
	y.take("web", providers.SnapshotRequest{Name: "two", Memory: true})
	y.take("web", providers.SnapshotRequest{Name: "one", Description: "again"})
	taken := cmpopts.IgnoreFields(providers.Snapshot{}, "Taken")
	want := []providers.Snapshot{
		{Name: "one", Description: "the first", Power: providers.Off},
		{Name: "two", Parent: "one", Power: providers.On, Current: true},
	}
	got := y.snapshots("web")
	if d := cmp.Diff(want, got, taken); d != "" {
		t.Errorf("snapshots (-want +got):\n%s", d)
	}
	if at := got[0].Taken; time.Since(at) > time.Minute || at.Location() != time.UTC {
		t.Errorf("taken at %v", at)
	}
	if err := y.finish(y.p.RevertSnapshot(y.ctx, refTo("web"), "one")); err != nil {
		t.Fatal(err)
	}
	want[0].Current, want[1].Current = true, false
	if d := cmp.Diff(want, y.snapshots("web"), taken); d != "" {
		t.Errorf("after a revert (-want +got):\n%s", d)
	}
	if err := y.finish(y.p.RevertSnapshot(y.ctx, refTo("web"), "two")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one", "one", "never"} {
		if err := y.finish(y.p.DropSnapshot(y.ctx, refTo("web"), name)); err != nil {
			t.Errorf("drop %s: %v", name, err)
		}
	}
	want = []providers.Snapshot{{Name: "two", Power: providers.On, Current: true}}
	if d := cmp.Diff(want, y.snapshots("web"), taken); d != "" {
		t.Errorf("after a drop (-want +got):\n%s", d)
	}
}

func TestSnapshotsRefuse(t *testing.T) {
	y := newYard(t, vcsim.Options{})
	vm := y.make("web", marked(markFor("web")))
	for range 2 {
		task, err := vm.CreateSnapshot(y.ctx, "twin", "", false, false)
		y.done(task, err)
	}
	task, err := vm.PowerOn(y.ctx)
	y.done(task, err)
	y.tools(vm, types.VirtualMachineToolsRunningStatusGuestToolsNotRunning)
	y.make("stranger")
	stranger := providers.Ref{ID: y.id("stranger"), Owner: owner("stranger")}
	take := func(ref providers.Ref, req providers.SnapshotRequest) func() error {
		return func() error { return y.finish(y.p.TakeSnapshot(y.ctx, ref, req)) }
	}
	for _, row := range []struct {
		act    func() error
		kind   providers.Kind
		says   string
		reason string
	}{
		{take(refTo("web"), providers.SnapshotRequest{}), providers.InvalidSpec, "no name", "a snapshot needs a name"},
		{take(refTo("web"), providers.SnapshotRequest{Name: "a", Memory: true, Quiesce: true}), providers.InvalidSpec, "one of the two", "both cannot be had"},
		{take(refTo("web"), providers.SnapshotRequest{Name: "a", Quiesce: true}), providers.Retryable, "tools do not run", "nobody would ask the guest"},
		{take(refTo("web"), providers.SnapshotRequest{Name: "twin"}), providers.Conflict, "several", "which is meant is not guessed"},
		{take(stranger, providers.SnapshotRequest{Name: "a"}), providers.Conflict, "mark", "it is not ours"},
		{func() error { return y.finish(y.p.RevertSnapshot(y.ctx, refTo("web"), "never")) }, providers.NotFound, "snapshot never", "there is none"},
		{func() error { return y.finish(y.p.RevertSnapshot(y.ctx, refTo("web"), "twin")) }, providers.Conflict, "several", "there are two"},
		{func() error { return y.finish(y.p.DropSnapshot(y.ctx, refTo("web"), "twin")) }, providers.Conflict, "several", "there are two"},
		{func() error { return y.finish(y.p.DropSnapshot(y.ctx, stranger, "a")) }, providers.Conflict, "mark", "it is not ours"},
	} {
		err := row.act()
		wantKind(t, row.reason, err, row.kind, row.says)
		if providers.IsAbsent(err) {
			t.Errorf("%s: a snapshot that is missing makes the VM look absent", row.reason)
		}
	}
	y.tools(vm, types.VirtualMachineToolsRunningStatusGuestToolsRunning)
	y.take("web", providers.SnapshotRequest{Name: "quiet", Quiesce: true})
	if got := y.snapshots("web"); len(got) != 3 || !got[2].Quiesced {
		t.Errorf("snapshots: %+v; want a quiesced one last", got)
	}
}

// tools says whether the guest's tools run.
func (y *yard) tools(vm *object.VirtualMachine, status types.VirtualMachineToolsRunningStatus) {
	y.t.Helper()
	y.reconfigure(vm, types.VirtualMachineConfigSpec{ExtraConfig: []types.BaseOptionValue{
		&types.OptionValue{Key: "SET.guest.toolsRunningStatus", Value: string(status)},
	}})
}
