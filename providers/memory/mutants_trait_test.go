package memory_test

import (
	"context"
	"maps"

	"github.com/vmsteward/vmsteward/providers"
)

// traitFields are the traits of the suite's VM by the name of their check.
func traitFields() map[string]providers.Field {
	return map[string]providers.Field{
		"cpu-hot-add": providers.FieldCPUHotAdd, "memory-hot-add": providers.FieldMemoryHotAdd,
		"secure-boot": providers.FieldSecureBoot, "tpm": providers.FieldTPM, "vtd": providers.FieldVTd,
		"vbs": providers.FieldVBS, "nested-virtualization": providers.FieldNestedVirt,
		"cpu-limit": providers.FieldCPULimit, "cpu-reservation": providers.FieldCPUReservation, "cpu-shares": providers.FieldCPUShares,
		"memory-limit": providers.FieldMemoryLimit, "memory-reservation": providers.FieldMemoryReservation,
		"root-disk-type": providers.FieldRootDiskType, "disk-type": "disks[data].type",
		"disk-bus": "disks[data].scsi.controller", "disk-controller": "disks[data].scsi.type",
		"disk-sharing": "disks[data].scsi.sharedBus", "nic-slot": "nics[eth0].pciSlot",
		"extra-config":                    "extraConfig[providertest.kept]",
		"extra-config-that-is-new":        "extraConfig[providertest.another]",
		"extra-config-that-is-taken-away": "extraConfig[providertest.kept]",
	}
}

// retraited breaks the traits of a change on their way in.
func (b *broken) retraited(spoil func(ch *providers.Change, traits providers.Traits)) {
	b.altered(func(ch *providers.Change) {
		if len(ch.Traits) > 0 {
			ch.Traits = maps.Clone(ch.Traits)
			spoil(ch, ch.Traits)
		}
	})
}

func traitMutants() []mutant {
	var all []mutant
	for name, field := range traitFields() {
		all = append(all,
			mutant{"reconfigure-" + name, "the trait is forgotten", func(b *broken) {
				b.retraited(func(_ *providers.Change, traits providers.Traits) { delete(traits, field) })
			}},
			mutant{"reconfigure-" + name, "the trait is there and is not reported", func(b *broken) {
				b.seen(func(vm *providers.VM) {
					vm.Config.Traits = maps.Clone(vm.Config.Traits)
					delete(vm.Config.Traits, field)
					if name == "extra-config-that-is-taken-away" {
						vm.Config.Traits[field] = "1"
					}
				})
			}},
			mutant{"reconfigure-" + name, "a key of extraConfig comes with it", func(b *broken) {
				b.retraited(func(_ *providers.Change, traits providers.Traits) { traits["extraConfig[more]"] = "1" })
			}})
	}
	for _, name := range []string{
		"cpu-limit", "cpu-reservation", "cpu-shares", "memory-limit", "memory-reservation",
		"extra-config", "extra-config-that-is-new", "extra-config-that-is-taken-away",
	} {
		all = append(all,
			mutant{"reconfigure-" + name, "live changes only the definition", func(b *broken) {
				b.altered(func(ch *providers.Change) { ch.Live = false })
			}},
			mutant{"reconfigure-" + name, "every change is live", func(b *broken) {
				b.altered(func(ch *providers.Change) { ch.Live = true })
			}})
	}
	return append(append(all, createdTraitMutants()...), refusedTraitMutants()...)
}

func createdTraitMutants() []mutant {
	const check, once = "create-sets-traits", "reconfigure-traits-at-once"
	return []mutant{
		{check, "create forgets a trait", func(b *broken) {
			b.created(func(id string, _ providers.CreateRequest) { _ = b.o.SetTrait(id, providers.FieldTPM, "false", false) })
		}},
		{check, "a trait is reported in another text", func(b *broken) {
			b.seen(func(vm *providers.VM) {
				vm.Config.Traits = maps.Clone(vm.Config.Traits)
				vm.Config.Traits[providers.FieldCPUShares] += " MHz"
			})
		}},
		{check, "every key that the hypervisor keeps is reported", func(b *broken) {
			b.created(func(id string, _ providers.CreateRequest) {
				_ = b.o.SetTrait(id, "extraConfig[svga.present]", "TRUE", false)
			})
		}},
		{check, "list leaves out the traits", func(b *broken) {
			b.listed(func(inv *providers.Inventory) {
				for i := range inv.VMs {
					inv.VMs[i].Config.Traits = nil
				}
			})
		}},
		{once, "the first trait wins", func(b *broken) {
			b.retraited(func(ch *providers.Change, traits providers.Traits) {
				maps.DeleteFunc(traits, func(f providers.Field, _ string) bool { return f != providers.FieldTPM })
			})
		}},
		{once, "traits push the rest of the change out", func(b *broken) {
			b.retraited(func(ch *providers.Change, traits providers.Traits) { *ch = providers.Change{Traits: traits} })
		}},
		{once, "traits bring more memory", func(b *broken) {
			b.retraited(func(ch *providers.Change, _ providers.Traits) { ch.MemoryMiB = new(int64(8192)) })
		}},
		{"unknown-is-not-zero", "a trait that is not known is empty", func(b *broken) {
			b.seen(func(vm *providers.VM) { vm.Config.Traits = providers.Traits{providers.FieldTPM: ""} })
		}},
	}
}

func refusedTraitMutants() []mutant {
	const check = "traits-that-cannot-be-set-are-refused"
	refusing := func(then func(b *broken, ref providers.Ref, ch providers.Change, err error) error) func(*broken) {
		return func(b *broken) {
			b.reconfigure = func(ctx context.Context, ref providers.Ref, ch providers.Change) (providers.TaskRef, error) {
				task, err := b.Provider.Reconfigure(ctx, ref, ch)
				if err != nil && len(ch.Traits) > 0 {
					err = then(b, ref, ch, err)
				}
				return task, err
			}
		}
	}
	return []mutant{
		{check, "what cannot be set is passed over in silence", refusing(func(*broken, providers.Ref, providers.Change, error) error {
			return nil
		})},
		{check, "a refused trait looks like a busy endpoint", refusing(func(*broken, providers.Ref, providers.Change, error) error {
			return failure(providers.Retryable)
		})},
		{check, "the rest of a refused change is done", refusing(func(b *broken, ref providers.Ref, ch providers.Change, err error) error {
			ch.Traits = nil
			_, _ = b.Provider.Reconfigure(context.Background(), ref, ch)
			return err
		})},
		{check, "any text will do", func(b *broken) {
			b.reconfigure = func(ctx context.Context, ref providers.Ref, ch providers.Change) (providers.TaskRef, error) {
				for f, text := range ch.Traits {
					_ = b.o.SetTrait(ref.ID, f, text, false)
				}
				ch.Traits = nil
				return b.Provider.Reconfigure(ctx, ref, ch)
			}
		}},
	}
}
