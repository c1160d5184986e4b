package providertest

import (
	"context"

	"github.com/vmsteward/vmsteward/providers"
)

func absentChecks() []Check {
	return []Check{{
		"an-id-of-nothing-is-absent", "An id that no VM has is an absent VM, whatever VM its owner has: NotFound, and Delete succeeds.", absentByID,
	}, {
		"strangers-are-not-found-by-name", "By its owner alone a VM is not found in a stranger's of its name, and no call touches that.", absentByName,
	}}
}

func absentByID(ctx context.Context, e *Env) error {
	ref, before := e.made(ctx, "a")
	volumes := e.volumes(ctx)
	for _, id := range []string{"no-such-id", "00000000-0000-4000-8000-0000000000ff"} {
		nothing := providers.Ref{ID: id, Owner: ref.Owner}
		e.gone(ctx, nothing)
		if e.failed() {
			break
		}
		for name, err := range map[string]error{
			"start":       e.tryPower(ctx, nothing, providers.PowerStart),
			"stop":        e.tryPower(ctx, nothing, providers.PowerStop),
			"reconfigure": e.tryReconfigure(ctx, nothing, providers.Change{Tags: &[]string{"a"}}),
		} {
			if !providers.IsAbsent(err) {
				e.failf("%s of the id %q: %w", name, id, orNone(err))
			}
		}
		e.delete(ctx, nothing)
		e.untouched(ctx, "calls for another id", ref, before)
		e.sameVolumes("calls for another id", volumes, e.volumes(ctx))
	}
	return e.Err()
}

func absentByName(ctx context.Context, e *Env) error {
	ref, vm := e.made(ctx, "a")
	e.delete(ctx, ref)
	stranger := providers.Ref{ID: e.foreign(ctx, vm.Name), Owner: ref.Owner}
	before, volumes := e.describe(ctx, stranger), e.volumes(ctx)
	ours := providers.Ref{Owner: ref.Owner}
	e.gone(ctx, ours)
	if e.failed() {
		return e.Err()
	}
	for name, try := range e.changes() {
		err := try(ctx, ours)
		switch {
		case name == "delete" && err == nil:
		case !providers.IsAbsent(err) && providers.KindOf(err) != providers.Conflict:
			e.failf("%s by an owner whose name a stranger has: %w", name, orNone(err))
		}
		e.untouched(ctx, name+" by owner", stranger, before)
		e.sameVolumes(name+" by owner", volumes, e.volumes(ctx))
	}
	return e.Err()
}
