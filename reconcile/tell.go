package reconcile

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// repeats remembers what was said of each subject, so that the same again is
// said at debug level only.
type repeats map[string][sha256.Size]byte

// level returns info for news and debug for a repetition.
func (r repeats) level(subject, text string, news slog.Level) slog.Level {
	sum := sha256.Sum256([]byte(text))
	if r[subject] == sum {
		return slog.LevelDebug
	}
	r[subject] = sum
	return news
}

// tell writes the decisions of the plan to the log: one line per drift, one
// per VM that something is decided about. What is no news is said at debug
// level, and what is not said any more is forgotten, to be news again.
func (r *run) tell(look *Outlook) {
	before := r.said
	r.said = make(repeats, len(before))
	say := func(subject, text string, news slog.Level) slog.Level {
		level := before.level(subject, text, news)
		r.said[subject] = before[subject]
		return level
	}
	r.tellSource(look, say)
	now := r.memo.Telling()
	if r.log.Enabled(context.Background(), slog.LevelDebug) {
		r.told = nil
	}
	for it, same := range compared(r.told, now) {
		if sum, ok := before[subject(it)]; same && ok {
			r.said[subject(it)] = sum
		} else if it.Action != plan.None || len(it.Warnings) > 0 {
			r.tellItem(it, say)
		}
	}
	r.told = now
}

// subject is what an item is remembered under.
func subject(it *plan.Item) string { return it.VM.String() + "@" + it.Provider.String() + it.ID }

// sayer returns the level that a text about a subject is said at.
type sayer func(subject, text string, news slog.Level) slog.Level

func (r *run) line(level slog.Level, message string, attrs ...any) {
	r.log.Log(context.Background(), level, message, attrs...)
}

func (r *run) tellSource(look *Outlook, say sayer) {
	snap := &look.Snapshot
	if snap.Stale != "" {
		r.line(say("!stale", snap.Stale, slog.LevelWarn), "source failed, the last good snapshot stays in force",
			logkey.Source, snap.Source, logkey.Revision, snap.Revision, logkey.Err, snap.Stale)
	}
	for _, n := range look.Plan.Notes {
		r.line(say("!note"+n, n, slog.LevelWarn), "plan note", logkey.Reason, n)
	}
	for _, n := range snap.Notes {
		r.line(say("!source"+n, n, slog.LevelWarn), "source note", logkey.Source, snap.Source, logkey.Reason, n)
	}
	for _, f := range look.Findings {
		news := slog.LevelWarn
		if f.Severity == manifest.Error {
			news = slog.LevelError
		}
		r.line(say("!"+f.String(), snap.Revision, news), "manifest", logkey.Reason, f.String())
	}
}

func (r *run) tellItem(it *plan.Item, say sayer) {
	level := slog.LevelInfo
	if it.Action == plan.Conflict || it.Action == plan.Hold {
		level = slog.LevelWarn
	}
	reason := it.Reason
	if it.Action == plan.Hold && !it.Until.IsZero() {
		reason = "" // it names an instant that moves
	}
	level = say(subject(it), fmt.Sprint(it.Action, reason, it.Diffs, it.Warnings), level)
	for _, d := range it.Diffs {
		if d.Drift {
			r.tellDrift(it, d, level)
		}
	}
	if it.Action != plan.None {
		r.line(level, "decision", logkey.VM, it.VM.String(), logkey.Provider, it.Provider.String(),
			logkey.Action, string(it.Action), logkey.Disruption, string(it.Disruption), logkey.Reason, it.Reason)
	}
	for _, w := range it.Warnings {
		r.line(level, "warning", logkey.VM, it.VM.String(), logkey.Reason, w)
	}
}

func (r *run) tellDrift(it *plan.Item, d plan.Diff, level slog.Level) {
	attrs := []any{logkey.VM, it.VM.String(), logkey.Provider, it.Provider.String(), logkey.Field, d.Field,
		logkey.Wanted, d.Wanted, logkey.Found, d.Found, logkey.Disruption, string(d.Disruption), "verdict", string(d.Verdict)}
	if d.Where != plan.Both {
		attrs = append(attrs, "where", string(d.Where))
	}
	if d.Reason != "" {
		attrs = append(attrs, logkey.Reason, d.Reason)
	}
	r.line(level, "drift", attrs...)
}
