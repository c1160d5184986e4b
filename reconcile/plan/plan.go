package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// FormatVersion is the version of the plan's JSON form. Additions leave it as
// it is; anything else raises it.
const FormatVersion = 1

// Plan is everything that one pass will do, and what it will leave alone and
// why, in a stable order: by VM, then provider. It holds no secret.
type Plan struct {
	FormatVersion int       `json:"formatVersion"`
	Fleet         string    `json:"fleet"`
	Revision      string    `json:"revision"`
	Made          time.Time `json:"made"`
	Items         []*Item   `json:"items"` // read-only: several plans may share one
	Summary       Summary   `json:"summary"`
	// Notes are facts about the pass as a whole: an endpoint that could not be
	// read, a desired state that is not complete.
	Notes []string `json:"notes,omitempty"`
}

// Item is the judgement on one VM.
type Item struct {
	VM         manifest.Key `json:"vm"`
	Provider   manifest.Key `json:"provider"`
	ID         string       `json:"id,omitempty"`
	Action     Action       `json:"action"`
	Disruption Disruption   `json:"disruption"`
	Reason     string       `json:"reason"` // a sentence without a full stop
	Diffs      []Diff       `json:"diffs,omitempty"`
	Ops        []Op         `json:"ops,omitempty"` // the calls, in order; empty: none
	Warnings   []string     `json:"warnings,omitempty"`

	// Digest is the wanted VM's; empty when it is not wanted.
	Digest string `json:"digest,omitempty"`
	// Signature identifies the differences that Ops remove, to notice when the
	// same ones come back.
	Signature string `json:"signature,omitempty"`
	// Until is when time alone lets go of what is held: a pause ends, a window
	// opens, a grace period is over. Zero: time alone does not.
	Until time.Time `json:"until,omitzero"`

	// Wanted and Found are what was compared; nil: there is none. Both are
	// read-only.
	Wanted *manifest.VM  `json:"-"`
	Found  *providers.VM `json:"-"`

	// Unspelled is set while Diffs has nothing but that the VM does not exist,
	// and not every field that it is made with, as these capabilities render
	// it.
	Unspelled *providers.Capabilities `json:"-"`
}

// Action is what becomes of a VM.
type Action string

// The actions.
const (
	None     Action = "none"     // found as wanted
	Create   Action = "create"   // it does not exist
	Update   Action = "update"   // it exists and differs
	Retire   Action = "retire"   // not wanted any more: power off and keep for the grace period
	Delete   Action = "delete"   // not wanted, and its grace period is over
	Sweep    Action = "sweep"    // remove what an unfinished creation left
	Hold     Action = "hold"     // nothing may be done now; Reason says why
	Conflict Action = "conflict" // something that is not ours is in the way
	Report   Action = "report"   // it differs, and policy says to tell only
)

// Disruption is what a change costs the guest.
type Disruption string

// The disruptions, from least to most.
const (
	Nothing Disruption = "none"    // the guest notices nothing, or there is none
	Live    Disruption = "live"    // applied while it runs
	Restart Disruption = "restart" // it stops, and starts again if it is wanted on
	Replace Disruption = "replace" // only a new machine has it
	Destroy Disruption = "destroy" // the machine and its disks go
)

var disruptionRank = map[Disruption]int{"": 0, Nothing: 0, Live: 1, Restart: 2, Replace: 3, Destroy: 4}

// Exceeds tells whether d costs more than limit.
func (d Disruption) Exceeds(limit Disruption) bool {
	return disruptionRank[d] > disruptionRank[limit]
}

// Diff is one field that is not as wanted.
type Diff struct {
	Field      string     `json:"field"` // "cpu", "disks[data].size", "nics[lan].mac"
	Where      Where      `json:"where,omitempty"`
	Wanted     string     `json:"wanted"`
	Found      string     `json:"found"`
	Disruption Disruption `json:"disruption"`
	// Drift is true if what is wanted has not changed since it was last
	// applied, so that the difference was made outside.
	Drift   bool    `json:"drift,omitempty"`
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason,omitempty"`
}

