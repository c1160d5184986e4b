package reconcile

import (
	"context"
	"errors"
	"fmt"
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
}

// errWaiting says that long work goes on after its waiting was ended.
var errWaiting = errors.New("the work goes on")

// item makes the calls of one VM in order, stopping at the first that fails.
func (r *run) item(ctx context.Context, it *plan.Item) Result {
	begun := time.Now()
	w := &work{run: r, it: it, gate: r.gates[it.Provider], vm: r.wanted[it.VM]}
	w.ref = providers.Ref{ID: it.ID, Owner: providers.Owner{Fleet: r.Engine.opts.Fleet, VM: it.VM}}
	res := Result{VM: it.VM, Provider: it.Provider, Action: it.Action}
	var err error
	for _, op := range it.Ops {
		if err = w.op(ctx, op); err != nil {
			break
		}
		res.Ops = append(res.Ops, op.Kind)
	}
	if err == nil {
		err = w.verify(ctx, &res)
	}
	w.conclude(&res, err)
	res.Took = time.Since(begun)
	w.report(&res, err)
	return res
}

// op makes one call between its intent and its outcome in the journal. Without
// a written intent there is no call.
func (w *work) op(ctx context.Context, op plan.Op) error {
	task := op.Task
	if task == "" {
		if err := w.intend(op); err != nil {
			return err
		}
		var err error
		if task, err = w.call(ctx, op); err != nil {
			return w.broken(op, err)
		}
		if task != "" {
			if err := w.journal(func(r *journal.Record) { r.Intent.Task = string(task) }); err != nil {
				return err
			}
		}
	}
	if task != "" {
		if err := w.await(ctx, op, task); err != nil {
			return err
		}
	}
	return w.done(op)
}

func (w *work) intend(op plan.Op) error {
	in := &journal.Intent{Op: string(op.Kind), Pass: w.id, Begun: time.Now().UTC()}
	if op.Timeout > 0 {
		in.Deadline = in.Begun.Add(op.Timeout)
	}
	return w.journal(func(r *journal.Record) { r.Provider, r.Intent = w.it.Provider, in })
}

// done writes the outcome of a call that succeeded.
func (w *work) done(op plan.Op) error {
	w.remember(string(op.Kind), "done")
	return w.journal(func(r *journal.Record) { r.Intent, r.ID = nil, w.ref.ID })
}

// broken writes the outcome of a call that failed. When nobody can know
// whether it took effect, the intent stays open.
func (w *work) broken(op plan.Op, err error) error {
	if errors.Is(err, errEndpointDown) {
		return errors.Join(err, w.journal(func(r *journal.Record) { r.Intent = nil }))
	}
	w.remember(string(op.Kind), err.Error())
	switch providers.KindOf(err) {
	case providers.Timeout, providers.Unavailable, providers.Unrecognised:
		return err
	}
	if jerr := w.journal(func(r *journal.Record) { r.Intent = nil }); jerr != nil {
		return errors.Join(err, jerr)
	}
	return err
}

// call makes the one provider call of an operation.
func (w *work) call(ctx context.Context, op plan.Op) (task providers.TaskRef, err error) {
	err = w.gate.call(ctx, w.Engine.opts.CallTimeout, func(ctx context.Context) error {
		if err := w.confirm(ctx, op); err != nil {
			return err
		}
		task, err = w.dispatch(ctx, op)
		return err
	})
	return task, err
}

func (w *work) dispatch(ctx context.Context, op plan.Op) (providers.TaskRef, error) {
	p := w.gate.Provider
	switch op.Kind {
	case plan.CreateVM:
		res, err := p.Create(ctx, providers.CreateRequest{Owner: w.ref.Owner, VM: w.vm})
		if err == nil {
			w.ref.ID = res.ID
		}
		return res.Task, err
	case plan.Start:
		return p.Power(ctx, w.ref, providers.PowerStart)
	case plan.Stop:
		return p.Power(ctx, w.ref, providers.PowerStop)
	case plan.ShutDown:
		return p.Power(ctx, w.ref, providers.PowerShutdown)
	case plan.Reconfigure:
		return p.Reconfigure(ctx, w.ref, *op.Change)
	case plan.DeleteVM:
		return p.Delete(ctx, w.ref)
	case plan.SweepVolume:
		s, ok := p.(providers.Sweeper)
		if !ok {
			return "", &providers.Error{Op: "sweep", Subject: op.Leftover.ID, Kind: providers.NotSupported, Err: errors.New("the provider cannot")}
		}
		return "", s.Sweep(ctx, *op.Leftover)
	}
	return "", fmt.Errorf("plan has an unknown operation %q", op.Kind)
}

// confirm looks once more right before a call that destroys.
func (w *work) confirm(ctx context.Context, op plan.Op) error {
	if op.Kind != plan.DeleteVM {
		return nil
	}
	found, err := w.gate.Provider.Describe(ctx, w.ref)
	if providers.IsAbsent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := plan.Confirm(w.Engine.opts.Fleet, w.it, op, found); err != nil {
		return &providers.Error{Op: "delete", Subject: w.it.VM.String(), Kind: providers.Conflict, Err: err}
	}
	return nil
}

// await polls long work until it ends, its deadline passes or nobody waits any
// more. At the deadline of a shutdown the plug is pulled, as the plan says.
func (w *work) await(ctx context.Context, op plan.Op, task providers.TaskRef) error {
	waits := w.opts.Waits
	if waits == nil {
		waits = context.Background()
	}
	var deadline <-chan time.Time
	if op.Timeout > 0 {
		t := time.NewTimer(op.Timeout)
		defer t.Stop()
		deadline = t.C
	}
	for pause := firstPoll; ; pause = min(pause*2, lastPoll) {
		done, err := w.poll(ctx, task)
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return errWaiting
		case <-waits.Done():
			return errWaiting
		case <-deadline:
			return w.deadline(ctx, op)
		case <-time.After(pause):
		}
	}
}

// The pauses between two looks at long work.
const (
	firstPoll = 100 * time.Millisecond
	lastPoll  = 2 * time.Second
)

func (w *work) poll(ctx context.Context, task providers.TaskRef) (done bool, err error) {
	err = w.gate.call(ctx, w.Engine.opts.CallTimeout, func(ctx context.Context) error {
		done, err = w.gate.Provider.IsTaskComplete(ctx, task)
		return err
	})
	if !done && errors.Is(err, errEndpointDown) {
		return false, errWaiting
	}
	return done, err
}

// deadline is what follows when long work takes too long: a guest that does
// not shut down is stopped.
func (w *work) deadline(ctx context.Context, op plan.Op) error {
	if op.Kind != plan.ShutDown {
		return errWaiting
	}
	w.remember(string(op.Kind), fmt.Sprintf("not off after %s", op.Timeout))
	return w.op(ctx, plan.Op{Kind: plan.Stop})
}
