package memory_test

import (
	"context"
	"slices"

	"github.com/vmsteward/vmsteward/providers"
)

func snapshotMutants() []mutant {
	const listed = "snapshots-are-listed"
	listing := func(spoil func([]providers.Snapshot) []providers.Snapshot) func(*broken) {
		return func(b *broken) {
			b.snapshots = func(ctx context.Context, ref providers.Ref) ([]providers.Snapshot, error) {
				all, err := b.Provider.Snapshots(ctx, ref)
				return spoil(all), err
			}
		}
	}
	each := func(spoil func(*providers.Snapshot)) func(*broken) {
		return listing(func(all []providers.Snapshot) []providers.Snapshot {
			for i := range all {
				spoil(&all[i])
			}
			return all
		})
	}
	return slices.Concat(takenMutants(), revertedMutants(), droppedMutants(), []mutant{
		{listed, "the newest comes first", listing(func(all []providers.Snapshot) []providers.Snapshot {
			slices.Reverse(all)
			return all
		})},
		{listed, "no snapshot is on top of another", each(func(s *providers.Snapshot) { s.Parent = "" })},
		{listed, "nobody knows where the VM is", each(func(s *providers.Snapshot) { s.Current = false })},
		{listed, "descriptions are forgotten", each(func(s *providers.Snapshot) { s.Description = "" })},
		{listed, "every snapshot says that it runs", each(func(s *providers.Snapshot) { s.Power = providers.On })},
		{"revert-brings-a-running-vm-back", "every snapshot says that it is off", each(func(s *providers.Snapshot) { s.Power = providers.Off })},
	})
}

func takenMutants() []mutant {
	taking := func(more func(b *broken, ref providers.Ref, req *providers.SnapshotRequest)) func(*broken) {
		return func(b *broken) {
			b.take = func(ctx context.Context, ref providers.Ref, req providers.SnapshotRequest) (providers.TaskRef, error) {
				more(b, ref, &req)
				return b.Provider.TakeSnapshot(ctx, ref, req)
			}
		}
	}
	return []mutant{
		{"snapshots-are-listed", "taking a snapshot leaves its name in the tags", taking(func(b *broken, ref providers.Ref, req *providers.SnapshotRequest) {
			_ = b.o.SetTags(ref.ID, req.Name)
		})},
		{"take-snapshot-twice-is-once", "a snapshot of the name is replaced", taking(func(b *broken, ref providers.Ref, req *providers.SnapshotRequest) {
			if all, _ := b.Provider.Snapshots(context.Background(), ref); len(all) > 0 {
				_, _ = b.Provider.DropSnapshot(context.Background(), ref, req.Name)
				req.Description = "taken again"
			}
		})},
		{"take-snapshot-twice-is-once", "a name that is there is an error", func(b *broken) {
			b.take = func(ctx context.Context, ref providers.Ref, req providers.SnapshotRequest) (providers.TaskRef, error) {
				if all, _ := b.Provider.Snapshots(ctx, ref); len(all) > 0 {
					return "", failure(providers.Conflict)
				}
				return b.Provider.TakeSnapshot(ctx, ref, req)
			}
		}},
		{"revert-brings-a-running-vm-back", "the memory is left out", taking(func(_ *broken, _ providers.Ref, req *providers.SnapshotRequest) {
			req.Memory = false
		})},
		{"revert-brings-a-running-vm-back", "the memory is always kept", taking(func(_ *broken, _ providers.Ref, req *providers.SnapshotRequest) {
			req.Memory = true
		})},
		{"snapshots-that-cannot-be-are-refused", "a snapshot without a name is given one", taking(func(_ *broken, _ providers.Ref, req *providers.SnapshotRequest) {
			if req.Name == "" {
				req.Name = "snapshot"
			}
		})},
		{"snapshots-that-cannot-be-are-refused", "with memory, nothing is quiesced", taking(func(_ *broken, _ providers.Ref, req *providers.SnapshotRequest) {
			req.Quiesce = req.Quiesce && !req.Memory
		})},
		{"snapshots-of-strangers-are-left-alone", "a snapshot needs no mark", taking(func(b *broken, ref providers.Ref, _ *providers.SnapshotRequest) {
			if vm, err := b.Provider.Describe(context.Background(), ref); err == nil && vm.Mark == nil {
				_ = b.o.SetMark(vm.ID, &providers.Mark{Owner: ref.Owner})
			}
		})},
	}
}

