package plan

import (
	"cmp"
	"iter"
	"slices"
)

// said returns the place of every item that is not quiet. What is put there
// takes its place in this plan only.
func (b *builder) said() iter.Seq[**Item] {
	return func(yield func(**Item) bool) {
		for _, i := range b.telling {
			if !yield(&b.items[i]) {
				return
			}
		}
		for i := range b.extras {
			if !yield(&b.extras[i]) {
				return
			}
		}
	}
}

// finish puts everything in order.
func (b *builder) finish() Plan {
	slices.SortFunc(b.extras, inOrder)
	told := make([]*Item, 0, len(b.telling)+len(b.extras))
	for _, i := range b.telling {
		told = append(told, b.items[i])
	}
	b.told = merge(told, b.extras)
	summary, quiet := summarise(b.told), len(b.items)-len(b.telling)
	summary.Wanted, summary.InSync = summary.Wanted+quiet, summary.InSync+quiet
	return Plan{
		FormatVersion: FormatVersion, Fleet: b.in.Fleet, Revision: b.in.Revision, Made: b.in.Now,
		Items: merge(b.items, b.extras), Notes: b.notes, Summary: summary,
	}
}

// inOrder is the order of items in a plan.
func inOrder(x, y *Item) int {
	if c := x.VM.Compare(y.VM); c != 0 {
		return c
	}
	return cmp.Or(x.Provider.Compare(y.Provider), cmp.Compare(x.ID, y.ID),
		cmp.Compare(x.Action, y.Action), cmp.Compare(x.Reason, y.Reason))
}

// merge returns the items of two lists that are in order.
func merge(x, y []*Item) []*Item {
	if len(y) == 0 {
		return x
	}
	out := make([]*Item, 0, len(x)+len(y))
	for len(x) > 0 && len(y) > 0 {
		if inOrder(x[0], y[0]) <= 0 {
			out, x = append(out, x[0]), x[1:]
		} else {
			out, y = append(out, y[0]), y[1:]
		}
	}
	return append(append(out, x...), y...)
}
