package remote

import (
	"context"
	"fmt"

	"github.com/vmsteward/vmsteward/providers"
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
	checked := 0
	for _, e := range had {
		if e.ID != "" && !seen[e.ID] {
			checked++
			b.leftOut(ctx, e, checked, inv)
		}
	}
	return inv, ctx.Err()
}

// leftOut looks after a VM that the list does not have.
func (b *bare) leftOut(ctx context.Context, e providers.LedgerEntry, n int, inv *providers.Inventory) {
	err := fmt.Errorf("the list leaves out %d VMs and more, which is not looked into", mostChecked)
	if n <= mostChecked {
		var vm *providers.VM
		if vm, err = b.ask(ctx, e.ID); err == nil {
			inv.VMs = append(inv.VMs, *b.marked(vm))
			err = untold("the list leaves out a VM that is there")
		}
	}
	if providers.IsAbsent(err) {
		return
	}
	inv.Complete = false
	inv.Problems = append(inv.Problems, problem(e, err))
}

func problem(e providers.LedgerEntry, err error) providers.Problem {
	return providers.Problem{ID: e.ID, Name: e.Name, Err: named("list", e.Mark.Owner.VM.String(), err)}
}
