package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// prune judges the machines that are ours and that the desired state does not
// name. Four things must hold before one is destroyed: it carries our mark;
// the desired state is complete and trusted; pruning is on; the budget has
// room. Executors look once more, through Confirm, right before the call.
func (b *builder) prune() {
	if b.met == len(b.machines.berths) {
		return // every machine of ours is named
	}
	var fresh, due []candidate
	for i := range b.machines.berths {
		if b.machines.berths[i].named == b.machines.round {
			continue
		}
		m := b.located(int32(i))
		key := m.vm.Mark.Owner.VM
		if copies := b.copies(key); copies != nil {
			b.add(Item{VM: key, Provider: m.at.Key, Disruption: Nothing}.conflict(
				"it is not in the desired state, and %s carry its mark, so none is retired or deleted", listed(copies)))
			continue
		}
		switch it, stage := b.unwanted(key, m); stage {
		case freshStage:
			fresh = append(fresh, candidate{it, m.vm.Mark.Retired})
		case dueStage:
			due = append(due, candidate{it, m.vm.Mark.Retired})
		default:
			b.add(it)
		}
	}
	b.withinBudget(fresh, due)
}

// candidate is a VM that may be destroyed if the budget has room.
type candidate struct {
	Item
	retired time.Time
}

type stage int

const (
	keptStage  stage = iota // nothing is destroyed now
	freshStage              // to be retired, or deleted at once without a grace period
	dueStage                // its grace period is over
)

// unwanted judges one machine apart from the budget.
func (b *builder) unwanted(key manifest.Key, m located) (Item, stage) {
	it := Item{VM: key, Provider: m.at.Key, ID: m.vm.ID, Disruption: Nothing, Found: m.vm}
	pol := b.in.Policy.Prune
	facts := b.facts(key)
	task, op := facts.task(m.at.Key)
	switch {
	case b.in.Incomplete != "":
		return it.hold("it is not in the desired state, which is not complete: %s", b.in.Incomplete), keptStage
	case b.namesNone() && !pol.AllowEmpty:
		return it.hold("the desired state has no VM at all, which is not believed; prune.allowEmpty would allow it"), keptStage
	case pol.Mode == PruneReport:
		it.Action, it.Reason = Report, "it is not in the desired state; prune.mode is report"
		return it, keptStage
	case pol.Mode != PruneDelete:
		return it.hold("it is not in the desired state; prune.mode is off"), keptStage
	case task != "":
		return it.hold("work that was begun goes on: %s", op), keptStage
	case m.vm.Power == providers.Unknown:
		return it.hold("it is not in the desired state, and its power state is unknown"), keptStage
	case m.vm.Mark.Retired.IsZero():
		return b.fresh(it, m, facts)
	}
	return b.retired(it, m, facts)
}

// fresh judges a machine that has only now left the desired state.
func (b *builder) fresh(it Item, m located, facts *Facts) (Item, stage) {
	if b.in.Policy.Prune.Grace <= 0 {
		return b.delete(it, m, facts, "it is not in the desired state any more"), freshStage
	}
	if !m.changes(providers.FieldRetired) {
		return it.hold("it is not in the desired state any more, and its provider cannot note since when; prune.grace 0 would delete it at once"), keptStage
	}
	return b.retire(it, m, facts), freshStage
}

// retired judges a machine in, or past, its grace period.
func (b *builder) retired(it Item, m located, facts *Facts) (Item, stage) {
	since, grace := m.vm.Mark.Retired, b.in.Policy.Prune.Grace
	switch end := since.Add(grace); {
	case m.vm.Power != providers.Off:
		return it.hold("it was retired at %s and somebody started it again; put its manifest back, or power it off", stamp(since)), keptStage
	case b.in.Now.Before(end):
		it.Until = end
		return it.hold("it was retired at %s and is deleted after %s; putting its manifest back restores it", stamp(since), stamp(end)), keptStage
	}
	return b.delete(it, m, facts, fmt.Sprintf("it was retired at %s and its grace period of %s is over", stamp(since), grace)), dueStage
}

