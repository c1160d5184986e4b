package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/manifest"
)

// run is one pass.
type run struct {
	*Engine
	opts  PassOptions
	id    string
	begun time.Time
	log   *slog.Logger

	mu      sync.Mutex
	results []Result // guarded by mu
	errs    []error  // guarded by mu: of the journal
}

func (r *run) do(ctx context.Context) (*Report, error) {
	r.log.Debug("pass begins", logkey.Reason, r.opts.Reason)
	r.errs = r.settleTasks(ctx)
	how := readAll
	if r.opts.Changed {
		how = readChanged
	}
	look, sc, err := r.outlook(ctx, how)
	if err != nil {
		r.log.Error("pass failed", logkey.Reason, r.opts.Reason, logkey.Err, err)
		return nil, err
	}
	if r.opts.Expect != "" && r.opts.Expect != look.Plan.Fingerprint() {
		return nil, ErrPlanMoved
	}
	r.progress()
	r.tell(look)
	r.note(look.Plan.Items)
	r.locate(sc.endpoints)
	if len(r.errs) == 0 {
		r.complain(r.reads.add(r.Engine.opts.Journal, sc.endpoints))
	}
	r.execute(ctx, r.memo.Telling())
	return r.finish(look), nil
}

// progress tells whoever asked that the pass is one step further.
func (r *run) progress() {
	if r.opts.Progress != nil {
		r.opts.Progress()
	}
}

// chosen tells whether the pass may act on the VM.
func (r *run) chosen(vm manifest.Key) bool {
	return len(r.opts.Only) == 0 || slices.Contains(r.opts.Only, vm)
}

// finish records the pass and says in one line how it went.
func (r *run) finish(look *Outlook) *Report {
	rep := &Report{
		Outlook: *look, Pass: r.id, Reason: r.opts.Reason, Begun: r.begun, Took: time.Since(r.begun), Results: r.results,
	}
	rep.RetryAt = r.retryAt(look)
	r.complain(r.keepBrief(rep.Brief()))
	if len(r.errs) > 0 {
		rep.JournalError = errors.Join(r.errs...).Error()
		r.log.Error("journal cannot be written", logkey.Err, rep.JournalError)
	}
	s := look.Plan.Summary
	level := slog.LevelInfo
	if rep.Failed() > 0 {
		level = slog.LevelWarn
	}
	r.log.Log(context.Background(), level, "pass complete", logkey.Reason, r.opts.Reason, logkey.Revision, look.Snapshot.Revision,
		"wanted", s.Wanted, "in_sync", s.InSync, "drifted", s.Drifted, "applied", rep.Applied(), "failed", rep.Failed(),
		"held", s.Held, "conflicts", s.Conflicts, "deferred", s.Deferred, "reported", s.Reported,
		logkey.TookMS, rep.Took.Milliseconds())
	r.latest.Store(rep)
	return rep
}

// keepBrief remembers the pass, so that a schedule knows what it missed. Passes
// that did nothing new are remembered once a minute: an idle daemon that is
// woken often does not write often.
func (r *run) keepBrief(b Brief) error {
	if last := r.kept; last != nil && b.Applied == 0 && b.Failed == 0 && last.Failed == 0 && last.Revision == b.Revision && b.Summary == last.Summary &&
		b.Begun.Sub(last.Begun) < time.Minute {
		return nil
	}
	if err := r.Engine.opts.Journal.SetState("last", b); err != nil {
		return err
	}
	r.kept = &b
	return nil
}
