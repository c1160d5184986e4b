package providertest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

func snapshotChecks() []Check {
	return []Check{{
		"snapshots-are-listed", "Snapshots lists each snapshot after its parent, with its description and which one the VM has gone on from; taking one changes nothing of the VM.",
		snapshotsListed,
	}, {
		"take-snapshot-twice-is-once", "TakeSnapshot of a name that is there succeeds and changes nothing.", snapshotTwice,
	}, {
		"revert-brings-the-vm-back", "RevertSnapshot makes disks, definition and mark what they were, and a VM without its memory Off.", snapshotRevert,
	}, {
		"revert-brings-a-running-vm-back", "A VM that ran, and whose snapshot holds its memory, is On after a revert.", snapshotMemory,
	}, {
		"drop-snapshot-keeps-the-vm", "DropSnapshot leaves the VM and the snapshots on top as they are, and succeeds when there is none.", snapshotDrop,
	}, {
		"snapshots-that-cannot-be-are-refused", "A revert to a snapshot that is not there is NotFound with Missing, and a request without a name, or for memory and quiescence, is InvalidSpec.",
		snapshotRefused,
	}, {
		"snapshots-of-strangers-are-left-alone", "No snapshot of a VM that is not ours is taken, reverted to or dropped, and those of an absent VM are NotFound.",
		snapshotStranger,
	}, {
		"delete-takes-snapshots-along", "Delete of a VM with snapshots leaves nothing of them.", snapshotDelete,
	}}
}

// snapshotter skips the check unless the provider has snapshots.
func (e *Env) snapshotter() (providers.Snapshotter, bool) {
	s, can := providers.As[providers.Snapshotter](e.P)
	return s, e.need(can, "Snapshotter")
}

// snapshots lists those of a VM that is there.
func (e *Env) snapshots(ctx context.Context, ref providers.Ref) (all []providers.Snapshot) {
	s, can := e.snapshotter()
	if !can {
		return nil
	}
	e.ok("snapshots", e.call(ctx, func(ctx context.Context) (err error) {
		all, err = s.Snapshots(ctx, ref)
		return err
	}))
	return all
}

func (e *Env) tryTake(ctx context.Context, ref providers.Ref, req providers.SnapshotRequest) error {
	s, _ := providers.As[providers.Snapshotter](e.P)
	return e.task(ctx, func(ctx context.Context) (providers.TaskRef, error) { return s.TakeSnapshot(ctx, ref, req) })
}

func (e *Env) tryRevert(ctx context.Context, ref providers.Ref, name string) error {
	s, _ := providers.As[providers.Snapshotter](e.P)
	return e.task(ctx, func(ctx context.Context) (providers.TaskRef, error) { return s.RevertSnapshot(ctx, ref, name) })
}

func (e *Env) tryDrop(ctx context.Context, ref providers.Ref, name string) error {
	s, _ := providers.As[providers.Snapshotter](e.P)
	return e.task(ctx, func(ctx context.Context) (providers.TaskRef, error) { return s.DropSnapshot(ctx, ref, name) })
}

// take takes a snapshot of a name.
func (e *Env) take(ctx context.Context, ref providers.Ref, name string) {
	if !e.failed() {
		e.ok("take snapshot "+name, e.tryTake(ctx, ref, providers.SnapshotRequest{Name: name, Description: "of " + name}))
	}
}

// tree words the snapshots of a VM: "a, b on a (current)".
func (e *Env) tree(ctx context.Context, ref providers.Ref) string {
	var words []string
	for _, s := range e.snapshots(ctx, ref) {
		text := s.Name
		if s.Parent != "" {
			text += " on " + s.Parent
		}
		if s.Current {
			text += " (current)"
		}
		words = append(words, text)
	}
	return strings.Join(words, ", ")
}

func (e *Env) hasTree(ctx context.Context, doing string, ref providers.Ref, want string) {
	if got := e.tree(ctx, ref); !e.failed() && got != want {
		e.failf("%s: the snapshots are %q, want %q", doing, got, want)
	}
}

