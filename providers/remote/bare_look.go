package remote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
)

var errNoVM = errors.New("no such VM")

func absent() error { return &providers.Error{Kind: providers.NotFound, Err: errNoVM} }

func conflict(format string, args ...any) error {
	return &providers.Error{Kind: providers.Conflict, Err: fmt.Errorf(format, args...)}
}

// untold says that the server's answers do not fit each other: whether a VM is
// there cannot be told.
func untold(format string, args ...any) error {
	return &providers.Error{Kind: providers.Retryable, Err: fmt.Errorf(format, args...)}
}

// Describe implements peer.
func (b *bare) Describe(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
	id, err := b.idOf(ctx, ref)
	if err != nil {
		return nil, err
	}
	return b.look(ctx, id)
}

// idOf returns the id of a VM: the reference's, or the one that its owner's VM
// has in the book.
func (b *bare) idOf(ctx context.Context, ref providers.Ref) (string, error) {
	if ref.ID != "" {
		return ref.ID, nil
	}
	e, known := b.book.of(ref.Owner)
	switch {
	case !known:
		return "", absent()
	case e.ID != "":
		return e.ID, nil
	}
	all, err := b.everything(ctx)
	if err != nil {
		return "", err
	}
	if e, err = b.recognise(all, e); err != nil || e.ID != "" {
		return e.ID, err
	}
	if b.going(e) {
		return "", goesOn(e)
	}
	return "", absent()
}

func goesOn(e providers.LedgerEntry) error {
	return untold("a creation of %s goes on, for all that is known", e.Begun.UTC().Format(time.RFC3339))
}

// going tells whether a creation may be under way on the server. Ours makes
// what it is asked for once, however often it is asked.
func (b *bare) going(e providers.LedgerEntry) bool {
	return !b.known.Ours && !e.Begun.IsZero() && time.Since(e.Begun) < patience
}

// recognise finds the VM of an entry that has no id yet: when its making was
// begun nobody had the name. That is no proof for ever.
func (b *bare) recognise(all []*providerv1.VMInfo, e providers.LedgerEntry) (providers.LedgerEntry, error) {
	if e.ID != "" {
		return e, nil
	}
	named := b.named(all, e.Name)
	switch {
	case len(named) == 0:
		return e, nil
	case len(named) > 1:
		return e, conflict("%d VMs have the name %q", len(named), e.Name)
	case time.Since(e.Begun) > trust:
		return e, conflict("a VM named %q has come since we began to make one, at %s; whether it is that one cannot be told any more",
			e.Name, e.Begun.UTC().Format(time.RFC3339))
	}
	e.ID, e.Begun = named[0].GetId(), time.Time{}
	return e, b.book.put(e)
}

// named returns the VMs of a name.
func (b *bare) named(all []*providerv1.VMInfo, name string) []*providerv1.VMInfo {
	return slices.DeleteFunc(slices.Clone(all), func(i *providerv1.VMInfo) bool { return b.known.FromList(i).Name != name })
}

// look describes the VM of an id. That it is absent is believed when the server
// says so and does not list it either.
func (b *bare) look(ctx context.Context, id string) (*providers.VM, error) {
	vm, err := b.ask(ctx, id)
	if err != nil && !providers.IsAbsent(err) {
		return nil, err
	}
	if err == nil && b.sized(vm) {
		return b.marked(vm), nil
	}
	all, listErr := b.everything(ctx)
	if listErr != nil {
		return nil, listErr
	}
	at := slices.IndexFunc(all, func(i *providerv1.VMInfo) bool { return i.GetId() == id })
	if err != nil && at >= 0 { // it may have come in between
		vm, err = b.ask(ctx, id)
	}
	switch {
	case err != nil && (at < 0 || !providers.IsAbsent(err)):
		return nil, err
	case err != nil:
		return nil, untold("the server lists a VM of the id %q, and says that there is none", id)
	case at >= 0:
		listed := b.known.FromList(all[at])
		vm.Config, vm.Name = listed.Config, listed.Name
	}
	return b.marked(vm), nil
}

// ask describes a VM. That it is absent is the server's word alone.
func (b *bare) ask(ctx context.Context, id string) (*providers.VM, error) {
	res, err := b.client.Describe(ctx, &providerv1.DescribeRequest{Id: id})
	if err != nil {
		err = b.explain(err)
		if b.known.Denies && providers.IsAbsent(err) {
			return nil, absent()
		}
		if providers.IsAbsent(err) {
			return nil, untold("%w", err)
		}
		return nil, err
	}
	if !res.GetExists() {
		return nil, absent()
	}
	vm := b.known.FromDescribe(id, res)
	return &vm, nil
}

// sized tells whether a description has everything that is compared.
func (b *bare) sized(vm *providers.VM) bool {
	return !b.known.Listed.Sizes || vm.Config.CPU.Known && vm.Config.MemoryMiB.Known && vm.Name != ""
}

// everything lists the VMs of the server.
func (b *bare) everything(ctx context.Context) ([]*providerv1.VMInfo, error) {
	res, err := b.client.ListVMs(ctx, &providerv1.ListVMsRequest{})
	return res.GetVms(), b.explain(err)
}

// marked gives a VM the mark that the book has for it, and takes from it what
// not every answer tells.
func (b *bare) marked(vm *providers.VM) *providers.VM {
	h := &vm.Config
	h.DisksKnown, h.Disks, h.NICsKnown, h.NICs = false, nil, false, nil
	if e, known := b.book.at(vm.ID); known {
		vm.Mark = &e.Mark
		b.seen(e)
	}
	return vm
}

// seen notes that a creation has come to its end, or that the VM is there.
func (b *bare) seen(e providers.LedgerEntry) {
	if !e.Begun.IsZero() {
		e.Begun = time.Time{}
		_ = b.book.put(e) // else it counts as going on for a while
	}
}

// ours returns the VM of a reference, which must be that of its owner.
func (b *bare) ours(ctx context.Context, ref providers.Ref) (*providers.VM, providers.LedgerEntry, error) {
	var none providers.LedgerEntry
	if ref.Owner.Fleet != b.fleet {
		return nil, none, conflict("we are the fleet %q, not %q", b.fleet, ref.Owner.Fleet)
	}
	id, err := b.idOf(ctx, ref)
	if err != nil {
		return nil, none, err
	}
	vm, err := b.look(ctx, id)
	if err != nil {
		return nil, none, err
	}
	e, known := b.book.at(id)
	if !known || e.Mark.Owner != ref.Owner {
		return nil, none, conflict("VM %q is not known to be that of %s", id, ref.Owner)
	}
	return vm, e, nil
}
