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
// Checks that need a hook which the target does not have, or an optional
// interface or an ability which the provider does not have, are skipped with
// its name; Target.NoSkips turns that into a failure. Checks run one after
// another, remove what they made, and use only VMs of Target.Namespace, so
// that they may run on an endpoint that is in use.
package providertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
)

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
		validateChecks(), createChecks(), missingChecks(), interruptedChecks(), describeChecks(), listChecks(),
		absentChecks(), unreadableChecks(), ownershipChecks(), powerChecks(), taskChecks(),
		reconfigureChecks(), roomChecks(), alterationChecks(), traitChecks(),
		snapshotChecks(), deleteChecks(), attachedChecks(), sweepChecks(), watchChecks(), crowdChecks(),
		contextChecks(), connectionChecks(), capabilityChecks(), midCallChecks(), errorChecks(),
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
	e.reach(ctx)
	err = c.Run(ctx, e)
	if left := e.cleanUp(ctx); left != nil && err == nil {
		err = fmt.Errorf("clean up: %w", left)
	}
	return err
}
