package memory_test

import (
	"context"
	"reflect"
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

func ownershipMutants() []mutant {
	// claiming puts the owner's mark on whatever the reference means, before
	// the call, if the VM is one that the rule takes for ours.
	claiming := func(ours func(providers.Ref, *providers.VM) bool) func(b *broken) {
		return func(b *broken) {
			b.reconfigure = func(ctx context.Context, ref providers.Ref, ch providers.Change) (providers.TaskRef, error) {
				if vm, err := b.Provider.Describe(ctx, ref); err == nil && ours(ref, vm) {
					_ = b.o.SetMark(vm.ID, &providers.Mark{Owner: ref.Owner})
				}
				return b.Provider.Reconfigure(ctx, ref, ch)
			}
		}
	}
	sameID := func(ref providers.Ref, vm *providers.VM) bool { return vm.ID == ref.Owner.UUID().String() }
	all := []mutant{
		{"strangers-are-never-changed", "a VM of the name is taken for ours",
			claiming(func(ref providers.Ref, vm *providers.VM) bool { return vm.Name == ref.Owner.VM.Name })},
		{"other-fleets-are-never-changed", "the fleet of a mark is not looked at",
			claiming(func(ref providers.Ref, vm *providers.VM) bool {
				return vm.Mark != nil && vm.Mark.Owner.VM == ref.Owner.VM
			})},
		{"other-fleets-are-never-changed", "any mark will do",
			claiming(func(ref providers.Ref, vm *providers.VM) bool { return vm.Mark != nil && vm.Mark.Owner != ref.Owner })},
		{"a-removed-mark-is-respected", "a VM of our identity is taken for ours", claiming(sameID)},
		{"a-removed-mark-is-respected", "volumes are swept because no mark claims them", func(b *broken) {
			b.sweep = func(_ context.Context, left providers.Leftover) error { return b.o.RemoveVolume(left.ID) }
		}},
		{"a-removed-mark-is-respected", "delete by owner removes volumes that are in use", func(b *broken) {
			b.delete = func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				task, err := b.Provider.Delete(ctx, ref)
				if err != nil && ref.ID == "" {
					for _, name := range b.volumesOf(ref.Owner) {
						_ = b.o.RemoveVolume(name)
					}
				}
				return task, err
			}
		}},
	}
	for _, op := range []providers.PowerOp{providers.PowerStart, providers.PowerStop} {
		all = append(all, mutant{"strangers-are-never-changed", string(op) + " of a stranger's VM says that it is done", func(b *broken) {
			b.powered(op, func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				if vm, err := b.Provider.Describe(ctx, ref); err == nil && vm.Mark == nil {
					return "", b.o.Start(vm.ID)
				}
				return b.Provider.Power(ctx, ref, op)
			})
		}})
	}
	return all
}

func powerMutants() []mutant {
	none := func(context.Context, providers.Ref) (providers.TaskRef, error) { return "", nil }
	return append(shutdownMutants(), []mutant{
		{"power-start-and-stop", "start does nothing", func(b *broken) { b.powered(providers.PowerStart, none) }},
		{"power-start-and-stop", "stop loses a tag", func(b *broken) {
			b.powered(providers.PowerStop, func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				_ = b.o.SetTags(ref.Owner.VM.String(), "one")
				return b.Provider.Power(ctx, ref, providers.PowerStop)
			})
		}},
		{"power-start-and-stop", "start uses other hardware than the definition", func(b *broken) {
			b.seen(func(vm *providers.VM) {
				if vm.Running != nil {
					vm.Running.MemoryMiB.Value /= 2
				}
			})
		}},
		{"power-to-the-present-state", "start of a VM that is on is an error", func(b *broken) {
			b.powered(providers.PowerStart, func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				if vm, err := b.Provider.Describe(ctx, ref); err == nil && vm.Power == providers.On {
					return "", failure(providers.Conflict)
				}
				return b.Provider.Power(ctx, ref, providers.PowerStart)
			})
		}},
		{"power-to-the-present-state", "shutdown of a VM that is off is an error", func(b *broken) {
			b.powered(providers.PowerShutdown, func(context.Context, providers.Ref) (providers.TaskRef, error) {
				return "", failure(providers.Conflict)
			})
		}},
		{"reboot-keeps-running", "reboot stops", func(b *broken) {
			b.powered(providers.PowerReboot, func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				return b.Provider.Power(ctx, ref, providers.PowerStop)
			})
		}},
		{"reboot-needs-a-running-vm", "reboot starts", func(b *broken) {
			b.powered(providers.PowerReboot, func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				return b.Provider.Power(ctx, ref, providers.PowerStart)
			})
		}},
		{"power-of-absent-is-not-found", "stop of an absent VM succeeds", func(b *broken) {
			b.powered(providers.PowerStop, func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				task, err := b.Provider.Power(ctx, ref, providers.PowerStop)
				return task, unlessAbsent(err)
			})
		}},
	}...)
}

