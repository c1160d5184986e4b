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
// per VM that something is decided about.
func (r *run) tell(look *Outlook) {
	r.tellNotes(look)
	said := make(map[string]bool)
	for i := range look.Plan.Items {
		it := &look.Plan.Items[i]
		subject := it.VM.String() + "@" + it.Provider.String() + it.ID
		said[subject] = true
		r.tellItem(it, subject)
	}
	maps.DeleteFunc(r.said, func(subject string, _ [sha256.Size]byte) bool {
		return !said[subject] && subject[0] != '!'
	})
}

func (r *run) tellNotes(look *Outlook) {
	for _, n := range look.Plan.Notes {
		r.log.Log(context.Background(), r.said.level("!note"+n, n, slog.LevelWarn), n)
	}
	for _, n := range look.Snapshot.Notes {
		r.log.Log(context.Background(), r.said.level("!source"+n, n, slog.LevelWarn), "source note", logkey.Source, look.Snapshot.Source, logkey.Reason, n)
	}
	for _, f := range look.Findings {
		news := slog.LevelWarn
		if f.Severity == manifest.Error {
			news = slog.LevelError
		}
		r.log.Log(context.Background(), r.said.level("!"+f.String(), look.Snapshot.Revision, news), "manifest", logkey.Reason, f.String())
	}
}

func (r *run) tellItem(it *plan.Item, subject string) {
	level := slog.LevelInfo
	if it.Action == plan.Conflict || it.Action == plan.Hold {
		level = slog.LevelWarn
	}
	text := fmt.Sprint(it.Action, it.Reason, it.Diffs, it.Warnings)
	if it.Action == plan.Hold {
		text = fmt.Sprint(it.Action, it.Diffs) // its reason holds times
	}
	level = r.said.level(subject, text, level)
	for _, d := range it.Diffs {
		if d.Drift {
			r.tellDrift(it, d, level)
		}
	}
	if it.Action != plan.None {
		r.log.Log(context.Background(), level, "decision", logkey.VM, it.VM.String(), logkey.Provider, it.Provider.String(),
			logkey.Action, string(it.Action), logkey.Disruption, string(it.Disruption), logkey.Reason, it.Reason)
	}
	for _, w := range it.Warnings {
		r.log.Log(context.Background(), level, "warning", logkey.VM, it.VM.String(), logkey.Reason, w)
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
	r.log.Log(context.Background(), level, "drift", attrs...)
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
		if g := r.gates[rec.Provider]; !seen[key] && (g == nil || g.known()) {
			r.complain(r.memory.forget(key))
		}
	}
}

func (r *run) noteInSync(it *plan.Item) {
	rec, _ := r.memory.get(it.VM)
	fresh := it.Base(rec.Applied)
	if rec.Provider == it.Provider && rec.ID == it.ID && rec.Digest == it.Digest && rec.Strikes == 0 && !rec.Stubborn &&
		rec.Failure == nil && rec.Intent == nil && maps.Equal(rec.Applied, fresh) {
		return
	}
	r.complain(r.memory.update(it.VM, func(n *journal.Record) {
		*n = journal.Record{Provider: it.Provider, ID: it.ID, Digest: it.Digest, Applied: fresh, InSync: r.begun.UTC()}
	}))
}
