// Package providertest holds the promises of the provider contract as checks
// that run against any provider: ours, and those of third parties. It must not
// know any hypervisor; what it cannot do through the contract it asks of hooks
// in Target. It is tested by the memory provider, which passes every check,
// and by mutants of it, each of which breaks one promise and is caught.
//
// A provider's own test is three lines:
//
//	func TestContract(t *testing.T) {
//		providertest.Run(t, providertest.Target{Fleet: "test", Connect: connect, VM: smallVM})
//	}
//
// Checks that need a hook which the target does not have are skipped with the
// name of the hook; Target.NoSkips turns that into a failure. Checks run one
// after another, remove what they made, and use only VMs of Target.Namespace,
// so that they may run on an endpoint that is in use.
package providertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
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
	// Blur makes a VM unreadable, or readable again.
	Blur func(ctx context.Context, id string, on bool) error
	// Volumes returns the names of all volumes of the endpoint.
	Volumes func(ctx context.Context) ([]string, error)
	// LeaveVolume makes a volume as an interrupted creation of the owner's VM
	// leaves it, and returns what removes it if it is still there.
	LeaveVolume func(ctx context.Context, owner providers.Owner) (remove func(context.Context) error, err error)
	// LoseImage makes a VM name an image that the endpoint does not have.
	LoseImage func(vm *manifest.VM)
	// Interrupt makes the next "create", "delete" or "reconfigure" stop with
	// an error after its n-th internal effect, counted from 1. A call with
	// fewer effects runs to its end. The returned function ends the hook.
	Interrupt func(op string, n int) (end func())
	// Cut makes the endpoint unreachable until the returned function is called.
	Cut func() (restore func())
	// Stall makes the endpoint accept calls and not answer them until the
	// returned function is called.
	Stall func() (release func())
}

// Check is one promise and how it is tried.
type Check struct {
	Name    string
	Promise string
	// Run returns nil when the promise is kept and a *Skip when it cannot be
	// tried on the target.
	Run func(context.Context, *Env) error
}

// Skip says why a check cannot be tried on a target.
type Skip struct{ Reason string }

// Error implements error.
func (s *Skip) Error() string { return "skipped: " + s.Reason }

// Checks returns all promises, in the order of the contract.
func Checks() []Check {
	return slices.Concat(
		validateChecks(), createChecks(), interruptedChecks(), describeChecks(), listChecks(),
		ownershipChecks(), powerChecks(), reconfigureChecks(), alterationChecks(), traitChecks(),
		deleteChecks(), sweepChecks(), watchChecks(), contextChecks(), connectionChecks(),
	)
}

// Run tries every check against the target, each as a subtest of its name.
func Run(t *testing.T, target Target) {
	t.Helper()
	for _, c := range Checks() {
		t.Run(c.Name, func(t *testing.T) {
			err := Try(t.Context(), target, c)
			var skip *Skip
			switch {
			case errors.As(err, &skip) && !target.NoSkips:
				t.Skip(skip.Reason)
			case err != nil:
				t.Errorf("%s\nbroken: %v", c.Promise, err)
			}
		})
	}
}

// Try runs one check on a connection of its own and removes what it made. It
// is what a conformance command calls outside of go test.
func Try(ctx context.Context, target Target, c Check) error {
	p, err := target.Connect(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	e := newEnv(target, p, c.Name)
	err = c.Run(ctx, e)
	if left := e.cleanUp(ctx); left != nil && err == nil {
		err = fmt.Errorf("clean up: %w", left)
	}
	return err
}