func revertedMutants() []mutant {
	const check = "revert-brings-the-vm-back"
	reverting := func(more func(b *broken, ref providers.Ref, before *providers.VM)) func(*broken) {
		return func(b *broken) {
			b.revert = func(ctx context.Context, ref providers.Ref, name string) (providers.TaskRef, error) {
				before, _ := b.Provider.Describe(ctx, ref)
				task, err := b.Provider.RevertSnapshot(ctx, ref, name)
				if err == nil {
					more(b, ref, before)
				}
				return task, err
			}
		}
	}
	return []mutant{
		{check, "revert does nothing", func(b *broken) {
			b.revert = func(context.Context, providers.Ref, string) (providers.TaskRef, error) { return "", nil }
		}},
		{check, "revert leaves the mark as it is", reverting(func(b *broken, ref providers.Ref, before *providers.VM) {
			_ = b.o.SetTags(ref.ID, before.Tags.Value...)
		})},
		{check, "revert leaves the CPUs as they are", reverting(func(b *broken, ref providers.Ref, before *providers.VM) {
			_ = b.o.SetCPU(ref.ID, before.Config.CPU.Value, false)
		})},
		{check, "a VM that ran runs again", reverting(func(b *broken, ref providers.Ref, _ *providers.VM) { _ = b.o.Start(ref.ID) })},
		{check, "revert drops the snapshots on top", reverting(func(b *broken, ref providers.Ref, _ *providers.VM) {
			_, _ = b.Provider.DropSnapshot(context.Background(), ref, "second")
		})},
		{"snapshots-that-cannot-be-are-refused", "a snapshot that is not there looks like an absent VM", func(b *broken) {
			b.revert = func(context.Context, providers.Ref, string) (providers.TaskRef, error) {
				return "", failure(providers.NotFound)
			}
		}},
		{"snapshots-of-strangers-are-left-alone", "snapshots of an absent VM are none", func(b *broken) {
			b.snapshots = func(ctx context.Context, ref providers.Ref) ([]providers.Snapshot, error) {
				all, err := b.Provider.Snapshots(ctx, ref)
				if providers.IsAbsent(err) {
					err = nil
				}
				return all, err
			}
		}},
	}
}

func droppedMutants() []mutant {
	const check = "drop-snapshot-keeps-the-vm"
	return []mutant{
		{check, "drop takes those on top along", func(b *broken) {
			b.drop = func(ctx context.Context, ref providers.Ref, name string) (providers.TaskRef, error) {
				all, _ := b.Provider.Snapshots(ctx, ref)
				for _, s := range all {
					if s.Parent == name {
						_, _ = b.Provider.DropSnapshot(ctx, ref, s.Name)
					}
				}
				return b.Provider.DropSnapshot(ctx, ref, name)
			}
		}},
		{check, "a snapshot that is not there cannot be dropped", func(b *broken) {
			b.drop = func(ctx context.Context, ref providers.Ref, name string) (providers.TaskRef, error) {
				all, _ := b.Provider.Snapshots(ctx, ref)
				if !slices.ContainsFunc(all, func(s providers.Snapshot) bool { return s.Name == name }) {
					return "", failure(providers.NotFound)
				}
				return b.Provider.DropSnapshot(ctx, ref, name)
			}
		}},
		{check, "drop reverts first", func(b *broken) {
			b.drop = func(ctx context.Context, ref providers.Ref, name string) (providers.TaskRef, error) {
				_, _ = b.Provider.RevertSnapshot(ctx, ref, name)
				return b.Provider.DropSnapshot(ctx, ref, name)
			}
		}},
		{"delete-takes-snapshots-along", "delete leaves the files of snapshots", func(b *broken) {
			b.delete = func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				all, _ := b.Provider.Snapshots(ctx, ref)
				for _, s := range all {
					_ = b.o.AddVolume("images/"+ref.Owner.VM.Name+"-"+s.Name+".img", 1)
				}
				return b.Provider.Delete(ctx, ref)
			}
		}},
		{"delete-takes-snapshots-along", "a VM with snapshots cannot be deleted", func(b *broken) {
			b.delete = func(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
				if all, _ := b.Provider.Snapshots(ctx, ref); len(all) > 0 {
					return "", failure(providers.Conflict)
				}
				return b.Provider.Delete(ctx, ref)
			}
		}},
	}
}