func shutdownMutants() []mutant {
	return []mutant{
		{"shutdown-is-a-task", "the task is complete when the guest was asked", func(b *broken) {
			b.task = func(context.Context, providers.TaskRef) (bool, error) { return true, nil }
		}},
		{"shutdown-is-a-task", "the task never ends", func(b *broken) {
			b.task = func(context.Context, providers.TaskRef) (bool, error) { return false, nil }
		}},
		{"shutdown-is-a-task", "shutdown returns no task", func(b *broken) {
			b.powered(providers.PowerShutdown, func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				_, err := b.Provider.Power(ctx, ref, providers.PowerShutdown)
				return "", err
			})
		}},
		{"shutdown-twice-is-once", "a second shutdown is an error", func(b *broken) {
			asked := false
			b.powered(providers.PowerShutdown, func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				if asked {
					return "", failure(providers.Retryable)
				}
				asked = true
				return b.Provider.Power(ctx, ref, providers.PowerShutdown)
			})
		}},
		{"stop-needs-no-guest", "stop waits for the guest", func(b *broken) {
			b.powered(providers.PowerStop, func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				return b.Provider.Power(ctx, ref, providers.PowerShutdown)
			})
		}},
		{"stop-overtakes-shutdown", "a stop does not end the shutdown", func(b *broken) {
			b.powered(providers.PowerStop, func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				return "", b.o.SetPower(ref.ID, providers.Off)
			})
		}},
		{"stop-needs-no-guest", "a shutdown is complete when the guest was asked", func(b *broken) {
			b.task = func(context.Context, providers.TaskRef) (bool, error) { return true, nil }
		}},
		{"stop-overtakes-shutdown", "the task of an overtaken shutdown never ends", func(b *broken) {
			b.task = func(_ context.Context, ref providers.TaskRef) (bool, error) {
				return !strings.HasPrefix(string(ref), "shutdown/"), nil
			}
		}},
	}
}

func reconfigureMutants() []mutant {
	return []mutant{
		{"reconfigure-nothing-changes-nothing", "an empty change is an error", func(b *broken) {
			b.reconfigure = func(ctx context.Context, ref providers.Ref, ch providers.Change) (providers.TaskRef, error) {
				if reflect.DeepEqual(ch, providers.Change{}) {
					return "", failure(providers.InvalidSpec)
				}
				return b.Provider.Reconfigure(ctx, ref, ch)
			}
		}},
		{"reconfigure-nothing-changes-nothing", "nil tags are no tags where nothing else is said", func(b *broken) {
			b.altered(func(ch *providers.Change) {
				if reflect.DeepEqual(*ch, providers.Change{Live: true}) {
					ch.Tags = &[]string{}
				}
			})
		}},
		{"reconfigure-several-at-once", "the first field wins", func(b *broken) {
			b.altered(func(ch *providers.Change) {
				if ch.CPU != nil {
					*ch = providers.Change{CPU: ch.CPU}
				}
			})
		}},
		{"reconfigure-clears-retired", "the zero time is no time", func(b *broken) {
			b.altered(func(ch *providers.Change) {
				if ch.Retired != nil && ch.Retired.IsZero() {
					ch.Retired = nil
				}
			})
		}},
		{"reconfigure-keeps-addresses", "a replaced interface gets a new address", func(b *broken) {
			b.altered(func(ch *providers.Change) {
				for i := range ch.AddNICs {
					ch.AddNICs[i].MAC = "52:54:00:00:00:02"
				}
			})
		}},
		{"disks-do-not-shrink", "disks shrink", func(b *broken) {
			b.reconfigure = func(_ context.Context, ref providers.Ref, ch providers.Change) (providers.TaskRef, error) {
				return "", b.o.GrowDisk(ref.ID, ch.GrowDisks[0].Name, ch.GrowDisks[0].SizeGiB)
			}
		}},
		{"disks-do-not-shrink", "a smaller size is passed over in silence", func(b *broken) {
			b.reconfigure = func(ctx context.Context, ref providers.Ref, ch providers.Change) (providers.TaskRef, error) {
				task, err := b.Provider.Reconfigure(ctx, ref, ch)
				if providers.KindOf(err) == providers.InvalidSpec {
					err = nil
				}
				return task, err
			}
		}},
		{"growing-an-unknown-disk-is-refused", "an unknown disk looks like an absent VM", func(b *broken) {
			b.reconfigure = func(context.Context, providers.Ref, providers.Change) (providers.TaskRef, error) {
				return "", failure(providers.NotFound)
			}
		}},
		{"growing-an-unknown-disk-is-refused", "an unknown disk is made", func(b *broken) {
			b.altered(func(ch *providers.Change) {
				for _, g := range ch.GrowDisks {
					ch.AddDisks = append(ch.AddDisks, manifest.Disk{Name: g.Name, SizeGiB: g.SizeGiB})
				}
				ch.GrowDisks = nil
			})
		}},
		{"reconfigure-of-absent-is-not-found", "an absent VM needs no change", func(b *broken) {
			b.reconfigure = func(ctx context.Context, ref providers.Ref, ch providers.Change) (providers.TaskRef, error) {
				task, err := b.Provider.Reconfigure(ctx, ref, ch)
				return task, unlessAbsent(err)
			}
		}},
	}
}

