package reconcile

import (
	"maps"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/reconcile/journal"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// recalled is a record of the journal at hand, never changed in place. Where
// all that a VM wants was applied, the VM itself stands for the rendering of
// its fields.
type recalled struct {
	plan.Facts
	id      string
	digest  string
	inSync  time.Time
	intent  *journal.Intent
	failure *journal.Failure
}

func recalledOf(r *journal.Record) *recalled {
	out := &recalled{
		Facts: plan.Facts{Applied: r.Applied, Provider: r.Provider, Signature: r.Signature, Strikes: r.Strikes, Stubborn: r.Stubborn},
		id:    r.ID, digest: r.Digest, inSync: r.InSync, intent: r.Intent, failure: r.Failure,
	}
	if in := r.Intent; in != nil {
		out.Pending = &plan.Pending{Op: plan.OpKind(in.Op), Task: providers.TaskRef(in.Task), Since: in.Begun, Deadline: in.Deadline}
	}
	if e := r.Failure; e != nil {
		out.Facts.Failure = &plan.Failure{Text: e.Text, Digest: e.Digest, ForDigest: e.ForDigest, NotBefore: e.NotBefore}
	}
	return out
}

// record is what the disk has, or the zero Record of nothing.
func (r *recalled) record() journal.Record {
	if r == nil {
		return journal.Record{}
	}
	return journal.Record{
		Provider: r.Provider, ID: r.id, Digest: r.digest, Applied: r.Rendered(), InSync: r.inSync, Intent: r.intent,
		Signature: r.Signature, Strikes: r.Strikes, Stubborn: r.Stubborn, Failure: r.failure,
	}
}

// stand puts a VM in the place of the rendering of its fields.
func (r *recalled) stand(vm *manifest.VM, caps *providers.Capabilities) {
	r.Applied, r.Whole, r.WholeWith = nil, vm, caps
}

// task returns the long work that was begun; nil: none.
func (r *recalled) task() *journal.Intent {
	if r == nil || r.intent == nil || r.intent.Task == "" {
		return nil
	}
	return r.intent
}

// says tells whether the record says of a VM that is as wanted what it is to
// say.
func (r *recalled) says(it *plan.Item, caps *providers.Capabilities) bool {
	if r == nil || r.Provider != it.Provider || r.id != it.ID || r.digest != it.Digest || r.Stubborn || r.Strikes > 0 ||
		r.failure != nil || r.intent != nil {
		return false
	}
	return r.Whole == it.Wanted && r.WholeWith == caps || maps.Equal(r.Rendered(), plan.Base(it.Wanted, caps, it, nil))
}

// isCurrent tells whether nothing about a VM that is as wanted is news.
func (r *recalled) isCurrent(it *plan.Item, caps *providers.Capabilities) bool {
	return r != nil && r.Whole != nil && r.WholeWith == caps && r.Whole.Digest == it.Digest && r.digest == it.Digest && r.id == it.ID && r.Provider == it.Provider &&
		r.intent == nil && r.failure == nil && !r.Stubborn && r.Strikes == 0 && r.Signature == ""
}
