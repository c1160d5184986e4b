package providertest

import (
	"context"
	"slices"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// addDisk returns the change that adds a disk of a name.
func addDisk(e *Env, name string) providers.Change {
	return providers.Change{AddDisks: []manifest.Disk{e.Disk(name)}}
}

func sweepChecks() []Check {
	return []Check{{
		"leftovers-are-listed-and-swept", "A volume of ours without a VM is listed as a leftover of its owner, and Sweep removes it, twice as well as once.",
		sweepLeftover,
	}, {
		"volumes-in-use-are-not-swept", "Sweep does not remove a volume whose owner has a VM.",
		func(ctx context.Context, e *Env) error {
			s, can := providers.As[providers.Sweeper](e.P)
			if !e.need(can && e.Outside.Volumes != nil, "Sweeper or Volumes hook") {
				return e.Err()
			}
			ref, vm := e.made(ctx, "a")
			volumes := e.volumes(ctx)
			for _, left := range e.leftovers(ctx, ref.Owner) {
				e.failf("volume %s of a VM is listed as a leftover", left.ID)
			}
			for _, d := range vm.Config.Disks {
				_ = s.Sweep(ctx, providers.Leftover{ID: d.Origin, Owner: ref.Owner})
			}
			e.sameVolumes("sweeping volumes in use", volumes, e.volumes(ctx))
			return e.Err()
		},
	}, {
		"other-fleets-leftovers-are-not-ours", "A volume that carries the owner of another fleet is neither listed nor swept.", sweepOther,
	}}
}

// leftovers returns the owner's part of the list.
func (e *Env) leftovers(ctx context.Context, o providers.Owner) []providers.Leftover {
	return slices.DeleteFunc(e.list(ctx).Leftovers, func(l providers.Leftover) bool { return l.Owner != o })
}

// leaveVolume makes a volume without a VM, which is removed with the check.
func (e *Env) leaveVolume(ctx context.Context, o providers.Owner) {
	if e.failed() {
		return
	}
	remove, err := e.Outside.LeaveVolume(ctx, o)
	if e.ok("LeaveVolume hook", err) && remove != nil {
		e.undo = append(e.undo, remove)
	}
}

func sweepLeftover(ctx context.Context, e *Env) error {
	s, can := providers.As[providers.Sweeper](e.P)
	if !e.need(can && e.Outside.LeaveVolume != nil, "Sweeper or LeaveVolume hook") {
		return e.Err()
	}
	o := e.owner(ctx, "a")
	volumes := e.volumes(ctx)
	e.leaveVolume(ctx, o)
	left := e.leftovers(ctx, o)
	if !e.failed() && len(left) != 1 {
		e.failf("one volume was left of %s and %d are listed", o, len(left))
	}
	for range 2 {
		for _, l := range left {
			e.ok("sweep", e.call(ctx, func(ctx context.Context) error { return s.Sweep(ctx, l) }))
		}
	}
	if again := e.leftovers(ctx, o); !e.failed() && len(again) > 0 {
		e.failf("%d leftovers are listed after the sweep", len(again))
	}
	e.sameVolumes("leaving a volume and sweeping it", volumes, e.volumes(ctx))
	return e.Err()
}

func sweepOther(ctx context.Context, e *Env) error {
	s, can := providers.As[providers.Sweeper](e.P)
	if !e.need(can && e.Outside.LeaveVolume != nil && e.Outside.Volumes != nil, "Sweeper, LeaveVolume or Volumes hook") {
		return e.Err()
	}
	o := e.owner(ctx, "a")
	o.Fleet = "other-" + o.Fleet
	without := e.volumes(ctx)
	e.leaveVolume(ctx, o)
	with := e.volumes(ctx)
	if left := e.leftovers(ctx, o); len(left) > 0 {
		e.failf("a volume of fleet %s is listed as our leftover", o.Fleet)
	}
	for _, name := range with {
		if !slices.Contains(without, name) && !e.failed() {
			err := s.Sweep(ctx, providers.Leftover{ID: name, Owner: o})
			e.refused("sweep of another fleet's volume", err, providers.Conflict)
		}
	}
	e.sameVolumes("a refused sweep", with, e.volumes(ctx))
	return e.Err()
}
