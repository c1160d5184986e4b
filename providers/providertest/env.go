package providertest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// Env is what a check works with: the target, one connection to it, and the
// first thing that went wrong. After that, the helpers do nothing and return
// empty values, so that a check reads as the story that it tells.
type Env struct {
	Target
	P providers.Provider

	name   string
	err    error
	owners []providers.Owner
	undo   []func(context.Context) error
}

func newEnv(t Target, p providers.Provider, name string) *Env {
	t.Namespace = cmp.Or(t.Namespace, "providertest")
	t.CallTimeout = cmp.Or(t.CallTimeout, 30*time.Second)
	t.TaskTimeout = cmp.Or(t.TaskTimeout, 2*time.Minute)
	t.Poll = cmp.Or(t.Poll, 50*time.Millisecond)
	t.Told = cmp.Or(t.Told, 5*time.Second)
	if t.Disk == nil {
		t.Disk = func(name string) manifest.Disk { return manifest.Disk{Name: name, SizeGiB: 1} }
	}
	if t.NIC == nil {
		t.NIC = func(name string) manifest.NIC {
			nic := t.VM(manifest.Key{Namespace: t.Namespace, Name: "nic"}).NICs[0]
			return manifest.NIC{Name: name, Network: nic.Network}
		}
	}
	return &Env{Target: t, P: p, name: name}
}

// Err returns the first thing that went wrong.
func (e *Env) Err() error { return e.err }

// failed tells whether something went wrong.
func (e *Env) failed() bool { return e.err != nil }

// failf records what went wrong, if nothing has before.
func (e *Env) failf(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf(format, args...)
	}
}

// need skips the check unless the target can do something.
func (e *Env) need(has bool, what string) bool {
	if !has && e.err == nil {
		e.err = &Skip{Reason: "the target has no " + what}
	}
	return has && e.err == nil
}

// ok expects success.
func (e *Env) ok(doing string, err error) bool {
	if err != nil {
		e.failf("%s: %w", doing, err)
	}
	return e.err == nil
}

// refused expects an error of one of the kinds.
func (e *Env) refused(doing string, err error, kinds ...providers.Kind) {
	switch {
	case err == nil:
		e.failf("%s succeeded; want an error of kind %v", doing, kinds)
	case !slices.Contains(kinds, providers.KindOf(err)):
		e.failf("%s: error of kind %s, want %v: %w", doing, providers.KindOf(err), kinds, err)
	}
}

// owner returns the owner of the check's VM of a short name. At its first use,
// what an earlier run left of it is removed.
func (e *Env) owner(ctx context.Context, short string) providers.Owner {
	name := "pt-" + strings.ReplaceAll(e.name, "/", "-") + "-" + short
	o := providers.Owner{Fleet: e.Fleet, VM: manifest.Key{Namespace: e.Namespace, Name: name}}
	if !slices.Contains(e.owners, o) {
		e.owners = append(e.owners, o)
		if !e.failed() {
			e.ok("remove what an earlier run left", e.purge(ctx, o))
		}
	}
	return o
}

// wanted returns the target's VM for an owner, with the fields that many
// checks look at: head-room, a disk, and tags.
func (e *Env) wanted(o providers.Owner) *manifest.VM {
	vm := e.VM(o.VM)
	vm.CPUHotAdd, vm.MemHotAdd = true, true
	vm.Disks = append(vm.Disks, e.Disk("data"))
	vm.Tags = []string{"one", "two"}
	return vm
}

// create makes a VM and waits for it.
func (e *Env) create(ctx context.Context, o providers.Owner, vm *manifest.VM) providers.Ref {
	ref := providers.Ref{Owner: o}
	if e.failed() {
		return ref
	}
	var res providers.CreateResult
	err := e.call(ctx, func(ctx context.Context) (err error) {
		res, err = e.P.Create(ctx, providers.CreateRequest{Owner: o, VM: vm})
		return err
	})
	if e.ok("create "+o.VM.Name, err) {
		e.ok("create "+o.VM.Name, e.wait(ctx, res.Task))
	}
	if res.ID == "" {
		e.failf("create %s returned no id", o.VM.Name)
	}
	ref.ID = res.ID
	return ref
}

// made creates the usual VM of a short name and describes it.
func (e *Env) made(ctx context.Context, short string) (providers.Ref, *providers.VM) {
	return e.madeAs(ctx, short, nil)
}

// madeAs creates the usual VM after it was given another shape.
func (e *Env) madeAs(ctx context.Context, short string, shape func(*manifest.VM)) (providers.Ref, *providers.VM) {
	o := e.owner(ctx, short)
	vm := e.wanted(o)
	if shape != nil {
		shape(vm)
	}
	ref := e.create(ctx, o, vm)
	return ref, e.describe(ctx, ref)
}

// running creates the usual VM and starts it.
func (e *Env) running(ctx context.Context, short string) (providers.Ref, *providers.VM) {
	return e.runningAs(ctx, short, nil)
}

// runningAs starts the usual VM after it was given another shape.
func (e *Env) runningAs(ctx context.Context, short string, shape func(*manifest.VM)) (providers.Ref, *providers.VM) {
	ref, _ := e.madeAs(ctx, short, shape)
	e.power(ctx, ref, providers.PowerStart)
	vm := e.describe(ctx, ref)
	if vm.Power != providers.On {
		e.failf("the VM is %s after a start, want On", vm.Power)
	}
	return ref, vm
}

// describe returns a VM that must be there; never nil.
func (e *Env) describe(ctx context.Context, ref providers.Ref) *providers.VM {
	if e.failed() {
		return &providers.VM{}
	}
	vm, err := e.look(ctx, ref)
	if !e.ok("describe "+ref.Owner.VM.Name, err) {
		return &providers.VM{}
	}
	if vm == nil {
		e.failf("describe returned neither a VM nor an error")
		return &providers.VM{}
	}
	return vm
}

