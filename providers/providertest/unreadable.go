package providertest

import (
	"context"
	"fmt"
	"slices"

	"github.com/vmsteward/vmsteward/providers"
)

func unreadableChecks() []Check {
	return []Check{{
		"unreadable-is-not-absent", "A VM that cannot be read is an error other than NotFound, and its list is not complete.", unreadableRead,
	}, {
		"an-unreadable-vm-hides-no-other", "A list with a VM that cannot be read has every other one, and the problem names the one.", unreadableNeighbours,
	}, {
		"volumes-of-an-unreadable-vm-are-no-leftovers", "The volumes of a VM that cannot be read are neither listed as leftovers nor swept.",
		unreadableVolumes,
	}, {
		"calls-for-an-unreadable-vm-do-it-or-say-so", "A call for a VM that cannot be read does what it is for, or is an error other than NotFound and changes nothing.",
		unreadableCalls,
	}}
}

// blur makes a VM unreadable until the returned function is called, or the
// check ends.
func (e *Env) blur(ctx context.Context, id string) (sharpen func() error) {
	blurred := !e.failed() && e.ok("Blur hook", e.Outside.Blur(ctx, id, true))
	sharpen = func() error {
		if !blurred {
			return nil
		}
		blurred = false
		return e.Outside.Blur(context.WithoutCancel(ctx), id, false)
	}
	e.undo = append(e.undo, func(context.Context) error { return sharpen() })
	return sharpen
}

func unreadableRead(ctx context.Context, e *Env) error {
	if !e.need(e.Outside.Blur != nil, "Blur hook") {
		return e.Err()
	}
	ref, _ := e.made(ctx, "a")
	e.blur(ctx, ref.ID)
	if e.failed() {
		return e.Err()
	}
	vm, err := e.look(ctx, ref)
	if err == nil || providers.KindOf(err) == providers.NotFound {
		e.failf("describe of an unreadable VM returned %v, %v; want an error other than NotFound", vm, err)
	}
	if _, lists := providers.As[providers.Lister](e.P); !lists {
		return e.Err()
	}
	inv := e.list(ctx)
	listed := slices.ContainsFunc(inv.VMs, func(vm providers.VM) bool { return vm.ID == ref.ID })
	if !listed && (inv.Complete || len(inv.Problems) == 0) {
		e.failf("the list leaves out an unreadable VM, says complete = %t and names %d problems", inv.Complete, len(inv.Problems))
	}
	return e.Err()
}

func unreadableNeighbours(ctx context.Context, e *Env) error {
	if _, lists := providers.As[providers.Lister](e.P); !e.need(lists, "Lister") || !e.need(e.Outside.Blur != nil, "Blur hook") {
		return e.Err()
	}
	ref, vm := e.made(ctx, "a")
	other, kept := e.made(ctx, "b")
	on, runs := e.running(ctx, "c")
	e.blur(ctx, ref.ID)
	inv := e.list(ctx)
	for id, want := range map[string]*providers.VM{other.ID: kept, on.ID: runs} {
		got, found := e.listed(ctx, id)
		if !e.failed() && !found {
			e.failf("%s is not listed beside a VM that cannot be read", want.Name)
		}
		e.unchanged("listing beside a VM that cannot be read", want, &got)
	}
	named := func(p providers.Problem) bool { return p.Err != nil && (p.ID == ref.ID || p.Name == vm.Name) }
	listed := slices.ContainsFunc(inv.VMs, func(vm providers.VM) bool { return vm.ID == ref.ID })
	if !e.failed() && !listed && !slices.ContainsFunc(inv.Problems, named) {
		e.failf("no problem of the list names %s, which cannot be read: %+v", vm.Name, inv.Problems)
	}
	return e.Err()
}

func unreadableVolumes(ctx context.Context, e *Env) error {
	s, sweeps := providers.As[providers.Sweeper](e.P)
	if _, lists := providers.As[providers.Lister](e.P); !e.need(lists && sweeps, "Lister and Sweeper") || !e.need(e.Outside.Blur != nil, "Blur hook") {
		return e.Err()
	}
	ref, vm := e.made(ctx, "a")
	volumes := e.volumes(ctx)
	e.blur(ctx, ref.ID)
	for _, left := range e.leftovers(ctx, ref.Owner) {
		e.failf("volume %s of a VM that cannot be read is listed as a leftover", left.ID)
	}
	for _, d := range vm.Config.Disks {
		_ = s.Sweep(ctx, providers.Leftover{ID: d.Origin, Owner: ref.Owner})
	}
	e.sameVolumes("sweeping the volumes of a VM that cannot be read", volumes, e.volumes(ctx))
	return e.Err()
}

func unreadableCalls(ctx context.Context, e *Env) error {
	if !e.need(e.Outside.Blur != nil, "Blur hook") {
		return e.Err()
	}
	tags := &[]string{"other"}
	for _, c := range []struct {
		name string
		call func(ref providers.Ref) error
		done func(ref providers.Ref, before *providers.VM)
	}{
		{"create", func(ref providers.Ref) error { return e.tryCreate(ctx, ref.Owner) }, func(ref providers.Ref, before *providers.VM) {
			e.untouched(ctx, "create of a VM that cannot be read", ref, before)
		}},
		{"start", func(ref providers.Ref) error { return e.tryPower(ctx, ref, providers.PowerStart) }, func(ref providers.Ref, _ *providers.VM) {
			e.holds("a start", factsOf(e.describe(ctx, ref)), map[string]string{"power": string(providers.On)})
		}},
		{"reconfigure", func(ref providers.Ref) error { return e.tryReconfigure(ctx, ref, providers.Change{Tags: tags}) }, func(ref providers.Ref, _ *providers.VM) {
			if e.observes(providers.FieldTags) {
				e.holds("new tags", factsOf(e.describe(ctx, ref)), map[string]string{"tags": fmt.Sprint(*tags)})
			}
		}},
		{"delete", func(ref providers.Ref) error { return e.tryDelete(ctx, ref) }, func(ref providers.Ref, _ *providers.VM) {
			e.gone(ctx, ref)
		}},
	} {
		ref, before := e.made(ctx, c.name)
		sharpen := e.blur(ctx, ref.ID)
		if e.failed() {
			break
		}
		err := c.call(ref)
		if still := sharpen(); c.name != "delete" || err != nil {
			e.ok("Blur hook", still)
		}
		switch {
		case err == nil:
			c.done(ref, before)
		case providers.KindOf(err) == providers.NotFound:
			e.failf("%s of a VM that cannot be read: %w", c.name, err)
		default:
			e.untouched(ctx, c.name+", which was refused,", ref, before)
		}
		if c.name == "create" {
			e.onlyOne(ctx, ref.Owner)
		}
	}
	return e.Err()
}
