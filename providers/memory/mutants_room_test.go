package memory_test

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vmsteward/vmsteward/providers"
)

func roomMutants() []mutant {
	const above, below, taken = "live-changes-beyond-head-room-are-refused", "a-running-guest-loses-nothing", "a-name-that-is-taken-is-a-conflict"
	// refusing does something where the change was NotSupported.
	refusing := func(then func(b *broken, ref providers.Ref, ch providers.Change, err error) error) func(*broken) {
		return func(b *broken) {
			b.reconfigure = func(ctx context.Context, ref providers.Ref, ch providers.Change) (providers.TaskRef, error) {
				task, err := b.Provider.Reconfigure(ctx, ref, ch)
				if providers.KindOf(err) == providers.NotSupported {
					err = then(b, ref, ch, err)
				}
				return task, err
			}
		}
	}
	defined := func(b *broken, ref providers.Ref, ch providers.Change) {
		ch.Live = false
		_, _ = b.Provider.Reconfigure(context.Background(), ref, ch)
	}
	return []mutant{
		{above, "what does not fit is only defined", refusing(func(b *broken, ref providers.Ref, ch providers.Change, _ error) error {
			defined(b, ref, ch)
			return nil
		})},
		{above, "what does not fit is defined and refused", refusing(func(b *broken, ref providers.Ref, ch providers.Change, err error) error {
			defined(b, ref, ch)
			return err
		})},
		{above, "what does not fit is a wrong manifest", refusing(func(*broken, providers.Ref, providers.Change, error) error {
			return failure(providers.InvalidSpec)
		})},
		{below, "a CPU that cannot be taken is taken for taken", refusing(func(*broken, providers.Ref, providers.Change, error) error {
			return nil
		})},
		{below, "a CPU that cannot be taken is defined away and refused", refusing(func(b *broken, ref providers.Ref, ch providers.Change, err error) error {
			defined(b, ref, ch)
			return err
		})},
		{taken, "a name that is taken is passed over in silence", func(b *broken) {
			b.altered(func(ch *providers.Change) { ch.Name = nil })
		}},
		{taken, "the other VM has to give way", func(b *broken) {
			b.altered(func(ch *providers.Change) {
				if ch.Name != nil {
					_ = b.o.Rename(*ch.Name, *ch.Name+"-old")
				}
			})
		}},
	}
}

// partMutants break what becomes of parts that are not ours, and of paused VMs.
func partMutants() []mutant {
	dropping := func(ours func(d providers.Disk) bool) func(*broken) {
		return func(b *broken) {
			b.delete = func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				vm, _ := b.Provider.Describe(ctx, ref)
				task, err := b.Provider.Delete(ctx, ref)
				for i := 0; err == nil && vm != nil && i < len(vm.Config.Disks); i++ {
					if d := vm.Config.Disks[i]; ours(d) {
						_ = b.o.RemoveVolume(d.Origin)
					}
				}
				return task, err
			}
		}
	}
	return []mutant{
		{"delete-leaves-attached-disks", "delete takes every disk of the VM", dropping(func(providers.Disk) bool { return true })},
		{"delete-leaves-imported-disks", "delete takes every disk with a name", dropping(func(d providers.Disk) bool { return d.Name != "" })},
		{"delete-leaves-imported-disks", "an imported disk is copied, and the copy left", func(b *broken) {
			b.created(func(_ string, req providers.CreateRequest) {
				if req.VM.Imported != nil {
					_ = b.o.AddVolume("images/copy.img", 1)
				}
			})
		}},
		{"suspended-can-be-stopped", "a paused VM cannot be stopped", func(b *broken) {
			b.powered(providers.PowerStop, func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				if vm, err := b.Provider.Describe(ctx, ref); err == nil && vm.Power == providers.Suspended {
					return "", failure(providers.Conflict)
				}
				return b.Provider.Power(ctx, ref, providers.PowerStop)
			})
		}},
		{"suspended-can-be-stopped", "a paused VM can be deleted", func(b *broken) {
			b.delete = func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				if vm, err := b.Provider.Describe(ctx, ref); err == nil && vm.Power == providers.Suspended {
					_ = b.o.Destroy(vm.ID)
				}
				return b.Provider.Delete(ctx, ref)
			}
		}},
		{"interrupted-power-converges", "a VM that was started once is not started again", func(b *broken) {
			asked := map[string]bool{}
			b.powered(providers.PowerStart, func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				if asked[ref.ID] {
					return "", failure(providers.Conflict)
				}
				asked[ref.ID] = true
				return b.Provider.Power(ctx, ref, providers.PowerStart)
			})
		}},
	}
}

func crowdMutants() []mutant {
	const check = "calls-for-different-vms-at-once"
	return []mutant{
		{check, "a connection bears one change at a time", func(b *broken) {
			var callers atomic.Int32
			b.reconfigure = func(ctx context.Context, ref providers.Ref, ch providers.Change) (providers.TaskRef, error) {
				defer callers.Add(-1)
				if callers.Add(1) > 1 {
					return "", failure(providers.Retryable)
				}
				<-time.After(time.Second)
				return b.Provider.Reconfigure(ctx, ref, ch)
			}
		}},
		{check, "a connection mixes changes up", func(b *broken) {
			var last atomic.Pointer[providers.Change]
			b.reconfigure = func(ctx context.Context, ref providers.Ref, ch providers.Change) (providers.TaskRef, error) {
				last.Store(&ch)
				<-time.After(time.Second)
				return b.Provider.Reconfigure(ctx, ref, *last.Load())
			}
		}},
		{check, "list bears no change beside it", func(b *broken) {
			var callers atomic.Int32
			b.powered(providers.PowerStart, func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				defer callers.Add(-1)
				callers.Add(1)
				<-time.After(time.Second)
				return b.Provider.Power(ctx, ref, providers.PowerStart)
			})
			b.list = func(ctx context.Context) (*providers.Inventory, error) {
				<-time.After(time.Second / 2)
				if callers.Load() > 0 {
					return nil, failure(providers.Retryable)
				}
				return b.Provider.List(ctx)
			}
		}},
		{check, "one of many is stopped in vain", func(b *broken) {
			b.powered(providers.PowerStop, func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				if strings.HasSuffix(ref.Owner.VM.Name, "-7") {
					return "", nil
				}
				return b.Provider.Power(ctx, ref, providers.PowerStop)
			})
		}},
	}
}
