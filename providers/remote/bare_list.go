package remote

import (
	"context"
	"fmt"
	"slices"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
)

// mostChecked bounds the VMs that are asked for one by one because a list does
// not have them.
const mostChecked = 64

// List implements peer. provider.v1 cannot say that a list leaves something
// out, and servers leave out what they cannot read: a list is complete if every
// VM that we have is in it, or is proven to be gone.
func (b *bare) List(ctx context.Context) (*providers.Inventory, error) {
	had := b.book.all() // what is made meanwhile need not be in the list
	all, err := b.everything(ctx)
	if err != nil {
		return nil, err
	}
	inv := &providers.Inventory{Complete: true, VMs: make([]providers.VM, 0, len(all))}
	for _, e := range had {
		if _, err := b.recognise(all, e); err != nil {
			inv.Complete = false
			inv.Problems = append(inv.Problems, problem(e, err))
		}
	}
	seen := make(map[string]bool, len(all))
	for _, info := range all {
		vm := b.known.FromList(info)
		seen[vm.ID] = true
		inv.VMs = append(inv.VMs, *b.marked(&vm))
	}
	missing := slices.DeleteFunc(had, func(e providers.LedgerEntry) bool { return e.ID == "" || seen[e.ID] })
	if err := b.leftOut(ctx, missing, inv); err != nil {
		return nil, err
	}
	return inv, nil
}

// leftOut looks after the VMs of ours that a list does not have. One that is
// there must be in a second list: it may have come in between.
func (b *bare) leftOut(ctx context.Context, entries []providers.LedgerEntry, inv *providers.Inventory) error {
	doubt := func(e providers.LedgerEntry, err error) {
		inv.Complete = false
		inv.Problems = append(inv.Problems, problem(e, err))
	}
	var there []providers.LedgerEntry
	for i, e := range entries {
		if i == mostChecked {
			doubt(e, fmt.Errorf("the list leaves out %d VMs, which are not all looked for", len(entries)))
			break
		}
		vm, err := b.ask(ctx, e.ID)
		switch {
		case err == nil:
			inv.VMs = append(inv.VMs, *b.marked(vm))
			there = append(there, e)
		case !providers.IsAbsent(err):
			doubt(e, err)
		}
	}
	if len(there) == 0 {
		return ctx.Err()
	}
	again, err := b.everything(ctx)
	if err != nil {
		return err
	}
	for _, e := range there {
		if !slices.ContainsFunc(again, func(i *providerv1.VMInfo) bool { return i.GetId() == e.ID }) {
			doubt(e, untold("the list leaves out a VM that is there"))
		}
	}
	return ctx.Err()
}

func problem(e providers.LedgerEntry, err error) providers.Problem {
	return providers.Problem{ID: e.ID, Name: e.Name, Err: named("list", e.Mark.Owner.VM.String(), err)}
}
