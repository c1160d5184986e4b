package memory_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
)

// absentMutants mistake what is not there, not ours or not readable.
func absentMutants() []mutant {
	const byID, byName = "an-id-of-nothing-is-absent", "strangers-are-not-found-by-name"
	// byOwner looks for an id that is not there by the owner.
	byOwner := func(b *broken, ref providers.Ref) providers.Ref {
		if !b.exists(context.Background(), ref) {
			ref.ID = ""
		}
		return ref
	}
	return slices.Concat(unreadableMutants(), missingMutants(), []mutant{
		{byID, "describe falls back to the owner", func(b *broken) {
			b.describe = func(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
				return b.Provider.Describe(ctx, byOwner(b, ref))
			}
		}},
		{byID, "delete falls back to the owner", func(b *broken) {
			b.delete = func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				return b.Provider.Delete(ctx, byOwner(b, ref))
			}
		}},
		{byID, "an id that cannot be read is a wrong manifest", func(b *broken) {
			b.power = func(ctx context.Context, ref providers.Ref, op providers.PowerOp) (providers.TaskRef, error) {
				task, err := b.Provider.Power(ctx, ref, op)
				if ref.ID == "no-such-id" {
					err = failure(providers.InvalidSpec)
				}
				return task, err
			}
		}},
		{byName, "describe by owner looks for the name", func(b *broken) {
			b.describe = func(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
				vm, err := b.Provider.Describe(ctx, ref)
				if inv, why := b.Provider.List(ctx); providers.IsAbsent(err) && why == nil && ref.ID == "" {
					for _, vm := range inv.VMs {
						if vm.Name == ref.Owner.VM.Name {
							return &vm, nil
						}
					}
				}
				return vm, err
			}
		}},
		{byName, "delete by owner undefines what has the name", func(b *broken) {
			b.delete = func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				task, err := b.Provider.Delete(ctx, ref)
				if ref.ID == "" {
					_ = b.o.Undefine(ref.Owner.VM.Name)
				}
				return task, err
			}
		}},
		{"marks-of-other-fleets-are-shown", "the marks of other fleets are hidden", func(b *broken) {
			b.seen(func(vm *providers.VM) {
				if vm.Mark != nil && vm.Mark.Owner.Fleet != fleet {
					vm.Mark = nil
				}
			})
		}},
		{"marks-of-other-fleets-are-shown", "list takes every mark for one of ours", func(b *broken) {
			b.listed(func(inv *providers.Inventory) {
				for i := range inv.VMs {
					if inv.VMs[i].Mark != nil {
						inv.VMs[i].Mark.Owner.Fleet = fleet
					}
				}
			})
		}},
		{"marks-of-other-fleets-are-shown", "create takes the VM over", func(b *broken) {
			b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
				_ = b.o.SetMark(req.Owner.UUID().String(), &providers.Mark{Owner: req.Owner})
				return b.Provider.Create(ctx, req)
			}
		}},
	})
}

func missingMutants() []mutant {
	const create, change = "create-names-a-missing-network", "reconfigure-names-a-missing-network"
	return []mutant{
		{create, "a missing network looks like an absent VM", func(b *broken) {
			b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
				res, err := b.Provider.Create(ctx, req)
				if providers.KindOf(err) == providers.NotFound {
					err = failure(providers.NotFound)
				}
				return res, err
			}
		}},
		{create, "a VM without a network is better than none", func(b *broken) {
			b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
				res, err := b.Provider.Create(ctx, req)
				if providers.KindOf(err) == providers.NotFound {
					vm := *req.VM
					vm.NICs = nil
					_, _ = b.Provider.Create(ctx, providers.CreateRequest{Owner: req.Owner, VM: &vm})
				}
				return res, err
			}
		}},
		{change, "a missing network is a wrong manifest", func(b *broken) {
			b.reconfigure = func(ctx context.Context, ref providers.Ref, ch providers.Change) (providers.TaskRef, error) {
				task, err := b.Provider.Reconfigure(ctx, ref, ch)
				if providers.KindOf(err) == providers.NotFound {
					err = failure(providers.InvalidSpec)
				}
				return task, err
			}
		}},
		{change, "the disk is added before the network is looked for", func(b *broken) {
			b.reconfigure = func(ctx context.Context, ref providers.Ref, ch providers.Change) (providers.TaskRef, error) {
				_, _ = b.Provider.Reconfigure(ctx, ref, providers.Change{AddDisks: ch.AddDisks})
				return b.Provider.Reconfigure(ctx, ref, ch)
			}
		}},
	}
}