// Where tells which side of a running VM differs.
type Where string

// The sides. Both is also used where there is no second side.
const (
	Both       Where = ""
	Definition Where = "definition" // only what the next start uses
	Running    Where = "running"    // only the machine that runs now
)

// Verdict is what becomes of one difference.
type Verdict string

// The verdicts.
const (
	Apply  Verdict = "apply"
	Defer  Verdict = "defer"  // policy does not allow it now; Reason says what would
	Tell   Verdict = "report" // drift, and the policy is to report
	Refuse Verdict = "refuse" // it cannot be done to an existing VM
)

// Op is one call to a provider.
type Op struct {
	Kind   OpKind            `json:"kind"`
	Change *providers.Change `json:"change,omitempty"` // with Reconfigure
	// Timeout is how long a shutdown may take before the plug is pulled.
	Timeout  time.Duration       `json:"timeout,omitempty"`
	Leftover *providers.Leftover `json:"leftover,omitempty"` // with SweepVolume
	// Retired is the mark that the VM must still carry when it is deleted.
	Retired time.Time `json:"retired,omitzero"`
	// Task is work that an earlier pass began: it is awaited, not begun again.
	Task providers.TaskRef `json:"task,omitempty"`
}

// OpKind names a call.
type OpKind string

// The calls. ShutDown waits for the guest and pulls the plug at its timeout.
const (
	CreateVM    OpKind = "create"
	Start       OpKind = "start"
	Stop        OpKind = "stop"
	ShutDown    OpKind = "shutdown"
	Reconfigure OpKind = "reconfigure"
	DeleteVM    OpKind = "delete"
	SweepVolume OpKind = "sweep"
)

// Spelled returns the plan with every field of the VMs that it creates among
// their differences. A Memo leaves them out, because they are many and nobody
// but a person looks at them.
func (p Plan) Spelled() Plan {
	spelled := false
	for i, it := range p.Items {
		if it.Unspelled == nil {
			continue
		}
		if !spelled {
			p.Items, spelled = slices.Clone(p.Items), true
		}
		p.Items[i] = new(it.spelled())
	}
	return p
}

func (it *Item) spelled() Item {
	whole := *it
	whole.Unspelled = nil
	whole.Diffs = append(slices.Clip(it.Diffs), fields(it.Wanted, it.Unspelled)[1:]...)
	return whole
}

// MarshalJSON writes the item spelled.
func (it Item) MarshalJSON() ([]byte, error) {
	if it.Unspelled != nil {
		it = it.spelled()
	}
	type plain Item
	return json.Marshal((*plain)(&it))
}

// Empty tells whether the plan makes no call.
func (p *Plan) Empty() bool {
	return !slices.ContainsFunc(p.Items, func(it *Item) bool { return len(it.Ops) > 0 })
}

// InSync tells whether everything was found as wanted: nothing to do, nothing
// held, deferred or reported.
func (p *Plan) InSync() bool {
	return !slices.ContainsFunc(p.Items, func(it *Item) bool { return it.Action != None || len(it.Diffs) > 0 })
}

// Fingerprint identifies what the plan does, to whom and at what cost: two
// plans with the same one make the same calls. Times and notes are not in it.
func (p *Plan) Fingerprint() string {
	h := sha256.New()
	enc := json.NewEncoder(h)
	for _, it := range p.Items {
		if len(it.Ops) == 0 {
			continue
		}
		acts := make([]string, 0, len(it.Ops)+len(it.Diffs))
		for _, op := range it.Ops {
			acts = append(acts, string(op.Kind))
		}
		for _, d := range it.Diffs {
			if d.Verdict == Apply {
				acts = append(acts, d.Field, string(d.Where), d.Wanted, d.Found)
			}
			if it.Action == Create {
				break // the digest says what the VM is made with
			}
		}
		// Encoding plain strings into a hash cannot fail.
		_ = enc.Encode([]any{it.VM, it.Provider, it.ID, it.Action, it.Disruption, it.Digest, acts})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