// unlessAbsent takes an absent VM for a success.
func unlessAbsent(err error) error {
	if providers.IsAbsent(err) {
		return nil
	}
	return err
}

// alterationMutants break each field in the ways that fields break: it is
// forgotten, only defined when it should be live, live when it should only be
// defined, or it takes another field with it.
func alterationMutants() []mutant {
	forget := map[string]func(*providers.Change){
		"cpu":                 func(ch *providers.Change) { ch.CPU = nil },
		"memory":              func(ch *providers.Change) { ch.MemoryMiB = nil },
		"root-disk-size":      func(ch *providers.Change) { ch.GrowDisks = nil },
		"disk-size":           func(ch *providers.Change) { ch.GrowDisks = nil },
		"added-disk":          func(ch *providers.Change) { ch.AddDisks = nil },
		"added-nic":           func(ch *providers.Change) { ch.AddNICs = nil },
		"removed-nic-by-name": func(ch *providers.Change) { ch.RemoveNICs = nil },
		"removed-nic-by-mac":  func(ch *providers.Change) { ch.RemoveNICs = nil },
		"replaced-nic":        func(ch *providers.Change) { ch.AddNICs = nil },
		"moved-nic":           func(ch *providers.Change) { ch.AddNICs = nil },
		"name":                func(ch *providers.Change) { ch.Name = nil },
		"tags":                func(ch *providers.Change) { ch.Tags = nil },
		"no-tags":             func(ch *providers.Change) { ch.Tags = nil },
		"autostart":           func(ch *providers.Change) { ch.Autostart = nil },
		"retired":             func(ch *providers.Change) { ch.Retired = nil },
	}
	var all []mutant
	for field, spoil := range forget {
		all = append(all, mutant{"reconfigure-" + field, "the field is forgotten", func(b *broken) { b.altered(spoil) }})
		all = append(all, mutant{"reconfigure-" + field, "the host starts the VM from then on", func(b *broken) {
			b.reconfigure = func(ctx context.Context, ref providers.Ref, ch providers.Change) (providers.TaskRef, error) {
				vm, _ := b.Provider.Describe(ctx, ref)
				task, err := b.Provider.Reconfigure(ctx, ref, ch)
				_ = b.o.SetAutostart(ref.ID, vm != nil && !vm.Autostart.Value)
				return task, err
			}
		}})
	}
	for _, field := range []string{"cpu", "memory", "added-disk", "added-nic", "removed-nic-by-name", "removed-nic-by-mac", "moved-nic"} {
		all = append(all,
			mutant{"reconfigure-" + field, "live changes only the definition", func(b *broken) {
				b.altered(func(ch *providers.Change) { ch.Live = false })
			}},
			mutant{"reconfigure-" + field, "every change is live", func(b *broken) {
				b.altered(func(ch *providers.Change) { ch.Live = true })
			}})
	}
	return all
}
