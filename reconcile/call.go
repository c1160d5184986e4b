package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// errNotSent says that a call was given up before it was sent.
var errNotSent = errors.New("not tried")

// call makes the one provider call of an operation.
func (w *work) call(ctx context.Context, op *plan.Op) (task providers.TaskRef, err error) {
	sent := false
	err = w.gate.call(ctx, w.Engine.opts.CallTimeout, func(ctx context.Context) error {
		if err := w.confirm(ctx, op); err != nil {
			return err
		}
		sent = true
		task, err = w.dispatch(ctx, op)
		return err
	})
	if err != nil && !sent {
		return "", errors.Join(errNotSent, err)
	}
	return task, err
}

func (w *work) dispatch(ctx context.Context, op *plan.Op) (providers.TaskRef, error) {
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
		s, ok := providers.As[providers.Sweeper](p)
		if !ok {
			return "", &providers.Error{Op: "sweep", Subject: op.Leftover.ID, Kind: providers.NotSupported, Err: errors.New("the provider cannot")}
		}
		return "", s.Sweep(ctx, *op.Leftover)
	}
	return "", fmt.Errorf("plan has an unknown operation %q", op.Kind)
}

// confirm looks once more right before a call that destroys: both pass the
// rate limit first, so that nothing comes between them.
func (w *work) confirm(ctx context.Context, op *plan.Op) error {
	if op.Kind != plan.DeleteVM {
		return nil
	}
	if err := w.gate.admit(ctx); err != nil {
		return err
	}
	found, err := w.gate.Provider.Describe(ctx, w.ref)
	if providers.IsAbsent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := plan.Confirm(w.Engine.opts.Fleet, w.it, *op, found); err != nil {
		return &providers.Error{Op: "delete", Subject: w.it.VM.String(), Kind: providers.Conflict, Err: err}
	}
	return nil
}

// await polls long work until it ends, its deadline passes or nobody waits any
// more. At the deadline of a shutdown the plug is pulled, as the plan says.
func (w *work) await(ctx context.Context, op *plan.Op, task providers.TaskRef) error {
	waits := w.waits()
	var deadline <-chan time.Time
	if op.Timeout > 0 {
		t := time.NewTimer(op.Timeout)
		defer t.Stop()
		deadline = t.C
	}
	told := time.Now()
	w.donePct = nil
	begun := op.Task == "" // just now: it has hardly ended yet
	for pause := firstPoll; ; pause = min(pause*2, lastPoll) {
		w.progress()
		var err error
		if !begun {
			done, err := w.poll(ctx, task)
			if done || err != nil {
				return err
			}
			told = w.headway(op, task, told)
		}
		begun = false
		late := false
		w.gate.crew.aside(func() {
			select {
			case <-ctx.Done():
				err = errWaiting
			case <-waits.Done():
				err = errWaiting
			case <-deadline:
				late = true
			case <-time.After(pause):
			}
		})
		switch {
		case err != nil:
			return err
		case late:
			return w.deadline(ctx, op)
		}
	}
}

// The pauses between two looks at long work.
const (
	firstPoll = 50 * time.Millisecond
	lastPoll  = 2 * time.Second
)

// poll tells whether the work has ended, and how. When that cannot be known
// now, the work goes on without being watched.
func (w *work) poll(ctx context.Context, task providers.TaskRef) (done bool, err error) {
	err = w.gate.call(ctx, w.Engine.opts.CallTimeout, func(ctx context.Context) (err error) {
		done, err = w.gate.Provider.IsTaskComplete(ctx, task)
		return err
	})
	if !done && err != nil {
		return false, errors.Join(errWaiting, err)
	}
	return done, err
}

// deadline is what follows when long work takes too long: a guest that does
// not shut down is stopped.
func (w *work) deadline(ctx context.Context, op *plan.Op) error {
	if op.Kind != plan.ShutDown {
		return errWaiting
	}
	w.remember(string(op.Kind), fmt.Sprintf("not off after %s", op.Timeout))
	return w.op(ctx, &plan.Op{Kind: plan.Stop}, nil)
}
