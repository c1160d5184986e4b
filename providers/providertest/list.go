package providertest

import (
	"context"
	"slices"

	"github.com/vmsteward/vmsteward/providers"
)

func listChecks() []Check {
	return []Check{{
		"list-is-complete", "List reports every VM, ours and others, as Describe does, and says that it is complete.", listComplete,
	}, {
		"list-shows-strangers-unmarked", "List includes VMs that are not ours, and they carry no mark.",
		func(ctx context.Context, e *Env) error {
			o := e.owner(ctx, "stranger")
			id := e.foreign(ctx, o.VM.Name)
			vm, found := e.listed(ctx, id)
			if !e.failed() && (!found || vm.Mark != nil) {
				e.failf("a stranger's VM is listed: %t, with mark %+v", found, vm.Mark)
			}
			return e.Err()
		},
	}, {
		"list-follows-outside-changes", "List reports the VMs as they are now: one that somebody removed is not in it.", listFollows,
	}}
}

// listed returns a VM from the list by its id.
func (e *Env) listed(ctx context.Context, id string) (providers.VM, bool) {
	inv := e.list(ctx)
	at := slices.IndexFunc(inv.VMs, func(vm providers.VM) bool { return vm.ID == id })
	if at < 0 {
		return providers.VM{}, false
	}
	return inv.VMs[at], true
}

func listComplete(ctx context.Context, e *Env) error {
	off, _ := e.made(ctx, "off")
	on, _ := e.running(ctx, "on")
	inv := e.list(ctx)
	if !e.failed() && (!inv.Complete || len(inv.Problems) > 0) {
		e.failf("the list says complete = %t with %d problems on a healthy endpoint", inv.Complete, len(inv.Problems))
	}
	seen := map[string]bool{}
	for _, vm := range inv.VMs {
		if seen[vm.ID] {
			e.failf("%s is listed twice", vm.ID)
		}
		seen[vm.ID] = true
	}
	for _, ref := range []providers.Ref{off, on} {
		vm, found := e.listed(ctx, ref.ID)
		if !e.failed() && !found {
			e.failf("%s is not listed", ref.Owner)
		}
		e.unchanged("listing instead of describing", e.describe(ctx, ref), &vm)
	}
	return e.Err()
}

func listFollows(ctx context.Context, e *Env) error {
	ref, _ := e.made(ctx, "a")
	e.list(ctx)
	if !e.need(e.Outside.Undefine != nil, "Undefine hook") {
		return e.Err()
	}
	e.ok("Undefine hook", e.Outside.Undefine(ctx, ref.ID))
	if _, found := e.listed(ctx, ref.ID); found {
		e.failf("a VM that somebody undefined is listed")
	}
	e.gone(ctx, ref)
	again := e.create(ctx, ref.Owner, e.wanted(ref.Owner))
	if _, found := e.listed(ctx, again.ID); !e.failed() && !found {
		e.failf("a VM that was made again is not listed")
	}
	return e.Err()
}
