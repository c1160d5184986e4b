package plan

import (
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// Input is everything that Build weighs. Build reads it only. What it points to
// is never changed once it was given to a Memo: another value has another
// pointer.
type Input struct {
	Fleet    string
	Revision string
	Now      time.Time

	Wanted []*manifest.VM // of each key one
	// Unresolved are VMs that the desired state names and does not say enough
	// about: nothing is done to them, and they are not missing.
	Unresolved []Unresolved
	// Incomplete says why the desired state may lack VMs that are wanted: a
	// file that could not be read, a source that could not be verified. Empty:
	// it is complete and trusted, and what is not in it is not wanted.
	Incomplete string

	Endpoints []Endpoint
	// Suspended is what a person wants left alone: by VM, and everything under
	// the zero Key.
	Suspended map[manifest.Key]Suspension
	Facts     map[manifest.Key]*Facts
	Policy    Policy
}

// Unresolved is a VM that is wanted but not well described.
type Unresolved struct {
	VM       manifest.Key
	Provider manifest.Key // zero when unknown
	Reason   string
}

// Endpoint is one provider as observed in this pass.
type Endpoint struct {
	Key manifest.Key
	// Unreachable says why the endpoint could not be read; Inventory is then nil.
	Unreachable string
	Inventory   *Inventory
	Caps        *providers.Capabilities // nil: the provider states none
	// EverRead is true if it was read in full since the journal began, so that
	// the journal knows the VMs that live there.
	EverRead bool
}

// Inventory is what one endpoint has.
type Inventory struct {
	VMs       []*providers.VM // in no particular order
	Complete  bool            // as in providers.Inventory
	Problems  []providers.Problem
	Leftovers []providers.Leftover
}

// Found returns what a provider's bulk read found. The machines stay in the
// provider's list, all of which lives as long as any.
func Found(inv *providers.Inventory) *Inventory {
	out := &Inventory{VMs: make([]*providers.VM, len(inv.VMs)), Complete: inv.Complete, Problems: inv.Problems, Leftovers: inv.Leftovers}
	for i := range inv.VMs {
		out.VMs[i] = &inv.VMs[i]
	}
	return out
}

func (e *Endpoint) readInFull() bool { return e.Inventory != nil && e.Inventory.Complete }

// Facts is what the journal remembers of one VM. The zero value, which is what
// a lost journal gives, is always safe.
type Facts struct {
	// Applied is the rendering of each field when the VM was last in sync or
	// successfully changed; nil when not known.
	Applied map[string]string
	// Whole, in place of Applied, is the VM whose every field was applied, as
	// the capabilities beside it render them.
	Whole     *manifest.VM
	WholeWith *providers.Capabilities
	// Provider is where the VM was last seen; zero when not known.
	Provider manifest.Key
	// Pending is work that was begun and whose end is not known.
	Pending *Pending
	// Signature and Strikes count how often the same differences came back
	// after they were applied successfully.
	Signature string
	Strikes   int
	// Stubborn is true when they were still there right after a live change.
	Stubborn bool
	// Failure is why the VM is left alone for a while.
	Failure *Failure
}

// knowsApplied tells whether it is known what was applied last.
func (f *Facts) knowsApplied() bool { return f.Applied != nil || f.Whole != nil }

// Rendered is what was applied last; nil when that is not known.
func (f *Facts) Rendered() map[string]string {
	if f.Whole != nil {
		return Base(f.Whole, f.WholeWith, &Item{}, nil)
	}
	return f.Applied
}

// Pending is an intent without an outcome.
type Pending struct {
	Op       OpKind
	Task     providers.TaskRef // empty: the call itself may not have ended
	Since    time.Time
	Deadline time.Time // zero: none
}

// Failure is the last error of a VM and the verdict on it.
type Failure struct {
	Text      string
	Digest    string    // of the VM that was tried
	ForDigest bool      // hold until the manifest changes
	NotBefore time.Time // hold until then
}

// Policy is what the host allows. It comes from the host's configuration and
// never from the repository that it guards.
type Policy struct {
	Drift         DriftMode
	Prune         Prune
	MaxDisruption Disruption // of changes: Nothing, Live or Restart
	// MaxRestarts is how many VMs one pass may restart; the others' turn comes
	// once those are done. 0: no limit.
	MaxRestarts int
	Window      Window
}

// DriftMode is what becomes of outside changes.
type DriftMode string

// The drift modes.
const (
	Enforce    DriftMode = "enforce"
	ReportOnly DriftMode = "report"
)

// PruneMode is what becomes of our VMs that are not wanted any more.
type PruneMode string

// The prune modes.
const (
	PruneOff    PruneMode = "off"
	PruneReport PruneMode = "report"
	PruneDelete PruneMode = "delete"
)

// Prune bounds destruction.
type Prune struct {
	Mode  PruneMode
	Grace time.Duration // powered off and kept for so long; 0: deleted at once
	// MaxCount and MaxPercent (of the VMs that are ours) limit how many VMs one
	// pass may retire or delete. More than that at once is refused as a whole,
	// because it looks like an accident. Percent never allows less than one.
	MaxCount   int
	MaxPercent int
	AllowEmpty bool // a desired state without any VM is believed
}

// Window tells whether disruptive work is allowed at Input.Now.
type Window struct {
	Restricted bool // there are windows
	Open       bool
	Opens      time.Time // the next opening; zero: none known
}
