package vsphere

import (
	"context"
	"testing"
	"time"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// rig is a yard whose VMs the provider makes.
type rig struct {
	*yard
	admin *administrator
}

func newRig(t *testing.T, opts vcsim.Options) *rig {
	t.Helper()
	y := newYard(t, opts)
	return &rig{yard: y, admin: newAdministrator(y.Server)}
}

// within is the rig in a subtest.
func (r *rig) within(t *testing.T) *rig {
	y := *r.yard
	y.t = t
	return &rig{yard: &y, admin: r.admin}
}

// aWish returns a small VM of a manifest.
func aWish(name string) *manifest.VM { return contractVM(owner(name).VM) }

// create makes a VM and waits for it.
func (r *rig) create(vm *manifest.VM) providers.Ref {
	r.t.Helper()
	ref := refTo(vm.Key.Name)
	res, err := r.p.Create(r.ctx, providers.CreateRequest{Owner: ref.Owner, VM: vm})
	if err = r.settle(res.Task, err); err != nil {
		r.t.Fatalf("create %s: %v", vm.Key, err)
	}
	ref.ID = res.ID
	return ref
}

// begin begins to make a VM.
func (r *rig) begin(vm *manifest.VM) (providers.TaskRef, error) {
	res, err := r.p.Create(r.ctx, providers.CreateRequest{Owner: refTo(vm.Key.Name).Owner, VM: vm})
	return res.Task, err
}

// settle waits for a task as a caller of the provider does.
func (r *rig) settle(task providers.TaskRef, err error) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for done := task == ""; !done && err == nil; {
		select {
		case <-tick.C:
			done, err = r.p.IsTaskComplete(r.ctx, task)
		case <-r.ctx.Done():
			return r.ctx.Err()
		}
	}
	return err
}

// see describes a VM.
func (r *rig) see(ref providers.Ref) *providers.VM {
	r.t.Helper()
	vm, err := r.p.Describe(r.ctx, ref)
	if err != nil {
		r.t.Fatalf("describe %s: %v", ref.Owner.VM, err)
	}
	return vm
}

// change reconfigures a VM and waits for it.
func (r *rig) change(ref providers.Ref, ch providers.Change) error {
	return r.settle(r.p.Reconfigure(r.ctx, ref, ch))
}

// outside changes a VM as an administrator does.
func (r *rig) outside(ref providers.Ref, spec types.VirtualMachineConfigSpec) {
	r.t.Helper()
	if err := r.admin.reconfigure(r.ctx, ref.ID, spec); err != nil {
		r.t.Fatalf("outside change of %s: %v", ref.Owner.VM, err)
	}
}

// config reads a VM as an administrator does.
func (r *rig) config(ref providers.Ref) *types.VirtualMachineConfigInfo {
	r.t.Helper()
	config, err := r.admin.config(r.ctx, ref.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	return config
}

func (r *rig) power(ref providers.Ref, op providers.PowerOp) {
	r.t.Helper()
	if err := r.settle(r.p.Power(r.ctx, ref, op)); err != nil {
		r.t.Fatalf("%s %s: %v", op, ref.Owner.VM, err)
	}
}

func (r *rig) remove(ref providers.Ref) {
	r.t.Helper()
	if err := r.settle(r.p.Delete(context.WithoutCancel(r.ctx), ref)); err != nil {
		r.t.Errorf("delete %s: %v", ref.Owner.VM, err)
	}
}
