package reconcile

import (
	"encoding/json"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// Report is what a pass did.
type Report struct {
	Outlook
	Pass    string        `json:"pass"`
	Reason  string        `json:"reason,omitempty"`
	Begun   time.Time     `json:"begun"`
	Took    time.Duration `json:"took"`
	Results []Result      `json:"results,omitempty"` // one per VM that calls were made for
	// RetryAt is when a pass has something to do that time alone brings: a
	// pause ends, a window opens, a grace period is over. Zero: nothing.
	RetryAt      time.Time `json:"retryAt,omitzero"`
	JournalError string    `json:"journalError,omitempty"`
}

// MarshalJSON writes the report with every VM in it.
func (r Report) MarshalJSON() ([]byte, error) {
	if r.VMs == nil {
		r.VMs = r.Views()
	}
	type plain Report
	return json.Marshal((*plain)(&r))
}

// Result is how one VM's calls went.
type Result struct {
	VM       manifest.Key  `json:"vm"`
	Provider manifest.Key  `json:"provider"`
	Action   plan.Action   `json:"action"`
	Outcome  Outcome       `json:"outcome"`
	Ops      []plan.OpKind `json:"ops,omitempty"` // those that succeeded
	Kind     string        `json:"kind,omitempty"`
	Error    string        `json:"error,omitempty"`
	// Remaining is what still differs though every call succeeded.
	Remaining []string      `json:"remaining,omitempty"`
	Took      time.Duration `json:"took"`
	// DonePct is how many percent of the work that goes on are done; nil: not
	// known.
	DonePct *int `json:"donePct,omitempty"`

	part  *plan.Item // when not everything that differs was applied
	found *sight     // as last described; nil: not there, or not known
}

// Outcome is the end of one VM's calls.
type Outcome string

// The outcomes.
const (
	Applied   Outcome = "applied"   // every call succeeded, and the VM reads as wanted
	Different Outcome = "different" // every call succeeded, and the VM still differs
	Unproven  Outcome = "unproven"  // every call succeeded, and the VM could not be read
	Waiting   Outcome = "waiting"   // long work goes on; a later pass picks it up
	NotTried  Outcome = "not tried" // the endpoint was gone
	Failed    Outcome = "failed"
)

// Applied counts the VMs that now read as wanted.
func (r *Report) Applied() int { return r.count(Applied) }

// Failed counts the VMs that a call failed for or that still differ.
func (r *Report) Failed() int { return r.count(Failed) + r.count(Different) + r.count(NotTried) }

func (r *Report) count(o Outcome) int {
	n := 0
	for _, res := range r.Results {
		if res.Outcome == o {
			n++
		}
	}
	return n
}

// Brief is what is remembered of the last pass across restarts.
type Brief struct {
	Pass     string        `json:"pass"`
	Reason   string        `json:"reason,omitempty"`
	Revision string        `json:"revision"`
	Begun    time.Time     `json:"begun"`
	Took     time.Duration `json:"took"`
	Applied  int           `json:"applied"`
	Failed   int           `json:"failed"`
	Summary  plan.Summary  `json:"summary"`
}

// Brief returns what is remembered of the pass.
func (r *Report) Brief() Brief {
	return Brief{
		Pass: r.Pass, Reason: r.Reason, Revision: r.Snapshot.Revision, Begun: r.Begun, Took: r.Took,
		Applied: r.Applied(), Failed: r.Failed(), Summary: r.Plan.Summary,
	}
}

// retryAt is the earliest instant at which time alone brings something to do.
func (r *run) retryAt(look *Outlook) time.Time {
	now := time.Now()
	var at time.Time
	sooner := func(t time.Time) {
		if t.After(now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	for _, it := range look.Plan.Items {
		sooner(it.Until)
	}
	for key, rec := range r.memory.unsettled() {
		if f := rec.failure; f != nil && !f.ForDigest {
			sooner(f.NotBefore)
		}
		if rec.task() != nil && r.chosen(key) {
			sooner(now.Add(settleTime))
		}
	}
	for _, g := range r.gates {
		wait, _ := g.paused(now)
		sooner(now.Add(wait))
	}
	for _, res := range r.results {
		switch {
		case res.Outcome == Waiting, res.Outcome == Different, res.Outcome == Unproven, res.Outcome == NotTried:
			sooner(now.Add(settleTime))
		case res.Action == plan.Retire && res.Outcome == Applied:
			sooner(now.Add(r.Engine.opts.Policy(now).Prune.Grace))
		}
	}
	return at
}

// settleTime is how soon a VM whose work goes on is looked at again.
const settleTime = 5 * time.Second
