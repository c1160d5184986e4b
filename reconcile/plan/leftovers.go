package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// leftovers judges volumes of ours that no machine has. Only those of a
// creation or a deletion that this daemon began and never ended are removed;
// others may hold somebody's data.
func (b *builder) leftovers() {
	for i := range b.ends {
		if e := &b.ends[i]; e.Inventory != nil && e.Inventory.Complete {
			b.leftoversAt(e)
		}
	}
}

// leftoversAt makes one item of all volumes of a VM.
func (b *builder) leftoversAt(e *Endpoint) {
	var order []manifest.Key
	volumes := make(map[manifest.Key][]providers.Leftover)
	for _, left := range e.Inventory.Leftovers {
		vm := left.Owner.VM
		if b.machines.berth(vm) >= 0 || left.Owner.Fleet != b.in.Fleet || b.names(vm) {
			continue
		}
		if volumes[vm] == nil {
			order = append(order, vm)
		}
		volumes[vm] = append(volumes[vm], left)
	}
	for _, vm := range order {
		list := volumes[vm]
		slices.SortFunc(list, func(x, y providers.Leftover) int { return strings.Compare(x.ID, y.ID) })
		b.add(b.leftover(e.Key, vm, list))
	}
}

func (b *builder) leftover(at, vm manifest.Key, volumes []providers.Leftover) Item {
	names := make([]string, 0, len(volumes))
	for _, v := range volumes {
		names = append(names, v.ID)
	}
	text := strings.Join(names, ", ")
	it := Item{VM: vm, Provider: at, ID: names[0], Disruption: Nothing}
	facts := b.facts(vm)
	p, pol := facts.Pending, b.in.Policy.Prune
	switch {
	case !facts.mayHaveLeft(at):
		it.Action = Report
		it.Reason = fmt.Sprintf("left of a VM that is neither wanted nor there: %s; it may hold data, so remove it by hand if it is not needed", text)
		return it
	case p.Task != "":
		return it.hold("work that was begun goes on: %s", p.Op)
	case b.in.Incomplete != "" || pol.Mode != PruneDelete || b.namesNone() && !pol.AllowEmpty:
		return it.hold("left of work that did not end: %s; it is removed once pruning is possible", text)
	}
	it.Action, it.Disruption = Sweep, Destroy
	it.Reason = fmt.Sprintf("left of work that did not end, and the VM is not wanted any more: %s", text)
	it.Signature = signatureOf(Diff{Field: "volumes", Wanted: absent})
	for i := range volumes {
		it.Ops = append(it.Ops, Op{Kind: SweepVolume, Leftover: &volumes[i]})
	}
	if held, ok := b.held(it, facts); ok {
		return held
	}
	return it
}

// mayHaveLeft tells whether volumes are what our own work on the endpoint left:
// a deletion, for which everything was weighed, or the first creation of a VM
// that never was as wanted.
func (f *Facts) mayHaveLeft(at manifest.Key) bool {
	if f.Pending == nil || f.Provider != at {
		return false
	}
	return f.Pending.Op == DeleteVM || f.Pending.Op == CreateVM && !f.knowsApplied()
}
