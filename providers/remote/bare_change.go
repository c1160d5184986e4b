package remote

import (
	"context"
	"fmt"
	"math"
	"reflect"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
	"github.com/vmsteward/vmsteward/providers/remote/seed"
)

// Delete implements peer.
func (b *bare) Delete(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
	vm, e, err := b.ours(ctx, ref)
	switch {
	case providers.IsAbsent(err):
		return "", b.lost(ctx, ref)
	case err != nil:
		return "", err
	case vm.Power != providers.Off:
		return "", conflict("VM %q is %s; it must be off", vm.Name, vm.Power)
	}
	res, err := b.client.Delete(ctx, &providerv1.DeleteRequest{Id: vm.ID})
	if err != nil {
		err = b.failed(ctx, vm.ID, err)
		if providers.IsAbsent(err) {
			return "", b.book.drop(e.Mark.Owner)
		}
		return "", err
	}
	if id := res.GetTask().GetId(); id != "" {
		return task{id: id, vm: vm.ID, deletes: true}.ref(), nil
	}
	return "", b.forget(ctx, vm.ID)
}

// lost forgets a VM of ours that is not there. Our own server is asked to delete
// it all the same: a deletion that was cut short may have left its disks, which
// that removes.
func (b *bare) lost(ctx context.Context, ref providers.Ref) error {
	e, known := b.book.of(ref.Owner)
	if !known || ref.ID != "" && ref.ID != e.ID {
		return nil
	}
	if b.known.Ours && e.ID != "" {
		if _, err := b.client.Delete(ctx, &providerv1.DeleteRequest{Id: e.ID}); err != nil {
			return b.explain(err)
		}
	}
	return b.book.drop(ref.Owner)
}

// failed explains why a call about a VM failed. That the VM is absent is looked
// for before it is said.
func (b *bare) failed(ctx context.Context, id string, err error) error {
	err = b.explain(err)
	if !providers.IsAbsent(err) {
		return err
	}
	if _, looked := b.look(ctx, id); looked != nil {
		return looked
	}
	return untold("the server says that VM %q is not there, and describes it", id)
}

// operations are the acts of the protocol, and the state that each leads to.
var operations = map[providers.PowerOp]struct {
	op   providerv1.PowerOp
	goal providers.PowerState // empty: none that can be told from the one before
}{
	providers.PowerStart:    {providerv1.PowerOp_POWER_OP_ON, providers.On},
	providers.PowerStop:     {providerv1.PowerOp_POWER_OP_OFF, providers.Off},
	providers.PowerShutdown: {providerv1.PowerOp_POWER_OP_SHUTDOWN_GRACEFUL, providers.Off},
	providers.PowerReboot:   {providerv1.PowerOp_POWER_OP_REBOOT, ""},
}

// askedFor is how long a guest is given to shut down, in seconds. A server may
// wait in the call and pull the plug then, which is for the reconciler to
// decide: it is longer than any call.
const askedFor = 3600

// Power implements peer. Servers take a VM that is in the state already for an
// error, so that it is looked at before and after.
func (b *bare) Power(ctx context.Context, ref providers.Ref, op providers.PowerOp) (providers.TaskRef, error) {
	act, known := operations[op]
	if !known {
		return "", &providers.Error{Kind: providers.InvalidSpec, Err: fmt.Errorf("%q is no power operation", op)}
	}
	vm, _, err := b.ours(ctx, ref)
	switch {
	case err != nil:
		return "", err
	case act.goal != "" && vm.Power == act.goal:
		return "", nil
	case act.goal == "" && vm.Power != providers.On:
		return "", conflict("VM %q is %s; only one that runs is restarted", vm.Name, vm.Power)
	}
	req := &providerv1.PowerRequest{Id: vm.ID, Op: act.op}
	if op == providers.PowerShutdown {
		req.GracefulTimeoutSeconds = askedFor
	}
	res, err := b.client.Power(ctx, req)
	switch {
	case err != nil && answered(err):
		if now, looked := b.look(ctx, vm.ID); looked == nil && act.goal != "" && now.Power == act.goal {
			return "", nil
		}
		return "", b.failed(ctx, vm.ID, err)
	case err != nil:
		return "", b.explain(err)
	case op == providers.PowerShutdown: // whatever the server's task means, it is over when the VM is off
		return task{vm: vm.ID, watch: true}.ref(), nil
	}
	return task{id: res.GetTask().GetId()}.ref(), nil
}

