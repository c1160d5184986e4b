package memory_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/vmsteward/vmsteward/providers"
)

func describeMutants() []mutant {
	return append(memoryMutants(), []mutant{
		{"describe-absent-is-not-found", "an absent VM is described as off", func(b *broken) {
			b.describe = func(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
				vm, err := b.Provider.Describe(ctx, ref)
				if providers.IsAbsent(err) {
					return &providers.VM{Power: providers.Off}, nil
				}
				return vm, err
			}
		}},
		{"describe-by-id-and-by-owner", "describe needs an id", func(b *broken) {
			b.describe = func(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
				if ref.ID == "" {
					return nil, failure(providers.NotFound)
				}
				return b.Provider.Describe(ctx, ref)
			}
		}},
		{"describe-by-id-and-by-owner", "describe by owner takes any VM of the fleet", func(b *broken) {
			b.describe = func(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
				if inv, err := b.Provider.List(ctx); err == nil && ref.ID == "" && len(inv.VMs) > 1 {
					return &inv.VMs[1], nil
				}
				return b.Provider.Describe(ctx, ref)
			}
		}},
		{"describe-changes-nothing", "describe leaves a volume", func(b *broken) {
			b.seen(func(vm *providers.VM) { _ = b.o.AddVolume(fmt.Sprint(vm.ID, "-snapshot-", len(b.o.Volumes())), 1) })
		}},
		{"describe-shows-the-unmarked", "describe hides what is not ours", func(b *broken) {
			b.describe = func(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
				vm, err := b.Provider.Describe(ctx, ref)
				if err == nil && vm.Mark == nil {
					return nil, failure(providers.NotFound)
				}
				return vm, err
			}
		}},
		{"describe-shows-the-unmarked", "describe takes the mark from the request", func(b *broken) {
			b.describe = func(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
				vm, err := b.Provider.Describe(ctx, ref)
				if err == nil && vm.Mark == nil {
					vm.Mark = &providers.Mark{Owner: ref.Owner}
				}
				return vm, err
			}
		}},
		{"suspended-is-not-off", "describe knows only on and off", func(b *broken) {
			b.seen(func(vm *providers.VM) {
				if vm.Power != providers.On {
					vm.Power = providers.Off
				}
			})
		}},
		{"suspended-is-not-off", "list knows only on and off", func(b *broken) {
			b.listed(func(inv *providers.Inventory) {
				for i := range inv.VMs {
					if inv.VMs[i].Power == providers.Suspended {
						inv.VMs[i].Power = providers.On
					}
				}
			})
		}},
		{"suspended-is-not-off", "start leaves a suspended VM suspended", func(b *broken) {
			b.powered(providers.PowerStart, func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				if vm, err := b.Provider.Describe(ctx, ref); err == nil && vm.Power == providers.Suspended {
					return "", nil
				}
				return b.Provider.Power(ctx, ref, providers.PowerStart)
			})
		}},
		{"unreadable-is-not-absent", "what cannot be read is not there", func(b *broken) {
			b.describe = func(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
				vm, err := b.Provider.Describe(ctx, ref)
				if err != nil {
					return nil, failure(providers.NotFound)
				}
				return vm, nil
			}
		}},
		{"unreadable-is-not-absent", "a list with gaps is called complete", func(b *broken) {
			b.listed(func(inv *providers.Inventory) { inv.Complete = true })
		}},
		{"unknown-is-not-zero", "head-room that is not known is zero", func(b *broken) {
			b.seen(func(vm *providers.VM) { vm.Config.CPUMax = providers.Known(0) })
		}},
		{"unknown-is-not-zero", "a VM that is off has running hardware", func(b *broken) {
			b.listed(func(inv *providers.Inventory) {
				for i := range inv.VMs {
					inv.VMs[i].Running = &providers.Hardware{}
				}
			})
		}},
		{"unknown-is-not-zero", "a state is not in the contract's words", func(b *broken) {
			b.seen(func(vm *providers.VM) {
				if vm.Mark == nil {
					vm.Power = "shutoff"
				}
			})
		}},
	}...)
}

// memoryMutants answer from what they remember. Own calls make them forget.
func memoryMutants() []mutant {
	remember := func(b *broken, answer func(*providers.VM) *providers.VM) {
		known := map[string]*providers.VM{}
		b.describe = func(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
			if vm := known[ref.ID]; vm != nil {
				return answer(vm), nil
			}
			vm, err := b.Provider.Describe(ctx, ref)
			if err == nil {
				known[vm.ID] = vm
				return answer(vm), nil
			}
			return vm, err
		}
		b.power = func(ctx context.Context, ref providers.Ref, op providers.PowerOp) (providers.TaskRef, error) {
			clear(known)
			return b.Provider.Power(ctx, ref, op)
		}
		b.delete = func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
			clear(known)
			return b.Provider.Delete(ctx, ref)
		}
	}
	return []mutant{
		{"describe-changes-nothing", "describe hands out what it keeps", func(b *broken) {
			remember(b, func(vm *providers.VM) *providers.VM { return vm })
		}},
		{"describe-sees-outside-changes", "describe answers from memory", func(b *broken) {
			remember(b, func(vm *providers.VM) *providers.VM { c := *vm; return &c })
		}},
	}
}

func listMutants() []mutant {
	return []mutant{
		{"list-is-complete", "list stops at the first page", func(b *broken) {
			b.listed(func(inv *providers.Inventory) { inv.VMs = inv.VMs[:min(1, len(inv.VMs))] })
		}},
		{"list-is-complete", "list repeats a VM", func(b *broken) {
			b.listed(func(inv *providers.Inventory) { inv.VMs = append(inv.VMs, inv.VMs...) })
		}},
		{"list-is-complete", "list is never complete", func(b *broken) {
			b.listed(func(inv *providers.Inventory) { inv.Complete = false })
		}},
		{"list-is-complete", "list leaves out what runs", func(b *broken) {
			b.listed(func(inv *providers.Inventory) {
				for i := range inv.VMs {
					inv.VMs[i].Running = nil
				}
			})
		}},
		{"list-shows-strangers-unmarked", "list shows only ours", func(b *broken) {
			b.listed(func(inv *providers.Inventory) {
				inv.VMs = slices.DeleteFunc(inv.VMs, func(vm providers.VM) bool { return vm.Mark == nil })
			})
		}},
		{"list-shows-strangers-unmarked", "list marks by name", func(b *broken) {
			b.listed(func(inv *providers.Inventory) {
				for i := range inv.VMs {
					inv.VMs[i].Mark = &providers.Mark{Owner: owner(inv.VMs[i].Name)}
				}
			})
		}},
		{"list-follows-outside-changes", "list remembers every VM that it saw", func(b *broken) {
			known := map[string]providers.VM{}
			b.listed(func(inv *providers.Inventory) {
				for _, vm := range inv.VMs {
					known[vm.ID] = vm
				}
				inv.VMs = nil
				for _, vm := range known {
					inv.VMs = append(inv.VMs, vm)
				}
			})
		}},
	}
}
