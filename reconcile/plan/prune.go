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
	var fresh, due []candidate
	total := 0
	for key, machines := range b.owned {
		total += len(machines)
		if b.named[key] {
			continue
		}
		for _, m := range machines {
			switch it, stage := b.unwanted(key, m); stage {
			case freshStage:
				fresh = append(fresh, candidate{it, m.vm.Mark.Retired})
			case dueStage:
				due = append(due, candidate{it, m.vm.Mark.Retired})
			default:
				b.add(it)
			}
		}
	}
	b.items = append(b.items, b.withinBudget(fresh, due, b.budget(total))...)
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
	it := Item{VM: key, Provider: m.at.Key, ID: m.vm.ID, Disruption: Nothing}
	pol := b.in.Policy.Prune
	grace := pol.Grace
	retired := m.vm.Mark.Retired
	switch {
	case b.in.Incomplete != "":
		return it.hold("it is not in the desired state, which is not complete: %s", b.in.Incomplete), keptStage
	case len(b.named) == 0 && !pol.AllowEmpty:
		return it.hold("the desired state has no VM at all, which is not believed; prune.allowEmpty would allow it"), keptStage
	case pol.Mode == PruneOff:
		return it.hold("it is not in the desired state; prune.mode is off"), keptStage
	case pol.Mode != PruneDelete:
		it.Action, it.Reason = Report, "it is not in the desired state; prune.mode is report"
		return it, keptStage
	case m.vm.Power == providers.Unknown:
		return it.hold("it is not in the desired state, and its power state is unknown"), keptStage
	case retired.IsZero() && grace > 0:
		return b.retire(it, m), freshStage
	case retired.IsZero():
		return b.delete(it, m, "it is not in the desired state any more"), freshStage
	case m.vm.Power != providers.Off:
		return it.hold("it was retired at %s and somebody started it again; put its manifest back, or power it off", stamp(retired)), keptStage
	case b.in.Now.Before(retired.Add(grace)):
		return it.hold("it was retired at %s and is deleted after %s; putting its manifest back restores it", stamp(retired), stamp(retired.Add(grace))), keptStage
	}
	return b.delete(it, m, fmt.Sprintf("it was retired at %s and its grace period of %s is over", stamp(retired), grace)), dueStage
}

func (b *builder) retire(it Item, m located) Item {
	it.Action, it.Disruption = Retire, Restart
	it.Reason = fmt.Sprintf("it is not in the desired state any more; it is powered off and kept for %s", b.in.Policy.Prune.Grace)
	it.Ops = b.powerDown(m)
	now := b.in.Now.UTC().Truncate(time.Second)
	it.Ops = append(it.Ops, Op{Kind: Reconfigure, Change: &providers.Change{Retired: &now, Autostart: new(false)}})
	return it
}

func (b *builder) delete(it Item, m located, reason string) Item {
	it.Action, it.Disruption, it.Reason = Delete, Destroy, reason
	it.Ops = append(b.powerDown(m), Op{Kind: DeleteVM, Retired: m.vm.Mark.Retired})
	return it
}

func (b *builder) powerDown(m located) []Op {
	if m.vm.Power == providers.Off {
		return nil
	}
	return halt(0, m.vm, b.in.Facts[m.vm.Mark.Owner.VM], b.in.Now)
}

// budget is how many VMs one pass may retire or delete, of total that are ours.
func (b *builder) budget(total int) int {
	n := total
	if p := b.in.Policy.Prune; p.MaxPercent > 0 {
		n = max(1, total*p.MaxPercent/100)
	}
	if p := b.in.Policy.Prune; p.MaxCount > 0 {
		n = min(n, p.MaxCount)
	}
	return n
}

// withinBudget holds all fresh items back if they are more than the budget:
// many at once look like an accident. Due ones had their grace period and are
// rationed, the ones retired first going first.
func (b *builder) withinBudget(fresh, due []candidate, budget int) []Item {
	if len(fresh) > budget {
		for i := range fresh {
			fresh[i].Item = fresh[i].hold("%d VMs are not in the desired state any more, and one pass may retire %d; if that is meant, remove fewer at once or raise prune.maxCount and prune.maxPercent", len(fresh), budget)
			fresh[i].Disruption = Nothing
		}
	} else {
		budget -= len(fresh)
	}
	slices.SortFunc(due, func(x, y candidate) int {
		return cmp.Or(x.retired.Compare(y.retired), x.VM.Compare(y.VM), cmp.Compare(x.ID, y.ID))
	})
	for i := range due {
		if i >= budget {
			due[i].Item = due[i].hold("its grace period is over; the prune budget of this pass is used up")
			due[i].Disruption = Nothing
		}
	}
	var all []Item
	for _, c := range append(fresh, due...) {
		b.shutWindow(&c.Item)
		all = append(all, c.Item)
	}
	return all
}

// shutWindow holds destructive work outside the disruption windows.
func (b *builder) shutWindow(it *Item) {
	w := b.in.Policy.Window
	if len(it.Ops) > 0 && w.Restricted && !w.Open {
		*it = it.hold("it is not in the desired state any more; %s", windowText(w))
		it.Disruption = Nothing
	}
}

// leftovers judges volumes of ours that no machine has. Only those of a
// creation that this daemon began and never ended are removed; others may hold
// somebody's data.
func (b *builder) leftovers() {
	for key, e := range b.endpoints {
		if e.Inventory == nil || !e.Inventory.Complete {
			continue
		}
		for _, left := range e.Inventory.Leftovers {
			vm := left.Owner.VM
			if left.Owner.Fleet != b.in.Fleet || b.named[vm] || len(b.owned[vm]) > 0 {
				continue
			}
			b.add(b.leftover(key, left))
		}
	}
}

func (b *builder) leftover(at manifest.Key, left providers.Leftover) Item {
	it := Item{VM: left.Owner.VM, Provider: at, ID: left.ID, Disruption: Nothing}
	p := b.in.Facts[left.Owner.VM].Pending
	switch pol := b.in.Policy.Prune; {
	case p == nil || p.Op != CreateVM:
		it.Action = Report
		it.Reason = "a volume of a VM that is neither wanted nor there; it may hold data, so remove it by hand if it is not needed"
	case b.in.Incomplete != "" || pol.Mode != PruneDelete || len(b.named) == 0 && !pol.AllowEmpty:
		it = it.hold("a volume of a creation that did not end; it is removed once pruning is possible")
	default:
		it.Action, it.Reason = Sweep, "a creation of this VM did not end, and the VM is not wanted any more"
		it.Ops = []Op{{Kind: SweepVolume, Leftover: &left}}
	}
	return it
}
