package providers

import (
	"context"
	"time"
)

// Snapshotter keeps states of a VM that it can return to. What Provider says
// of its calls holds here too: one attempt, no change of a VM without the
// owner's mark, idempotent as said at each. A snapshot is named within its VM;
// where several have a name, as others may have made them, a call about it is
// a Conflict.
type Snapshotter interface {
	// Snapshots lists the snapshots of a VM, each after the one that it was
	// made on top of. It changes nothing.
	Snapshots(ctx context.Context, ref Ref) ([]Snapshot, error)

	// TakeSnapshot keeps the VM as it is now. If it has a snapshot of that
	// name, that is a success, and nothing is changed.
	TakeSnapshot(ctx context.Context, ref Ref, req SnapshotRequest) (TaskRef, error)

	// RevertSnapshot makes the VM what it was then: its disks, its definition
	// and its mark. It runs afterwards only if the snapshot holds the memory
	// of a VM that ran. A snapshot that is not there is NotFound, with Missing.
	RevertSnapshot(ctx context.Context, ref Ref, name string) (TaskRef, error)

	// DropSnapshot forgets a snapshot. The VM stays as it is, and so do the
	// snapshots that were made on top of it. One that is not there is a
	// success.
	DropSnapshot(ctx context.Context, ref Ref, name string) (TaskRef, error)
}

// SnapshotRequest says how a snapshot is taken.
type SnapshotRequest struct {
	Name        string
	Description string
	// Memory keeps the memory of a VM that runs. One that does not has none.
	Memory bool
	// Quiesce has the guest of a VM that runs write everything to its disks
	// first. Where the guest cannot be asked, the call is an error; together
	// with Memory, which has everything already, it is InvalidSpec.
	Quiesce bool
}

// Snapshot is one that a VM has.
type Snapshot struct {
	Name        string
	Description string
	Parent      string // name of the one that it was made on top of; empty: none
	Taken       time.Time
	Power       PowerState // of the VM after a revert; On only with its memory
	Quiesced    bool
	Current     bool // the VM has gone on from here
}
