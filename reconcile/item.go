package reconcile

import (
	"context"
	"errors"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/reconcile/journal"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// work is the execution of one item.
type work struct {
	*run
	it   *plan.Item
	gate *gate
	ref  providers.Ref
	vm   *manifest.VM // nil when it is not wanted
	// begun is the operation whose intent was written with the outcome of the
	// one before.
	begun   *plan.Op
	donePct *int // percent of the long work that is waited for; nil: not known
}

var (
	// errWaiting says that long work goes on after its waiting was ended.
	errWaiting = errors.New("the work goes on")
	// errJournal says that no call was made because its intent could not be
	// written, or that what a call did could not be.
	errJournal = errors.New("the journal cannot be written")
)

// item makes the calls of one VM in order, stopping at the first that fails.
func (r *run) item(ctx context.Context, it *plan.Item) Result {
	begun := time.Now()
	w := &work{run: r, it: it, gate: r.gates[it.Provider], vm: it.Wanted}
	w.ref = providers.Ref{ID: it.ID, Owner: providers.Owner{Fleet: r.Engine.opts.Fleet, VM: it.VM}}
	if it.Action == plan.Sweep {
		w.ref.ID = ""
	}
	res := Result{VM: it.VM, Provider: it.Provider, Action: it.Action}
	err := w.ops(ctx, &res)
	if err == nil {
		w.verify(ctx, &res)
	}
	if !it.Whole() {
		res.part = it
	}
	w.conclude(&res, err)
	w.gate.mirror.changed(w.ref.ID) // its own events may come after the next pass began
	res.Took = time.Since(begun)
	w.report(&res)
	return res
}

// ops makes the calls.
func (w *work) ops(ctx context.Context, res *Result) error {
	for i := range w.it.Ops {
		op, rest := &w.it.Ops[i], w.it.Ops[i+1:]
		if err := w.op(ctx, op, rest); err != nil {
			return errors.Join(err, w.restore(ctx, op, rest, err))
		}
		res.Ops = append(res.Ops, op.Kind)
	}
	return nil
}

// restore starts a guest again that was stopped for a change which then was
// refused.
func (w *work) restore(ctx context.Context, failed *plan.Op, rest []plan.Op, err error) error {
	if failed.Kind != plan.Reconfigure || len(rest) == 0 || rest[0].Kind != plan.Start || unknowable(err) {
		return nil
	}
	return w.op(ctx, &rest[0], nil)
}

// unknowable tells whether nobody can know what became of a call.
func unknowable(err error) bool {
	if errors.Is(err, errJournal) || errors.Is(err, errWaiting) || errors.Is(err, context.Canceled) || errors.Is(err, errEndpointDown) {
		return true
	}
	switch providers.KindOf(err) {
	case providers.Timeout, providers.Unavailable, providers.Unrecognised:
		return true
	}
	return false
}

// op makes one call between its intent and its outcome in the journal. Without
// a written intent there is no call. The outcome carries the intent of the
// call that follows, so that nothing can come between the two.
func (w *work) op(ctx context.Context, op *plan.Op, rest []plan.Op) error {
	w.progress()
	task := op.Task
	if task == "" {
		before, err := w.intend(op)
		if err != nil {
			return err
		}
		if task, err = w.call(ctx, op); err != nil {
			return w.broken(op, rest, before, err)
		}
		if task != "" {
			if err := w.journal(func(r *journal.Record) { r.Intent = r.Intent.WithTask(string(task)) }); err != nil {
				return err
			}
		}
	}
	if task != "" {
		if err := w.await(ctx, op, task); err != nil {
			return err
		}
	}
	return w.done(op, rest)
}

// intend writes the intent, unless it was written already, and returns the one
// that was open before.
func (w *work) intend(op *plan.Op) (before *journal.Intent, err error) {
	if rec := w.memory.at(w.it.VM); rec != nil {
		before = rec.intent
	}
	if w.begun == op {
		return before, nil
	}
	return before, w.journal(func(r *journal.Record) { r.Provider, r.Intent = w.it.Provider, w.intent(op) })
}

func (w *work) intent(op *plan.Op) *journal.Intent {
	in := &journal.Intent{Op: string(op.Kind), Pass: w.id, Begun: time.Now().UTC(), Digest: w.it.Digest}
	if op.Timeout > 0 {
		in.Deadline = in.Begun.Add(op.Timeout)
	}
	return in
}

// done writes the outcome of a call that succeeded, and the intent of the one
// that follows.
func (w *work) done(op *plan.Op, rest []plan.Op) error {
	w.remember(string(op.Kind), "done")
	var next *journal.Intent
	w.begun = nil
	if len(rest) > 0 && rest[0].Task == "" {
		w.begun = &rest[0]
		next = w.intent(w.begun)
	}
	return w.journal(func(r *journal.Record) { r.Intent, r.ID = next, w.ref.ID })
}

// broken writes the outcome of a call that failed. The intent stays open when
// nobody can know whether it took effect, when it makes or removes volumes and
// may have left some, and when the VM is in the midst of its calls; the one
// before comes back when nothing was tried.
func (w *work) broken(op *plan.Op, rest []plan.Op, before *journal.Intent, err error) error {
	if errors.Is(err, errEndpointDown) || errors.Is(err, errNotSent) {
		return errors.Join(err, w.journal(func(r *journal.Record) { r.Intent = before }))
	}
	w.remember(string(op.Kind), err.Error())
	if op.Kind == plan.CreateVM || op.Kind == plan.DeleteVM || len(rest) > 0 || unknowable(err) {
		return err
	}
	return errors.Join(err, w.journal(func(r *journal.Record) { r.Intent = nil }))
}

// journal changes the VM's record.
func (w *work) journal(change func(*journal.Record)) error {
	err := w.memory.update(w.it.VM, change)
	if err == nil {
		return nil
	}
	w.complain(err)
	return errors.Join(errJournal, err)
}
