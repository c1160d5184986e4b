package providertest

import (
	"context"
	"slices"

	"github.com/vmsteward/vmsteward/providers"
)

func deleteChecks() []Check {
	return []Check{{
		"delete-needs-power-off", "Delete of a VM that runs is a Conflict and does it no harm.",
		func(ctx context.Context, e *Env) error {
			ref, before := e.running(ctx, "a")
			volumes := e.volumes(ctx)
			if !e.failed() {
				e.refused("delete of a VM that runs", e.tryDelete(ctx, ref), providers.Conflict)
			}
			e.untouched(ctx, "a refused delete", ref, before)
			e.sameVolumes("a refused delete", volumes, e.volumes(ctx))
			return e.Err()
		},
	}, {
		"delete-removes-its-own-only", "Delete removes the VM and the disks that were created with it, and no others.", deleteOwn,
	}, {
		"delete-removes-added-disks", "Delete removes the disks that Reconfigure added.",
		func(ctx context.Context, e *Env) error {
			o := e.owner(ctx, "a")
			volumes := e.volumes(ctx)
			if !e.need(e.Outside.Volumes != nil && e.can(providers.FieldDisk) != providers.Never, "Volumes hook or disks to add") {
				return e.Err()
			}
			ref := e.create(ctx, o, e.wanted(o))
			e.reconfigure(ctx, ref, addDisk(e, "more"))
			e.delete(ctx, ref)
			e.sameVolumes("create, add a disk and delete", volumes, e.volumes(ctx))
			return e.Err()
		},
	}, {
		"delete-twice-is-once", "Delete of a VM that is not there succeeds, by id and by owner, whether it ever existed or not.",
		func(ctx context.Context, e *Env) error {
			ref, _ := e.made(ctx, "a")
			_, other := e.made(ctx, "b")
			e.delete(ctx, ref)
			e.delete(ctx, ref)
			e.delete(ctx, providers.Ref{Owner: ref.Owner})
			e.delete(ctx, providers.Ref{Owner: e.owner(ctx, "never")})
			e.gone(ctx, ref)
			e.untouched(ctx, "deleting other VMs", providers.Ref{ID: other.ID, Owner: e.owner(ctx, "b")}, other)
			return e.Err()
		},
	}, {
		"deleted-can-be-made-again", "After Delete the same VM can be created anew.",
		func(ctx context.Context, e *Env) error {
			ref, before := e.made(ctx, "a")
			e.delete(ctx, ref)
			again := e.create(ctx, ref.Owner, e.wanted(ref.Owner))
			e.unchanged("delete and create", before, e.describe(ctx, again), "id")
			return e.Err()
		},
	}}
}

func deleteOwn(ctx context.Context, e *Env) error {
	b := e.owner(ctx, "b")
	before := e.volumes(ctx)
	ref, vm := e.made(ctx, "a")
	with := e.volumes(ctx)
	other, kept := e.made(ctx, "b")
	both := e.volumes(ctx)
	e.delete(ctx, ref)
	e.gone(ctx, ref)
	e.gone(ctx, providers.Ref{Owner: ref.Owner})
	e.untouched(ctx, "deleting another VM", other, kept)
	if slices.ContainsFunc(e.glance(ctx).VMs, func(listed providers.VM) bool { return listed.ID == vm.ID }) {
		e.failf("a deleted VM is listed")
	}
	want := slices.DeleteFunc(slices.Clone(both), func(name string) bool {
		return slices.Contains(with, name) && !slices.Contains(before, name)
	})
	e.sameVolumes("deleting one of two VMs of "+b.Fleet, want, e.volumes(ctx))
	return e.Err()
}