func (b *builder) retire(it Item, m located, facts *Facts) Item {
	it.Action, it.Disruption = Retire, Restart
	it.Reason = fmt.Sprintf("it is not in the desired state any more; it is powered off and kept for %s", b.in.Policy.Prune.Grace)
	it.Signature = signatureOf(Diff{Field: string(providers.FieldRetired), Wanted: "retired"})
	it.Ops = append(b.powerDown(m, facts), Op{Kind: Reconfigure, Change: b.retirement(m)})
	return it
}

// changes tells whether the machine's provider can change a field of it.
func (m located) changes(f providers.Field) bool {
	a, ok := m.at.Caps.Ability(f)
	return ok && !fixed(a)
}

// retirement marks a machine as retired since now. One that might start with
// its host does not any more, where its provider can say so.
func (b *builder) retirement(m located) *providers.Change {
	now := b.in.Now.UTC().Truncate(time.Second)
	ch := &providers.Change{Retired: &now}
	if m.changes(providers.FieldAutostart) && m.vm.Autostart != providers.Known(false) {
		ch.Autostart = new(false)
	}
	return ch
}

func (b *builder) delete(it Item, m located, facts *Facts, reason string) Item {
	it.Action, it.Disruption, it.Reason = Delete, Destroy, reason
	it.Signature = signatureOf(Diff{Field: string(providers.FieldExists), Wanted: absent})
	it.Ops = append(b.powerDown(m, facts), Op{Kind: DeleteVM, Retired: m.vm.Mark.Retired})
	return it
}

func (b *builder) powerDown(m located, facts *Facts) []Op {
	if m.vm.Power == providers.Off {
		return nil
	}
	return b.halt(0, m.vm, facts)
}

// unread names a provider that could not be read in full; empty: there is none.
func (b *builder) unread() string {
	first := ""
	for i := range b.ends {
		e := &b.ends[i]
		if name := e.Key.String(); !e.readInFull() && (first == "" || name < first) {
			first = name
		}
	}
	return first
}

// budget is how many VMs one pass may retire or delete, of those that are ours.
func (b *builder) budget() int {
	n, p := len(b.machines.berths), b.in.Policy.Prune
	if p.MaxPercent > 0 {
		n = max(1, n*p.MaxPercent/100)
	}
	if p.MaxCount > 0 {
		n = min(n, p.MaxCount)
	}
	return n
}

// withinBudget holds all fresh items back if they are more than the budget:
// many at once look like an accident. Due ones had their grace period and are
// rationed, the ones retired first going first.
func (b *builder) withinBudget(fresh, due []candidate) {
	budget, unread := b.budget(), b.unread()
	over := len(fresh) > budget
	for _, c := range fresh {
		if unread != "" {
			b.add(c.hold("it is not in the desired state any more; how many are not cannot be counted while provider %s cannot be read in full", unread))
			continue
		}
		if over {
			b.add(c.hold("%d VMs are not in the desired state any more, and one pass may retire %d; if that is meant, remove fewer at once or raise prune.maxCount and prune.maxPercent", len(fresh), budget))
			continue
		}
		b.add(b.tempered(c.Item))
	}
	if !over {
		budget -= len(fresh)
	}
	slices.SortFunc(due, func(x, y candidate) int {
		return cmp.Or(x.retired.Compare(y.retired), x.VM.Compare(y.VM), cmp.Compare(x.ID, y.ID))
	})
	for _, c := range due {
		it := b.tempered(c.Item)
		switch {
		case len(it.Ops) == 0:
		case budget <= 0:
			it = it.hold("its grace period is over; the prune budget of this pass is used up")
		default:
			budget--
		}
		b.add(it)
	}
}

// tempered holds destructive work outside the disruption windows and after a
// failure.
func (b *builder) tempered(it Item) Item {
	if w := b.in.Policy.Window; w.Restricted && !w.Open {
		it.Until = w.Opens
		return it.hold("it is not in the desired state any more; %s", windowText(w))
	}
	if held, ok := b.held(it, b.facts(it.VM)); ok {
		return held
	}
	return it
}