// blurred tells whether the VM is there and cannot be read.
func (b *broken) blurred(ref providers.Ref) bool {
	_, err := b.Provider.Describe(context.Background(), ref)
	return providers.KindOf(err) == providers.Retryable
}

func unreadableMutants() []mutant {
	const hides, left, calls = "an-unreadable-vm-hides-no-other", "volumes-of-an-unreadable-vm-are-no-leftovers",
		"calls-for-an-unreadable-vm-do-it-or-say-so"
	return []mutant{
		{hides, "list ends at what it cannot read", func(b *broken) {
			b.listed(func(inv *providers.Inventory) {
				if len(inv.Problems) > 0 {
					inv.VMs = inv.VMs[:0]
				}
			})
		}},
		{hides, "what cannot be read is not named", func(b *broken) {
			b.listed(func(inv *providers.Inventory) { inv.Problems = nil })
		}},
		{hides, "beside what cannot be read, what runs is not seen", func(b *broken) {
			b.listed(func(inv *providers.Inventory) {
				for i := range inv.VMs {
					if len(inv.Problems) > 0 {
						inv.VMs[i].Running = nil
					}
				}
			})
		}},
		{left, "a volume whose VM is not listed is a leftover", func(b *broken) {
			b.listed(func(inv *providers.Inventory) {
				for _, p := range inv.Problems {
					o := owner(p.Name)
					o.VM.Namespace = "providertest"
					for _, name := range b.volumesOf(o) {
						inv.Leftovers = append(inv.Leftovers, providers.Leftover{ID: name, Owner: o})
					}
				}
			})
		}},
		{left, "sweep asks only VMs that it can read", func(b *broken) {
			b.sweep = func(ctx context.Context, left providers.Leftover) error {
				if b.blurred(providers.Ref{Owner: left.Owner}) {
					return b.o.RemoveVolume(left.ID)
				}
				return b.Provider.Sweep(ctx, left)
			}
		}},
		{calls, "delete of what cannot be read is done", func(b *broken) {
			b.delete = func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				if b.blurred(ref) {
					return "", nil
				}
				return b.Provider.Delete(ctx, ref)
			}
		}},
		{calls, "create makes another of what cannot be read", func(b *broken) {
			b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
				if !b.blurred(providers.Ref{Owner: req.Owner}) {
					return b.Provider.Create(ctx, req)
				}
				id, err := b.o.AddForeign(memory.Foreign{
					Name: fmt.Sprint(req.VM.Key.Name, "-2"), Mark: &providers.Mark{Owner: req.Owner},
				})
				return providers.CreateResult{ID: id}, err
			}
		}},
		{calls, "what cannot be read cannot be started because it is not there", func(b *broken) {
			b.powered(providers.PowerStart, func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				if b.blurred(ref) {
					return "", failure(providers.NotFound)
				}
				return b.Provider.Power(ctx, ref, providers.PowerStart)
			})
		}},
		{calls, "a change of what cannot be read is half done and refused", func(b *broken) {
			b.reconfigure = func(ctx context.Context, ref providers.Ref, ch providers.Change) (providers.TaskRef, error) {
				blurred := b.blurred(ref)
				task, err := b.Provider.Reconfigure(ctx, ref, ch)
				if blurred {
					err = failure(providers.Retryable)
				}
				return task, err
			}
		}},
	}
}
