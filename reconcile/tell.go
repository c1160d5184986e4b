package reconcile

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"maps"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile/journal"
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
	r.said = repeats{}
	say := func(subject, text string, news slog.Level) slog.Level {
		level := before.level(subject, text, news)
		r.said[subject] = before[subject]
		return level
	}
	r.tellSource(look, say)
	for i := range look.Plan.Items {
		if it := &look.Plan.Items[i]; it.Action != plan.None || len(it.Warnings) > 0 {
			r.tellItem(it, say)
		}
	}
}

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
	level = say(it.VM.String()+"@"+it.Provider.String()+it.ID, fmt.Sprint(it.Action, reason, it.Diffs, it.Warnings), level)
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

// note records the VMs that were found as wanted, where that is news, and
// forgets those that are neither wanted nor there.
func (r *run) note(items []plan.Item) {
	seen := make(map[manifest.Key]bool, len(items))
	for i := range items {
		it := &items[i]
		seen[it.VM] = true
		if it.Action == plan.None {
			r.noteInSync(it)
		}
	}
	for key, rec := range r.memory.all() {
		g := r.gates[rec.Provider]
		making := rec.Intent != nil && rec.Intent.Task != ""
		if !seen[key] && (g == nil || g.known() && !making) {
			r.complain(r.memory.forget(key))
		}
	}
}

func (r *run) noteInSync(it *plan.Item) {
	if r.memory.isCurrent(it.VM, it.Digest, it.ID) {
		return
	}
	rec, _ := r.memory.get(it.VM)
	fresh := plan.Base(r.wanted[it.VM], &r.gates[it.Provider].caps, it, nil)
	if rec.Provider != it.Provider || rec.ID != it.ID || rec.Digest != it.Digest || rec.Stubborn || rec.Strikes > 0 ||
		rec.Failure != nil || rec.Intent != nil || !maps.Equal(rec.Applied, fresh) {
		r.complain(r.memory.update(it.VM, func(n *journal.Record) {
			*n = journal.Record{Provider: it.Provider, ID: it.ID, Digest: it.Digest, Applied: fresh, InSync: r.begun.UTC()}
		}))
	}
	r.memory.calm(it.VM, it.Digest)
}