// Reconfigure implements peer. Only CPUs, memory and the mark can be changed,
// and the machine only while it is off: what a server does to one that runs
// cannot be told.
func (b *bare) Reconfigure(ctx context.Context, ref providers.Ref, change providers.Change) (providers.TaskRef, error) {
	vm, e, err := b.ours(ctx, ref)
	if err != nil {
		return "", err
	}
	if err := b.can(change); err != nil {
		return "", err
	}
	var done providers.TaskRef
	if change.CPU != nil || change.MemoryMiB != nil {
		done, err = b.resize(ctx, vm, change)
	}
	if err != nil || change.Retired == nil || e.Mark.Retired.Equal(*change.Retired) {
		return done, err
	}
	e.Mark.Retired = *change.Retired
	return done, b.book.put(e)
}

// can refuses a change that has more in it than the protocol bears.
func (b *bare) can(change providers.Change) error {
	rest := change
	rest.Live, rest.CPU, rest.MemoryMiB, rest.Retired = false, nil, nil, nil
	switch {
	case !reflect.ValueOf(rest).IsZero():
		return &providers.Error{Kind: providers.NotSupported, Err: errNotTold}
	case change.CPU != nil && (*change.CPU < 1 || *change.CPU > math.MaxInt32):
		return &providers.Error{Kind: providers.InvalidSpec, Err: fmt.Errorf("%d CPUs", *change.CPU)}
	case change.MemoryMiB != nil && (*change.MemoryMiB < 1 || *change.MemoryMiB > math.MaxInt32):
		return &providers.Error{Kind: providers.InvalidSpec, Err: fmt.Errorf("%d MiB of memory", *change.MemoryMiB)}
	case (change.CPU != nil || change.MemoryMiB != nil) && !resizes(b.known):
		return &providers.Error{Kind: providers.NotSupported, Err: fmt.Errorf("what %s does about CPUs and memory does not last", b)}
	}
	return nil
}

// resize gives a VM its CPUs and its memory in one call.
func (b *bare) resize(ctx context.Context, vm *providers.VM, change providers.Change) (providers.TaskRef, error) {
	cpu, memory := vm.Config.CPU, vm.Config.MemoryMiB
	if !cpu.Known || !memory.Known {
		return "", untold("the server does not say how many CPUs and how much memory VM %q has", vm.Name)
	}
	want := providers.Hardware{CPU: cpu, MemoryMiB: memory}
	if change.CPU != nil {
		want.CPU.Value = *change.CPU
	}
	if change.MemoryMiB != nil {
		want.MemoryMiB.Value = *change.MemoryMiB
	}
	switch {
	case want.CPU == cpu && want.MemoryMiB == memory:
		return "", nil
	case vm.Power != providers.Off:
		return "", &providers.Error{Kind: providers.NotSupported, Err: fmt.Errorf("VM %q is %s; its CPUs and memory are changed while it is off", vm.Name, vm.Power)}
	}
	res, err := b.client.Reconfigure(ctx, &providerv1.ReconfigureRequest{
		Id: vm.ID, DesiredJson: seed.Sizes(vm.Name, want.CPU.Value, want.MemoryMiB.Value),
	})
	if err != nil {
		return "", b.failed(ctx, vm.ID, err)
	}
	return task{id: res.GetTask().GetId()}.ref(), nil
}
