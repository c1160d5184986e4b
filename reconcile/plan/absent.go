package plan

import (
	"slices"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// absent judges a wanted VM that no machine with our mark stands for.
func (b *builder) absent(it Item, w *manifest.VM, e *Endpoint) Item {
	facts := b.facts(w.Key)
	if foreign := b.machines.foreign(e.Key, w.Key.Name, providers.Owner{Fleet: b.in.Fleet, VM: w.Key}); foreign != nil {
		it.ID = foreign.ID
		if m := foreign.Mark; m != nil {
			return it.conflict("a machine named %s exists on %s and does not carry the mark of this VM, but that of fleet %s, VM %s; was the fleet of this host renamed?", foreign.Name, e.Key, m.Owner.Fleet, m.Owner.VM)
		}
		return it.conflict("a machine named %s exists on %s and does not carry the mark of this VM; rename one of the two", foreign.Name, e.Key)
	}
	if !e.Inventory.Complete {
		return it.hold("it was not found, and provider %s could not be read in full: %s", e.Key, problems(e.Inventory))
	}
	if where := b.mayLiveElsewhere(w, e); where != "" {
		return it.hold("nothing is remembered of it, and it may live on provider %s, which could not be read since the memory began", where)
	}
	making := facts.Pending != nil && facts.Pending.Op == CreateVM && facts.Pending.Task != ""
	if last := facts.Provider; last != (manifest.Key{}) && last != e.Key {
		was := b.endpoints[last]
		switch {
		case was == nil || was.Inventory == nil || !was.Inventory.Complete:
			return it.hold("it was last seen on provider %s, which could not be read", last)
		case making:
			return it.hold("its creation on provider %s is under way; moving it to %s is not done automatically", last, e.Key)
		}
	}
	name := place{e.Key, w.Key.Name}
	if first, taken := b.claimed[name]; taken {
		return it.conflict("%s is wanted on %s under the same name; rename one of the two", first, e.Key)
	}
	b.claimed[name] = w.Key
	it = b.create(it, w, e, facts)
	if making && it.Action == Create {
		it.Reason, it.Ops = underWay, slices.Clone(it.Ops)
		it.Ops[0].Task = facts.Pending.Task
	}
	return it
}

// mayLiveElsewhere names a provider that the VM may live on although nothing
// says so: the journal has no record of it, and that provider was never read
// in full since the journal began. Empty: there is none.
func (b *builder) mayLiveElsewhere(w *manifest.VM, e *Endpoint) string {
	if b.in.Facts[w.Key] != nil {
		return ""
	}
	where := ""
	for i := range b.ends {
		o := &b.ends[i]
		name := o.Key.String()
		if o.Key != e.Key && !o.EverRead && !o.readInFull() && (where == "" || name < where) {
			where = name
		}
	}
	return where
}

const underWay = "its creation is under way"

func (b *builder) create(it Item, w *manifest.VM, e *Endpoint, facts *Facts) Item {
	// A creation that was begun and did not end is no removal by somebody.
	drift := facts.knowsApplied() && (facts.Pending == nil || facts.Pending.Op != CreateVM)
	it.Signature = missingSignature
	if drift && b.in.Policy.Drift == ReportOnly {
		it.Action, it.Reason = Report, "it was removed outside, and drift is only reported"
		it.Diffs = missing(drift, Tell, "drift is only reported on this host")
		return it
	}
	if held, ok := b.held(it, facts); ok {
		held.Diffs = missing(drift, Defer, "")
		return held
	}
	it.Unspelled = e.Caps
	it.Action, it.Reason, it.Diffs, it.Ops = Create, "it does not exist", neverMade, create
	if drift {
		it.Reason, it.Diffs = "it was removed outside", removed
	}
	if w.Power == manifest.PowerOn {
		it.Ops = createAndStart
	}
	return it
}

// What all creations have alike. It is shared between them.
var (
	neverMade        = missing(false, Apply, "")
	removed          = missing(true, Apply, "")
	create           = []Op{{Kind: CreateVM}}
	createAndStart   = []Op{{Kind: CreateVM}, {Kind: Start}}
	missingSignature = signatureOf(neverMade...)
)

// missing is the one difference of a machine that is not there.
func missing(drift bool, v Verdict, reason string) []Diff {
	return []Diff{{
		Field: string(providers.FieldExists), Wanted: present, Found: absent, Disruption: Nothing, Drift: drift, Verdict: v, Reason: reason,
	}}
}

// held applies what the journal says about earlier attempts. A manifest that
// changed is tried at once.
func (b *builder) held(it Item, facts *Facts) (Item, bool) {
	if f := facts.Failure; f != nil && f.Digest == it.Digest {
		switch {
		case f.ForDigest:
			return it.hold("the last attempt failed and cannot work as written: %s", f.Text), true
		case b.early(f.NotBefore):
			it.Until = f.NotBefore
			return it.hold("the last attempt failed, the next is at %s: %s", stamp(f.NotBefore), f.Text), true
		}
	}
	if facts.Signature == it.Signature && facts.Strikes >= maxStrikes {
		return it.hold("the same difference came back after it was applied successfully %d times; something undoes it, or the provider cannot do it", facts.Strikes), true
	}
	return it, false
}

// deferAll says of what would be applied that it is not now.
func (it Item) deferAll() Item {
	for i := range it.Diffs {
		if it.Diffs[i].Verdict == Apply {
			it.Diffs[i].Verdict = Defer
		}
	}
	return it
}

// maxStrikes is how often the same difference may come back.
const maxStrikes = 2
