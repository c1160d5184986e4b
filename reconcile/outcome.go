package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/reconcile/journal"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// verify describes the VM again: success means that it reads as wanted. What a
// running guest has to take or give itself, such as memory, takes a moment.
func (w *work) verify(ctx context.Context, res *Result) {
	patience := time.Now().Add(guestTakes)
	for pause := firstPoll; ; pause = min(pause*2, lastPoll) {
		w.verifyOnce(ctx, res)
		if res.Outcome != Different || !w.changesGuest() || !time.Now().Add(pause).Before(patience) {
			return
		}
		given := false
		w.gate.crew.aside(func() {
			select {
			case <-ctx.Done():
			case <-w.waits().Done():
			case <-time.After(pause):
				given = true
			}
		})
		if !given {
			return
		}
	}
}

// guestTakes is how long a running guest may take to follow a live change.
const guestTakes = 10 * time.Second

// changesGuest tells whether the item changes a machine that runs.
func (w *work) changesGuest() bool {
	return slices.ContainsFunc(w.it.Ops, func(op plan.Op) bool { return op.Change != nil && op.Change.Live })
}

// waits ends when nobody waits for long work any more.
func (w *work) waits() context.Context {
	if w.opts.Waits == nil {
		return context.Background()
	}
	return w.opts.Waits
}

// verifyOnce describes the VM and fills in the outcome.
func (w *work) verifyOnce(ctx context.Context, res *Result) {
	w.progress()
	res.Remaining = nil
	if w.it.Action == plan.Sweep {
		res.Outcome = Applied
		return
	}
	var found *providers.VM
	err := w.gate.call(ctx, w.Engine.opts.CallTimeout, func(ctx context.Context) (err error) {
		found, err = w.gate.Provider.Describe(ctx, w.ref)
		return err
	})
	gone := providers.IsAbsent(err)
	res.found = nil
	if err == nil {
		w.ref.ID, res.found = found.ID, sightOf(found)
	}
	switch {
	case w.it.Action == plan.Delete && gone:
		res.Outcome = Applied
		return
	case w.it.Action == plan.Delete && err == nil:
		res.Remaining = []string{"exists: wanted absent, found present"}
	case gone:
		res.Remaining = []string{"exists: wanted present, found absent"}
	case err != nil:
		res.Outcome, res.Error, res.Kind = Unproven, err.Error(), string(providers.KindOf(err))
		return
	case found.Mark == nil || found.Mark.Owner != w.ref.Owner:
		res.Remaining = []string{"mark: wanted ours, found another"}
	case w.it.Action == plan.Retire:
		res.Remaining = unretired(found)
	default:
		res.Remaining = plan.Remaining(w.it, w.vm, found, w.gate.stated.caps())
	}
	res.Outcome = Applied
	if len(res.Remaining) > 0 {
		res.Outcome = Different
	}
}

func unretired(found *providers.VM) []string {
	var out []string
	if found.Power != providers.Off {
		out = append(out, "power: wanted Off, found "+string(found.Power))
	}
	if found.Mark == nil || found.Mark.Retired.IsZero() {
		out = append(out, "retired: wanted yes, found no")
	}
	return out
}

// conclude turns the end of the calls into an outcome and records it.
func (w *work) conclude(res *Result, err error) {
	switch {
	case err == nil:
		w.recordApplied(res)
	case errors.Is(err, errJournal):
		res.Outcome, res.Error = NotTried, err.Error()
	case errors.Is(err, errWaiting), errors.Is(err, context.Canceled):
		res.Outcome, res.DonePct = Waiting, w.donePct
	case errors.Is(err, errEndpointDown), providers.KindOf(err) == providers.Unavailable:
		res.Outcome, res.Kind, res.Error = NotTried, string(providers.Unavailable), err.Error()
	default:
		res.Outcome, res.Kind, res.Error = Failed, string(providers.KindOf(err)), err.Error()
		w.recordFailure(err)
	}
}