// look describes a VM that may not be there.
func (e *Env) look(ctx context.Context, ref providers.Ref) (vm *providers.VM, err error) {
	err = e.call(ctx, func(ctx context.Context) error {
		vm, err = e.P.Describe(ctx, ref)
		return err
	})
	return vm, err
}

// power brings a VM to a state and waits for it.
func (e *Env) power(ctx context.Context, ref providers.Ref, op providers.PowerOp) {
	if !e.failed() {
		e.ok(string(op), e.tryPower(ctx, ref, op))
	}
}

func (e *Env) tryPower(ctx context.Context, ref providers.Ref, op providers.PowerOp) error {
	return e.task(ctx, func(ctx context.Context) (providers.TaskRef, error) { return e.P.Power(ctx, ref, op) })
}

// reconfigure changes a VM and waits for it.
func (e *Env) reconfigure(ctx context.Context, ref providers.Ref, ch providers.Change) {
	if !e.failed() {
		e.ok("reconfigure", e.tryReconfigure(ctx, ref, ch))
	}
}

func (e *Env) tryReconfigure(ctx context.Context, ref providers.Ref, ch providers.Change) error {
	return e.task(ctx, func(ctx context.Context) (providers.TaskRef, error) { return e.P.Reconfigure(ctx, ref, ch) })
}

// delete removes a VM and waits for it.
func (e *Env) delete(ctx context.Context, ref providers.Ref) {
	if !e.failed() {
		e.ok("delete", e.tryDelete(ctx, ref))
	}
}

func (e *Env) tryDelete(ctx context.Context, ref providers.Ref) error {
	return e.task(ctx, func(ctx context.Context) (providers.TaskRef, error) { return e.P.Delete(ctx, ref) })
}

// gone expects that the VM is not there.
func (e *Env) gone(ctx context.Context, ref providers.Ref) {
	if e.failed() {
		return
	}
	if vm, err := e.look(ctx, ref); !providers.IsAbsent(err) {
		e.failf("describe returned %v, %v for a VM that is not there; want NotFound", vm, err)
	}
}

// list returns an inventory; never nil.
func (e *Env) list(ctx context.Context) *providers.Inventory {
	inv := &providers.Inventory{}
	l, can := e.P.(providers.Lister)
	if !e.need(can, "Lister") {
		return inv
	}
	err := e.call(ctx, func(ctx context.Context) (err error) {
		inv, err = l.List(ctx)
		return err
	})
	if !e.ok("list", err) {
		return &providers.Inventory{}
	}
	return inv
}

// glance returns an inventory, and an empty one from a provider that cannot
// list, so that the rest of a check is tried all the same.
func (e *Env) glance(ctx context.Context) *providers.Inventory {
	if _, can := e.P.(providers.Lister); !can {
		return &providers.Inventory{}
	}
	return e.list(ctx)
}

// volumes returns what the Volumes hook sees, sorted; nil without the hook.
func (e *Env) volumes(ctx context.Context) []string {
	if e.failed() || e.Outside.Volumes == nil {
		return nil
	}
	names, err := e.Outside.Volumes(ctx)
	e.ok("volumes hook", err)
	slices.Sort(names)
	return names
}

// foreign makes somebody else's VM of a name; it is removed with the check.
func (e *Env) foreign(ctx context.Context, name string) (id string) {
	if !e.need(e.Outside.Foreign != nil, "Foreign hook") {
		return ""
	}
	id, remove, err := e.Outside.Foreign(ctx, name)
	if e.ok("foreign hook", err) && remove != nil {
		e.undo = append(e.undo, remove)
	}
	return id
}

// can returns how the provider changes a field; Never when it does not state.
func (e *Env) can(f providers.Field) providers.Ability {
	a, _ := e.ability(f)
	return cmp.Or(a, providers.Never)
}

// changeable tells whether a field of a VM that exists can be changed.
func (e *Env) changeable(f providers.Field) bool {
	a := e.can(f)
	return a != providers.Never && a != providers.Replace
}

// observes tells whether the provider reports a field.
func (e *Env) observes(f providers.Field) bool {
	_, stated := e.ability(f)
	return stated
}

func (e *Env) ability(f providers.Field) (a providers.Ability, stated bool) {
	c, ok := e.P.(providers.Capable)
	if !ok {
		return "", false
	}
	caps := c.Capabilities()
	return caps.Ability(f)
}

// cleanUp removes what the check made, also after a failure.
func (e *Env) cleanUp(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	var errs []error
	for _, undo := range slices.Backward(e.undo) {
		errs = append(errs, undo(ctx))
	}
	for _, o := range e.owners {
		errs = append(errs, e.purge(ctx, o))
	}
	if c, ok := e.P.(providers.Closer); ok {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// purge removes an owner's VM and volumes, if any.
func (e *Env) purge(ctx context.Context, o providers.Owner) error {
	ref := providers.Ref{Owner: o}
	if vm, err := e.look(ctx, ref); err == nil && vm != nil && vm.Power != providers.Off {
		if err := e.tryPower(ctx, ref, providers.PowerStop); err != nil {
			return err
		}
	}
	if err := e.tryDelete(ctx, ref); err != nil {
		return err
	}
	l, lists := e.P.(providers.Lister)
	s, sweeps := e.P.(providers.Sweeper)
	if !lists || !sweeps {
		return nil
	}
	inv, err := l.List(ctx)
	if err != nil {
		return err
	}
	for _, left := range inv.Leftovers {
		if left.Owner == o {
			err = errors.Join(err, s.Sweep(ctx, left))
		}
	}
	return err
}
