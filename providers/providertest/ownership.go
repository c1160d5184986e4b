package providertest

import (
	"context"
	"time"

	"github.com/vmsteward/vmsteward/providers"
)

func ownershipChecks() []Check {
	return []Check{{
		"strangers-are-never-changed", "Power, Reconfigure and Delete of a VM without a mark are a Conflict and change nothing.",
		func(ctx context.Context, e *Env) error {
			o := e.owner(ctx, "stranger")
			ref := providers.Ref{ID: e.foreign(ctx, o.VM.Name), Owner: o}
			e.defended(ctx, ref, ref)
			return e.Err()
		},
	}, {
		"other-fleets-are-never-changed", "A VM with the mark of another fleet, or of another VM, is a Conflict for every change.",
		func(ctx context.Context, e *Env) error {
			ref, _ := e.made(ctx, "a")
			fleet, name := ref, ref
			fleet.Owner.Fleet = "other-" + ref.Owner.Fleet
			name.Owner.VM.Name = "other-" + ref.Owner.VM.Name
			e.defended(ctx, ref, fleet)
			e.defended(ctx, ref, name)
			return e.Err()
		},
	}, {
		"a-removed-mark-is-respected", "A VM of ours whose mark somebody removed is not ours any more: no call changes it or its volumes.",
		ownershipRemoved,
	}, {
		"marks-of-other-fleets-are-shown", "A VM of our identity with the mark of another fleet is reported with that mark, and is a Conflict for every call.",
		ownershipOther,
	}}
}

// defended expects every change through one reference to be a Conflict, and
// the VM that another reference describes to stay as it is.
func (e *Env) defended(ctx context.Context, see, act providers.Ref) {
	before, volumes := e.describe(ctx, see), e.volumes(ctx)
	if e.failed() {
		return
	}
	for name, try := range e.changes() {
		err := try(ctx, act)
		e.refused(name+" of a VM that is not ours", err, providers.Conflict)
		e.untouched(ctx, name, see, before)
		e.sameVolumes(name, volumes, e.volumes(ctx))
	}
}

// changes are the calls that change a VM which is off.
func (e *Env) changes() map[string]func(context.Context, providers.Ref) error {
	power := func(op providers.PowerOp) func(context.Context, providers.Ref) error {
		return func(ctx context.Context, ref providers.Ref) error { return e.tryPower(ctx, ref, op) }
	}
	return map[string]func(context.Context, providers.Ref) error{
		"start": power(providers.PowerStart),
		"stop":  power(providers.PowerStop),
		"reconfigure": func(ctx context.Context, ref providers.Ref) error {
			cpu := 3
			return e.tryReconfigure(ctx, ref, providers.Change{CPU: &cpu})
		},
		"retire": func(ctx context.Context, ref providers.Ref) error {
			since := time.Unix(1700000000, 0)
			return e.tryReconfigure(ctx, ref, providers.Change{Retired: &since})
		},
		"delete": e.tryDelete,
	}
}

func ownershipRemoved(ctx context.Context, e *Env) error {
	ref, vm := e.made(ctx, "a")
	if !e.need(e.Outside.SetMark != nil, "SetMark hook") {
		return e.Err()
	}
	e.ok("SetMark hook", e.Outside.SetMark(ctx, ref.ID, nil))
	e.undo = append(e.undo, func(ctx context.Context) error { return e.Outside.SetMark(ctx, ref.ID, vm.Mark) })
	e.defended(ctx, ref, ref)
	before, volumes := e.describe(ctx, ref), e.volumes(ctx)
	if e.failed() {
		return e.Err()
	}
	if before.Mark != nil {
		e.failf("the mark that was removed is still reported")
	}
	// By owner alone the VM may be absent or a Conflict; it stays in any case.
	_ = e.tryDelete(ctx, providers.Ref{Owner: ref.Owner})
	_ = e.tryPower(ctx, providers.Ref{Owner: ref.Owner}, providers.PowerStart)
	e.untouched(ctx, "a call by owner", ref, before)
	_, err := e.P.Create(ctx, providers.CreateRequest{Owner: ref.Owner, VM: e.wanted(ref.Owner)})
	e.refused("create beside the unmarked VM", err, providers.Conflict)
	e.untouched(ctx, "create", ref, before)
	e.sameVolumes("calls for an unmarked VM", volumes, e.volumes(ctx))
	if s, sweeps := providers.As[providers.Sweeper](e.P); sweeps {
		for _, left := range e.glance(ctx).Leftovers {
			if left.Owner == ref.Owner {
				e.failf("volume %s of an unmarked VM is listed as a leftover", left.ID)
			}
		}
		for _, d := range before.Config.Disks {
			_ = s.Sweep(ctx, providers.Leftover{ID: d.Origin, Owner: ref.Owner})
		}
		e.sameVolumes("sweeping volumes in use", volumes, e.volumes(ctx))
	}
	return e.Err()
}

func ownershipOther(ctx context.Context, e *Env) error {
	ref, vm := e.made(ctx, "a")
	if !e.need(e.Outside.SetMark != nil, "SetMark hook") || vm.Mark == nil {
		return e.Err()
	}
	theirs := *vm.Mark
	theirs.Owner.Fleet = "other-" + e.Fleet
	e.ok("SetMark hook", e.Outside.SetMark(ctx, ref.ID, &theirs))
	e.undo = append(e.undo, func(ctx context.Context) error { return e.Outside.SetMark(ctx, ref.ID, vm.Mark) })
	shown := map[string]string{"mark.owner": theirs.Owner.String()}
	e.holds("a VM of another fleet", factsOf(e.describe(ctx, ref)), shown)
	if _, lists := providers.As[providers.Lister](e.P); lists {
		listed, _ := e.listed(ctx, ref.ID)
		e.holds("a VM of another fleet in a list", factsOf(&listed), shown)
	}
	e.defended(ctx, ref, ref)
	before := e.describe(ctx, ref)
	if e.failed() {
		return e.Err()
	}
	e.refused("create beside the VM of another fleet", e.tryCreate(ctx, ref.Owner), providers.Conflict)
	e.untouched(ctx, "create", ref, before)
	return e.Err()
}
