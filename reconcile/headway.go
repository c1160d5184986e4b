package reconcile

import (
	"time"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// headwayEvery is how often it is told that long work goes on.
const headwayEvery = 30 * time.Second

// headway notes how far long work has come, if its provider knows, and tells
// of it every now and then. It returns when that was last told.
func (w *work) headway(op *plan.Op, task providers.TaskRef, told time.Time) time.Time {
	p, knows := w.gate.Provider.(providers.Progressor)
	if !knows {
		return told
	}
	percent, ok := p.TaskProgress(task)
	if !ok {
		return told
	}
	w.donePct = &percent
	if time.Since(told) < headwayEvery {
		return told
	}
	w.log.Info("long work goes on", logkey.VM, w.it.VM.String(), logkey.Provider, w.it.Provider.String(),
		logkey.Action, string(op.Kind), logkey.DonePct, percent)
	return time.Now()
}
