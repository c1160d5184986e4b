package reconcile

import (
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile/journal"
)

// writing collects records, to write many at once.
type writing struct {
	*run
	records map[manifest.Key]journal.Record
	then    []func()
}

// atOnce is how many records are written together: enough to pay for a synced
// write, and few to hold in memory.
const atOnce = 250

// replace replaces a record, and calls then once that was written or has
// failed.
func (w *writing) replace(vm manifest.Key, r journal.Record, then func()) {
	if w.records == nil {
		w.records = make(map[manifest.Key]journal.Record)
	}
	w.records[vm] = r
	w.then = append(w.then, then)
	if len(w.records) >= atOnce {
		w.flush()
	}
}

// flush writes what was collected.
func (w *writing) flush() {
	if len(w.records) == 0 {
		return
	}
	w.complain(w.memory.replace(w.records))
	for _, then := range w.then {
		then()
	}
	w.records, w.then = nil, nil
}
