package reconcile

import (
	"iter"
	"maps"
	"slices"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile/journal"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// noted is what the last pass has noted.
type noted struct {
	items []*plan.Item
	// lingering are VMs that are neither wanted nor there, as far as can be
	// seen, and whose records are kept for the time being.
	lingering map[manifest.Key]bool
}

// note records the VMs that were found as wanted, where that is news, and
// forgets those that are neither wanted nor there.
func (r *run) note(items []*plan.Item) {
	before := r.noted
	r.noted = noted{items, make(map[manifest.Key]bool)}
	w := writing{run: r}
	for it, same := range compared(before.items, items) {
		if !same && it.Action == plan.None {
			r.noteInSync(it, &w)
		}
	}
	w.flush()
	if before.items == nil {
		r.forgetAbsent(r.memory.all())
		return
	}
	gone := slices.Collect(maps.Keys(before.lingering))
	for it, same := range compared(items, before.items) {
		if !same {
			gone = append(gone, it.VM)
		}
	}
	r.forgetAbsent(gone)
}

// compared returns the items of now, and whether before has the same value.
// Both are in the order of a plan.
func compared(before, now []*plan.Item) iter.Seq2[*plan.Item, bool] {
	return func(yield func(*plan.Item, bool) bool) {
		for _, it := range now {
			same := len(before) > 0 && before[0] == it
			if same {
				before = before[1:]
			} else {
				for len(before) > 0 && before[0].VM.Compare(it.VM) < 0 {
					before = before[1:]
				}
				same = hasValue(before, it)
			}
			if !yield(it, same) {
				return
			}
		}
	}
}

// hasValue tells whether an item is among those at the beginning of a list that
// are about its VM.
func hasValue(items []*plan.Item, it *plan.Item) bool {
	for _, other := range items {
		switch {
		case other == it:
			return true
		case other.VM != it.VM:
			return false
		}
	}
	return false
}

// forgetAbsent forgets the VMs that no item is about, unless their provider
// could not be read or they are being made.
func (r *run) forgetAbsent(vms []manifest.Key) {
	for _, vm := range vms {
		rec := r.memory.at(vm)
		if rec == nil || r.about(vm) {
			continue
		}
		if g := r.gates[rec.Provider]; g == nil || g.known() && rec.task() == nil {
			r.complain(r.memory.forget(vm))
		} else {
			r.noted.lingering[vm] = true
		}
	}
}

// about tells whether an item of the plan is about a VM.
func (r *run) about(vm manifest.Key) bool {
	_, found := slices.BinarySearchFunc(r.noted.items, vm, func(it *plan.Item, vm manifest.Key) int { return it.VM.Compare(vm) })
	return found
}

func (r *run) noteInSync(it *plan.Item, w *writing) {
	rec, caps := r.memory.at(it.VM), r.gates[it.Provider].stated.caps()
	if rec.isCurrent(it, caps) {
		return
	}
	calm := func() { r.memory.calm(it, caps) }
	if rec.says(it, caps) {
		calm()
		return
	}
	w.replace(it.VM, journal.Record{
		Provider: it.Provider, ID: it.ID, Digest: it.Digest, Applied: plan.Base(it.Wanted, caps, it, nil), InSync: r.begun.UTC(),
	}, calm)
}
