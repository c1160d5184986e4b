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
	return e.stated().Ability(f)
}

// stated returns what the provider states now; never nil.
func (e *Env) stated() *providers.Capabilities {
	if c, ok := e.P.(providers.Capable); ok {
		if caps := c.Capabilities(); caps != nil {
			return caps
		}
	}
	return &providers.Capabilities{}
}

// reach lets a provider ask its endpoint what it states. One that fails will
// fail the check, too.
func (e *Env) reach(ctx context.Context) {
	if _, ok := e.P.(providers.Capable); ok && len(e.stated().Change) == 0 {
		_ = e.call(ctx, e.P.Validate)
	}
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
	l, lists := providers.As[providers.Lister](e.P)
	s, sweeps := providers.As[providers.Sweeper](e.P)
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