// recordApplied remembers what was applied, and counts how often the same
// differences had to be removed without a pass in between that found none.
func (w *work) recordApplied(res *Result) {
	if w.it.Action == plan.Delete || w.it.Action == plan.Sweep {
		if res.Outcome == Applied {
			w.complain(w.memory.forget(w.it.VM))
			return
		}
	}
	now := time.Now().UTC().Truncate(time.Second)
	whole := res.Outcome == Applied && w.vm != nil && w.it.Whole()
	_ = w.journal(func(r *journal.Record) {
		if w.it.Whole() || r.Failure == nil || !r.Failure.ForDigest {
			r.Failure = nil
		}
		r.Provider, r.ID = w.it.Provider, w.ref.ID
		if r.Signature != w.it.Signature {
			r.Signature, r.Strikes = w.it.Signature, 0
		}
		if w.it.Signature != "" {
			r.Strikes++
		}
		r.Stubborn = res.Outcome == Different
		if res.Outcome == Applied && w.vm != nil {
			r.Applied, r.Digest = plan.Base(w.vm, w.gate.stated.caps(), w.it, r.Applied), ""
			if whole {
				r.Digest = w.it.Digest
			}
			r.InSync = now
		}
	})
	if whole {
		w.memory.whole(w.vm, w.gate.stated.caps())
	}
}

func (w *work) recordFailure(err error) {
	now := time.Now().UTC()
	_ = w.journal(func(r *journal.Record) {
		r.Failure = failureOf(r.Failure, w.it.Digest, err, now)
	})
}

// failureOf is what is remembered of an error, given the one before. A VM that
// is not wanted has no manifest whose change could be awaited.
func failureOf(before *journal.Failure, digest string, err error, now time.Time) *journal.Failure {
	v := verdictOf(err)
	if digest == "" && v.forDigest {
		v = missing
	}
	f := &journal.Failure{
		Text: err.Error(), Kind: string(providers.KindOf(err)), Digest: digest, Attempts: 1, At: now, ForDigest: v.forDigest,
	}
	if before != nil && before.Digest == digest {
		f.Attempts = before.Attempts + 1
	}
	if pause := v.pause(f.Attempts); pause > 0 {
		f.NotBefore = now.Add(pause)
	}
	return f
}

// report writes the one line about how the VM's calls went.
func (w *work) report(res *Result) {
	attrs := []any{logkey.VM, res.VM.String(), logkey.Provider, res.Provider.String(), logkey.Action, string(res.Action),
		"outcome", string(res.Outcome), logkey.Disruption, string(w.it.Disruption), logkey.TookMS, res.Took.Milliseconds()}
	level := slog.LevelInfo
	switch res.Outcome {
	case Different:
		level = slog.LevelWarn
		attrs = append(attrs, "remaining", res.Remaining)
	case Failed, Unproven, NotTried:
		level = slog.LevelWarn
		attrs = append(attrs, logkey.Kind, res.Kind, logkey.Err, res.Error)
		if rec := w.memory.at(res.VM); rec != nil && rec.failure != nil {
			attrs = append(attrs, logkey.Attempt, rec.failure.Attempts)
			if pause := time.Until(rec.failure.NotBefore); pause > 0 {
				attrs = append(attrs, logkey.RetryInMS, pause.Milliseconds())
			}
			if rec.failure.ForDigest {
				level = slog.LevelError
			}
		}
	}
	w.log.Log(context.Background(), level, "action", attrs...)
}

// remember adds a line to the history.
func (w *work) remember(what, outcome string) {
	w.complain(w.Engine.opts.Journal.Append(journal.Event{
		At: time.Now().UTC(), Pass: w.id, VM: w.it.VM, What: what, Outcome: outcome,
	}))
}

// complain keeps an error of the journal for the report of the pass.
func (r *run) complain(err error) {
	if err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}
