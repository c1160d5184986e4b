package memory_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/vmsteward/vmsteward/providers"
)

func deleteMutants() []mutant {
	// deleting runs more with the VM as it was before it was deleted.
	deleting := func(more func(b *broken, ref providers.Ref, vm *providers.VM)) func(b *broken) {
		return func(b *broken) {
			b.delete = func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				vm, _ := b.Provider.Describe(ctx, ref)
				task, err := b.Provider.Delete(ctx, ref)
				if err == nil && vm != nil {
					more(b, ref, vm)
				}
				return task, err
			}
		}
	}
	return append(sweepMutants(), []mutant{
		{"delete-needs-power-off", "delete stops a VM that runs", func(b *broken) {
			b.delete = func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				_, _ = b.Provider.Power(ctx, ref, providers.PowerStop)
				return b.Provider.Delete(ctx, ref)
			}
		}},
		{"delete-removes-its-own-only", "delete leaves the volumes", deleting(func(b *broken, ref providers.Ref, _ *providers.VM) {
			_, _ = b.o.LeaveVolume(ref.Owner, "root", 1)
		})},
		{"delete-removes-its-own-only", "delete removes every volume of the fleet", deleting(func(b *broken, _ providers.Ref, _ *providers.VM) {
			for _, name := range b.o.Volumes() {
				_ = b.o.RemoveVolume(name)
			}
		})},
		{"delete-removes-its-own-only", "delete takes a neighbour along", deleting(func(b *broken, ref providers.Ref, _ *providers.VM) {
			_ = b.o.Undefine(strings.TrimSuffix(ref.Owner.VM.Name, "-a") + "-b")
		})},
		{"delete-removes-added-disks", "delete knows only the disks of the manifest", deleting(func(b *broken, ref providers.Ref, vm *providers.VM) {
			if slices.ContainsFunc(vm.Config.Disks, func(d providers.Disk) bool { return d.Name == "more" }) {
				_, _ = b.o.LeaveVolume(ref.Owner, "more", 1)
			}
		})},
		{"delete-twice-is-once", "delete of an absent VM is an error", func(b *broken) {
			b.delete = func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				if ref.ID != "" && !b.exists(ctx, ref) {
					return "", failure(providers.NotFound)
				}
				return b.Provider.Delete(ctx, ref)
			}
		}},
		{"deleted-can-be-made-again", "a deleted VM's name stays taken", func(b *broken) {
			gone := map[providers.Owner]bool{}
			deleting(func(_ *broken, ref providers.Ref, _ *providers.VM) { gone[ref.Owner] = true })(b)
			b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
				if gone[req.Owner] {
					return providers.CreateResult{}, failure(providers.Conflict)
				}
				return b.Provider.Create(ctx, req)
			}
		}},
	}...)
}

func sweepMutants() []mutant {
	return []mutant{
		{"leftovers-are-listed-and-swept", "leftovers are not listed", func(b *broken) {
			b.listed(func(inv *providers.Inventory) { inv.Leftovers = nil })
		}},
		{"leftovers-are-listed-and-swept", "sweep does nothing", func(b *broken) {
			b.sweep = func(context.Context, providers.Leftover) error { return nil }
		}},
		{"leftovers-are-listed-and-swept", "the second sweep is an error", func(b *broken) {
			b.sweep = func(ctx context.Context, left providers.Leftover) error {
				if !slices.Contains(b.o.Volumes(), left.ID) {
					return failure(providers.NotFound)
				}
				return b.Provider.Sweep(ctx, left)
			}
		}},
		{"volumes-in-use-are-not-swept", "sweep does not look again", func(b *broken) {
			b.sweep = func(_ context.Context, left providers.Leftover) error { return b.o.RemoveVolume(left.ID) }
		}},
		{"volumes-in-use-are-not-swept", "a volume in use is listed as a leftover", func(b *broken) {
			b.listed(func(inv *providers.Inventory) {
				for _, vm := range inv.VMs {
					inv.Leftovers = append(inv.Leftovers, providers.Leftover{ID: vm.Config.Disks[0].Origin, Owner: vm.Mark.Owner})
				}
			})
		}},
		{"other-fleets-leftovers-are-not-ours", "sweep asks for no fleet", func(b *broken) {
			b.sweep = func(_ context.Context, left providers.Leftover) error { return b.o.RemoveVolume(left.ID) }
		}},
		{"other-fleets-leftovers-are-not-ours", "list shows leftovers of every fleet", func(b *broken) {
			b.listed(func(inv *providers.Inventory) {
				for _, name := range b.o.Volumes() {
					if p := strings.Split(name, "/"); len(p) == 4 {
						o := providers.Owner{Fleet: p[0]}
						o.VM.Namespace, o.VM.Name = p[1], p[2]
						inv.Leftovers = append(inv.Leftovers, providers.Leftover{ID: name, Owner: o})
					}
				}
			})
		}},
	}
}

