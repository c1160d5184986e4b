package providertest

import (
	"context"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// Target is the endpoint under test. Connect, Fleet and VM are required.
type Target struct {
	// Connect returns a fresh connection to the same endpoint each time.
	Connect func(context.Context) (providers.Provider, error)
	// Fleet is the fleet that the connections are configured with.
	Fleet string
	// VM returns a small VM that fits the endpoint, a new value at each call:
	// an image, at least one NIC. The checks add what they are about: tags,
	// head-room, a disk from Disk.
	VM func(manifest.Key) *manifest.VM
	// Disk and NIC return an extra disk and an extra interface of a name that
	// the endpoint accepts. nil: a disk of 1 GiB, and the first NIC of VM
	// under another name.
	Disk func(name string) manifest.Disk
	NIC  func(name string) manifest.NIC

	// Elsewhere plugs an interface in at another network of the endpoint.
	Elsewhere func(nic *manifest.NIC)

	// Carries tells whether a VM of the endpoint can be given a trait of that
	// text: a TPM needs software that a host may not have. It is asked only of
	// fields whose ability Capabilities states, with the names of parts in the
	// brackets, and for keys of extraConfig that begin with "providertest.".
	// nil: it can be given all of them.
	Carries func(field providers.Field, text string) bool

	Namespace string // of the VMs that the checks make; empty: "providertest"
	Outside   Outside

	// NoGuest says that VM boots no operating system, so nothing that a guest
	// must answer is expected: shutdown, hot unplug.
	NoGuest bool
	// Booted waits until the guest of a VM that was started answers a
	// shutdown. nil: at once.
	Booted func(ctx context.Context, id string) error

	CallTimeout time.Duration // of one call; 0: 30 s
	TaskTimeout time.Duration // of a task; 0: 2 min
	Poll        time.Duration // between two looks at a task; 0: 50 ms
	Told        time.Duration // by when Watch or Pulse tell of a change; 0: 5 s
	NoSkips     bool          // a check that would be skipped fails
}

// Outside is access to the endpoint that does not go through the provider.
// Each hook may be nil. VMs are named by the ID that the provider reports.
type Outside struct {
	// Foreign makes a VM of that name, powered off, without a mark, and
	// returns its ID and what removes it.
	Foreign func(ctx context.Context, name string) (id string, remove func(context.Context) error, err error)
	// SetCPU changes the number of CPUs in the definition.
	SetCPU func(ctx context.Context, id string, cpus int) error
	// SetMark replaces the mark; nil removes it.
	SetMark func(ctx context.Context, id string, mark *providers.Mark) error
	// Undefine removes a VM that is off, and leaves its volumes.
	Undefine func(ctx context.Context, id string) error
	// Suspend pauses a VM that runs.
	Suspend func(ctx context.Context, id string) error
	// Deafen makes the guest of a VM ignore a shutdown.
	Deafen func(ctx context.Context, id string) error
	// Blur makes a VM unreadable, or readable again. The VM may have gone in
	// between, which may be an error.
	Blur func(ctx context.Context, id string, on bool) error
	// Volumes returns the names of all volumes of the endpoint.
	Volumes func(ctx context.Context) ([]string, error)
	// LeaveVolume makes a volume as an interrupted creation of the owner's VM
	// leaves it, and returns what removes it if it is still there.
	LeaveVolume func(ctx context.Context, owner providers.Owner) (remove func(context.Context) error, err error)
	// AttachDisk makes a volume, gives it to the definition of a VM that is off,
	// and returns what removes the volume if it is still there.
	AttachDisk func(ctx context.Context, id string) (remove func(context.Context) error, err error)
	// ImportDisk makes a volume that a VM can boot from as it is, and returns
	// what a manifest says of it, and what removes it if it is still there.
	ImportDisk func(ctx context.Context) (disk manifest.ImportedDisk, remove func(context.Context) error, err error)
	// LoseImage makes a VM name an image that the endpoint does not have.
	LoseImage func(vm *manifest.VM)
	// LoseNetwork makes an interface name a network that the endpoint does not
	// have.
	LoseNetwork func(nic *manifest.NIC)
	// Interrupt makes the next "create", "delete", "reconfigure" or "power"
	// stop with an error after its n-th internal effect, counted from 1. A call
	// with fewer effects runs to its end. The returned function ends the hook.
	Interrupt func(op string, n int) (end func())
	// Deny makes the endpoint refuse the credentials, of sessions that are open
	// too, until the returned function is called.
	Deny func() (allow func())
	// Cut makes the endpoint unreachable until the returned function is called,
	// and ends the connections that are open, those of stalled calls too.
	Cut func() (restore func())
	// Stall makes the endpoint accept calls and not answer them until the
	// returned function is called.
	Stall func() (release func())
}
