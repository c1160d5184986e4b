package providertest

import (
	"context"
	"slices"

	"github.com/vmsteward/vmsteward/manifest"
)

func attachedChecks() []Check {
	return []Check{{
		"delete-leaves-attached-disks", "Delete leaves the volume of a disk that somebody else attached.", attachedLeft,
	}, {
		"delete-leaves-imported-disks", "A VM can boot from an existing disk, and Delete leaves that disk.", importedLeft,
	}}
}

func attachedLeft(ctx context.Context, e *Env) error {
	if !e.need(e.Outside.AttachDisk != nil && e.Outside.Volumes != nil, "AttachDisk hook or Volumes hook") {
		return e.Err()
	}
	o := e.owner(ctx, "a")
	without := e.volumes(ctx)
	ref := e.create(ctx, o, e.wanted(o))
	with := e.volumes(ctx)
	if e.failed() {
		return e.Err()
	}
	remove, err := e.Outside.AttachDisk(ctx, ref.ID)
	if e.ok("AttachDisk hook", err) {
		e.undo = append(e.undo, remove)
	}
	all := e.volumes(ctx)
	if !e.failed() && len(all) != len(with)+1 {
		e.failf("the AttachDisk hook made %d volumes, want 1", len(all)-len(with))
	}
	theirs := slices.DeleteFunc(slices.Clone(all), func(name string) bool {
		return slices.Contains(with, name) && !slices.Contains(without, name)
	})
	e.delete(ctx, ref)
	e.gone(ctx, ref)
	e.sameVolumes("deleting a VM with a disk of somebody else's", theirs, e.volumes(ctx))
	return e.Err()
}

func importedLeft(ctx context.Context, e *Env) error {
	if !e.need(e.Outside.ImportDisk != nil && e.Outside.Volumes != nil, "ImportDisk hook or Volumes hook") {
		return e.Err()
	}
	disk, remove, err := e.Outside.ImportDisk(ctx)
	if !e.ok("ImportDisk hook", err) {
		return e.Err()
	}
	e.undo = append(e.undo, remove)
	volumes := e.volumes(ctx)
	ref, vm := e.madeAs(ctx, "a", func(vm *manifest.VM) {
		vm.Image, vm.Imported, vm.RootDisk = nil, &disk, manifest.RootDisk{}
	})
	e.holds("a VM with an imported disk", factsOf(vm), map[string]string{"config.disks[root].origin": "*"})
	e.delete(ctx, ref)
	e.gone(ctx, ref)
	e.sameVolumes("making and deleting a VM with an imported disk", volumes, e.volumes(ctx))
	return e.Err()
}