func callMutants() []mutant {
	return append(connectionMutants(), []mutant{
		{"a-cancelled-context-does-nothing", "calls go on without their context", func(b *broken) {
			b.around = func(ctx context.Context, call func(context.Context) error) error {
				return call(context.WithoutCancel(ctx))
			}
		}},
		{"a-cancelled-context-does-nothing", "context errors are wrapped in the provider's", func(b *broken) {
			b.around = func(ctx context.Context, call func(context.Context) error) error {
				err := call(ctx)
				if errors.Is(err, context.Canceled) {
					err = &providers.Error{Kind: providers.Unavailable, Err: err}
				}
				return err
			}
		}},
		{"a-cancelled-context-does-nothing", "create ignores its context", func(b *broken) {
			b.create = func(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
				res, err := b.Provider.Create(context.WithoutCancel(ctx), req)
				return res, errors.Join(err, ctx.Err())
			}
		}},
		{"deadlines-are-honoured", "calls return a minute after their deadline", func(b *broken) {
			b.around = func(ctx context.Context, call func(context.Context) error) error {
				err := call(ctx)
				if ctx.Err() != nil {
					<-time.After(time.Minute)
				}
				return err
			}
		}},
		{"deadlines-are-honoured", "a deadline is a lost connection", func(b *broken) {
			b.around = func(ctx context.Context, call func(context.Context) error) error {
				err := call(ctx)
				if ctx.Err() != nil {
					return failure(providers.Unavailable)
				}
				return err
			}
		}},
		{"errors-have-kinds", "errors are texts", func(b *broken) {
			b.around = func(ctx context.Context, call func(context.Context) error) error {
				err := call(ctx)
				if providers.KindOf(err) == providers.InvalidSpec {
					return errors.New(err.Error())
				}
				return err
			}
		}},
	}...)
}

func connectionMutants() []mutant {
	return []mutant{
		{"a-lost-connection-is-unavailable", "nothing is found on a lost connection", func(b *broken) {
			b.describe = func(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
				vm, err := b.Provider.Describe(ctx, ref)
				if providers.KindOf(err) == providers.Unavailable {
					err = failure(providers.NotFound)
				}
				return vm, err
			}
		}},
		{"a-lost-connection-is-unavailable", "a connection once lost stays lost", func(b *broken) {
			lost := false
			b.around = func(ctx context.Context, call func(context.Context) error) error {
				if lost {
					return failure(providers.Unavailable)
				}
				err := call(ctx)
				lost = providers.KindOf(err) == providers.Unavailable
				return err
			}
		}},
		{"everything-survives-a-restart", "a connection knows only the VMs that it made", func(b *broken) {
			made := map[providers.Owner]bool{}
			b.created(func(_ string, req providers.CreateRequest) { made[req.Owner] = true })
			b.describe = func(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
				if !made[ref.Owner] {
					return nil, failure(providers.NotFound)
				}
				return b.Provider.Describe(ctx, ref)
			}
		}},
		{"everything-survives-a-restart", "a connection knows only the tasks that it began", func(b *broken) {
			began := map[providers.TaskRef]bool{}
			b.powered(providers.PowerShutdown, func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				task, err := b.Provider.Power(ctx, ref, providers.PowerShutdown)
				began[task] = true
				return task, err
			})
			b.task = func(ctx context.Context, ref providers.TaskRef) (bool, error) {
				if !began[ref] {
					return true, nil
				}
				return b.Provider.IsTaskComplete(ctx, ref)
			}
		}},
	}
}
