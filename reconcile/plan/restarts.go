package plan

import (
	"cmp"
	"slices"
	"time"
)

// restartTurn is how soon those that have to wait are looked at again.
const restartTurn = 5 * time.Second

// rationRestarts lets one pass restart a few VMs only: an edited class must not
// take every guest down at once. The others' turn comes when those are done.
func (b *builder) rationRestarts() {
	limit := b.in.Policy.MaxRestarts
	if limit <= 0 {
		return
	}
	var restarts []**Item
	for it := range b.said() {
		if (*it).restarts() {
			restarts = append(restarts, it)
		}
	}
	slices.SortFunc(restarts, func(x, y **Item) int {
		return cmp.Or((*x).VM.Compare((*y).VM), (*x).Provider.Compare((*y).Provider))
	})
	for _, it := range restarts[min(limit, len(restarts)):] {
		held := (*it).hold("%d VMs are to be restarted, and one pass restarts %d; its turn comes when those are done", len(restarts), limit)
		held.Diffs = slices.Clone(held.Diffs)
		held = held.deferAll()
		held.Until = b.in.Now.Add(restartTurn)
		*it = &held
	}
}

// restarts tells whether the guest goes down to come up again.
func (it *Item) restarts() bool {
	down := slices.ContainsFunc(it.Ops, func(op Op) bool { return op.Kind == Stop || op.Kind == ShutDown })
	return down && slices.ContainsFunc(it.Ops, func(op Op) bool { return op.Kind == Start })
}
