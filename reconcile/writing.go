package reconcile

import (
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile/journal"
)

// writing collects changes of records, to write many at once.
type writing struct {
	*run
	changes map[manifest.Key]func(*journal.Record)
	then    []func()
}

// atOnce is how many records are written together: enough to pay for a synced
// write, and few to hold in memory.
const atOnce = 500

// update changes a record, and calls then once that was written or has failed.
func (w *writing) update(vm manifest.Key, change func(*journal.Record), then func()) {
	if w.changes == nil {
		w.changes = make(map[manifest.Key]func(*journal.Record))
	}
	w.changes[vm] = change
	w.then = append(w.then, then)
	if len(w.changes) >= atOnce {
		w.flush()
	}
}

// flush writes what was collected.
func (w *writing) flush() {
	if len(w.changes) == 0 {
		return
	}
	w.complain(w.memory.updateAll(w.changes))
	for _, then := range w.then {
		then()
	}
	w.changes, w.then = nil, nil
}
