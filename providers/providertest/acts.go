package providertest

import (
	"context"
	"slices"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

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

// tryCreate makes the usual VM and waits for it.
func (e *Env) tryCreate(ctx context.Context, o providers.Owner) error {
	return e.task(ctx, func(ctx context.Context) (providers.TaskRef, error) {
		res, err := e.P.Create(ctx, providers.CreateRequest{Owner: o, VM: e.wanted(o)})
		return res.Task, err
	})
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
	l, can := providers.As[providers.Lister](e.P)
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
	if _, can := providers.As[providers.Lister](e.P); !can {
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