// origins are the paths of where disks are, which a snapshot may move.
func origins(vms ...*providers.VM) []string {
	var paths []string
	for _, vm := range vms {
		for path := range factsOf(vm) {
			if strings.HasSuffix(path, ".origin") {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// same expects the VM to be as it was, wherever its disks are now.
func (e *Env) same(ctx context.Context, doing string, ref providers.Ref, before *providers.VM) {
	after := e.describe(ctx, ref)
	e.unchanged(doing, before, after, origins(before, after)...)
}

func snapshotsListed(ctx context.Context, e *Env) error {
	if _, can := e.snapshotter(); !can {
		return e.Err()
	}
	ref, before := e.made(ctx, "a")
	e.hasTree(ctx, "a new VM", ref, "")
	e.take(ctx, ref, "first")
	e.hasTree(ctx, "after the first", ref, "first (current)")
	e.take(ctx, ref, "second")
	e.hasTree(ctx, "after the second", ref, "first, second on first (current)")
	for _, s := range e.snapshots(ctx, ref) {
		if s.Description != "of "+s.Name || s.Power != providers.Off || s.Quiesced || s.Taken.IsZero() {
			e.failf("the snapshot %s of a VM that was off is %+v", s.Name, s)
		}
	}
	e.same(ctx, "taking snapshots", ref, before)
	return e.Err()
}

func snapshotTwice(ctx context.Context, e *Env) error {
	if _, can := e.snapshotter(); !can {
		return e.Err()
	}
	ref, _ := e.made(ctx, "a")
	e.take(ctx, ref, "first")
	before := e.snapshots(ctx, ref)
	e.take(ctx, ref, "first")
	if after := e.snapshots(ctx, ref); !e.failed() && !slices.Equal(before, after) {
		e.failf("the second snapshot of a name changed %+v to %+v", before, after)
	}
	return e.Err()
}

func snapshotRevert(ctx context.Context, e *Env) error {
	if _, can := e.snapshotter(); !can {
		return e.Err()
	}
	ref, before := e.made(ctx, "a")
	e.take(ctx, ref, "first")
	ch := providers.Change{}
	if e.changeable(providers.FieldCPU) {
		ch.CPU = new(before.Config.CPU.Value + 1)
	}
	if e.changeable(providers.FieldTags) {
		ch.Tags = &[]string{"other"}
	}
	if e.changeable(providers.FieldDisk) {
		ch.AddDisks = []manifest.Disk{e.Disk("more")}
	}
	e.reconfigure(ctx, ref, ch)
	e.take(ctx, ref, "second")
	changed := e.describe(ctx, ref)
	e.power(ctx, ref, providers.PowerStart)
	for _, back := range []struct {
		name, tree string
		to         *providers.VM
	}{
		{"first", "first (current), second on first", before},
		{"second", "first, second on first (current)", changed},
	} {
		for range 2 {
			if !e.failed() {
				e.ok("revert to the "+back.name, e.tryRevert(ctx, ref, back.name))
			}
			e.same(ctx, "reverting to the "+back.name, ref, back.to)
			e.hasTree(ctx, "after a revert", ref, back.tree)
		}
	}
	return e.Err()
}

func snapshotMemory(ctx context.Context, e *Env) error {
	if _, can := e.snapshotter(); !can {
		return e.Err()
	}
	ref, on := e.running(ctx, "a")
	if !e.failed() {
		e.ok("take a snapshot with memory", e.tryTake(ctx, ref, providers.SnapshotRequest{Name: "hot", Memory: true}))
	}
	e.take(ctx, ref, "cold")
	states := map[string]providers.PowerState{}
	for _, s := range e.snapshots(ctx, ref) {
		states[s.Name] = s.Power
	}
	if !e.failed() && (states["hot"] != providers.On || states["cold"] != providers.Off) {
		e.failf("snapshots of a running VM, with its memory and without, are %v", states)
	}
	e.power(ctx, ref, providers.PowerStop)
	if !e.failed() {
		e.ok("revert to the one with memory", e.tryRevert(ctx, ref, "hot"))
	}
	e.same(ctx, "stopping and reverting", ref, on)
	if !e.failed() {
		e.ok("revert to the one without", e.tryRevert(ctx, ref, "cold"))
	}
	e.holds("a revert without memory", factsOf(e.describe(ctx, ref)), map[string]string{"power": string(providers.Off)})
	return e.Err()
}

func snapshotDrop(ctx context.Context, e *Env) error {
	if _, can := e.snapshotter(); !can {
		return e.Err()
	}
	ref, _ := e.made(ctx, "a")
	for _, name := range []string{"first", "second", "third"} {
		e.take(ctx, ref, name)
	}
	before := e.describe(ctx, ref)
	for _, step := range []struct{ name, tree string }{
		{"second", "first, third on first (current)"},
		{"second", "first, third on first (current)"},
		{"third", "first (current)"},
		{"first", ""},
		{"never", ""},
	} {
		if !e.failed() {
			e.ok("drop "+step.name, e.tryDrop(ctx, ref, step.name))
		}
		e.hasTree(ctx, fmt.Sprintf("after %s was dropped", step.name), ref, step.tree)
		e.same(ctx, "dropping a snapshot", ref, before)
	}
	return e.Err()
}

func snapshotRefused(ctx context.Context, e *Env) error {
	if _, can := e.snapshotter(); !can {
		return e.Err()
	}
	ref, before := e.made(ctx, "a")
	if e.failed() {
		return e.Err()
	}
	e.missing("a revert to a snapshot that is not there", e.tryRevert(ctx, ref, "never"))
	for name, req := range map[string]providers.SnapshotRequest{
		"a snapshot without a name":                  {},
		"a snapshot with memory and of a quiet disk": {Name: "both", Memory: true, Quiesce: true},
	} {
		e.refused(name, e.tryTake(ctx, ref, req), providers.InvalidSpec)
	}
	e.hasTree(ctx, "refused calls", ref, "")
	e.untouched(ctx, "refused calls", ref, before)
	return e.Err()
}

func snapshotStranger(ctx context.Context, e *Env) error {
	s, can := e.snapshotter()
	if !can {
		return e.Err()
	}
	o := e.owner(ctx, "stranger")
	theirs := providers.Ref{ID: e.foreign(ctx, o.VM.Name), Owner: o}
	absent := providers.Ref{Owner: e.owner(ctx, "never")}
	e.hasTree(ctx, "a stranger's VM", theirs, "")
	before := e.describe(ctx, theirs)
	if e.failed() {
		return e.Err()
	}
	_, list := s.Snapshots(ctx, absent)
	gone := map[string]error{"listing": list}
	for name, call := range map[string]func(providers.Ref) error{
		"taking":    func(r providers.Ref) error { return e.tryTake(ctx, r, providers.SnapshotRequest{Name: "first"}) },
		"reverting": func(r providers.Ref) error { return e.tryRevert(ctx, r, "first") },
		"dropping":  func(r providers.Ref) error { return e.tryDrop(ctx, r, "first") },
	} {
		e.refused(name+" a snapshot of a stranger's VM", call(theirs), providers.Conflict)
		gone[name] = call(absent)
	}
	for name, err := range gone {
		if !providers.IsAbsent(err) {
			e.failf("%s snapshots of a VM that is not there: %w", name, orNone(err))
		}
	}
	e.hasTree(ctx, "refused calls", theirs, "")
	e.untouched(ctx, "refused calls", theirs, before)
	return e.Err()
}

func snapshotDelete(ctx context.Context, e *Env) error {
	if _, can := e.snapshotter(); !can {
		return e.Err()
	}
	o := e.owner(ctx, "a")
	volumes := e.volumes(ctx)
	ref := e.create(ctx, o, e.wanted(o))
	e.take(ctx, ref, "first")
	if e.changeable(providers.FieldDisk) {
		e.reconfigure(ctx, ref, addDisk(e, "more"))
	}
	e.take(ctx, ref, "second")
	if !e.failed() {
		e.ok("revert", e.tryRevert(ctx, ref, "first"))
	}
	e.delete(ctx, ref)
	e.gone(ctx, ref)
	e.sameVolumes("deleting a VM with snapshots", volumes, e.volumes(ctx))
	again := e.create(ctx, o, e.wanted(o))
	e.hasTree(ctx, "the VM that was made again", again, "")
	return e.Err()
}
