package reconcile

import (
	"context"
	"fmt"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/sources"
)

// desired is a snapshot with its documents resolved.
type desired struct {
	snapshot *sources.Snapshot
	state    *manifest.Desired
	stale    string // why it is not the newest; empty: it is
}

// read fetches and resolves. A source that fails leaves the last good snapshot
// in force, the one of an earlier process too; only when there is none is its
// error returned.
func (e *Engine) read(ctx context.Context) (*desired, error) {
	e.reading.Lock()
	defer e.reading.Unlock()
	snap, err := e.opts.Source.Fetch(ctx)
	if err == nil {
		e.last = e.resolve(snap)
		return e.last, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if e.last == nil {
		e.last = e.lastGood()
	}
	if e.last == nil {
		return nil, fmt.Errorf("no desired state: %w", err)
	}
	stale := *e.last
	stale.stale = err.Error()
	return &stale, nil
}

// lastGood opens the last good snapshot of an earlier process.
func (e *Engine) lastGood() *desired {
	cached, ok := e.opts.Source.(sources.Cached)
	if !ok {
		return nil
	}
	snap, err := cached.Last()
	if err != nil {
		return nil
	}
	return e.resolve(snap)
}

// resolve loads a snapshot's documents, unless they are those of the last one.
func (e *Engine) resolve(snap *sources.Snapshot) *desired {
	if e.last != nil && e.last.snapshot.Revision == snap.Revision {
		return &desired{snapshot: snap, state: e.last.state}
	}
	return &desired{snapshot: snap, state: e.opts.Load(snap.Files)}
}

// incomplete says why absence from the desired state proves nothing.
func (d *desired) incomplete() string {
	switch {
	case d.stale != "":
		return "the source could not be read (" + d.stale + ")"
	case d.state.Complete:
		return ""
	}
	for _, f := range d.state.Findings {
		if f.Severity == manifest.Error {
			return f.String()
		}
	}
	return "a file could not be understood"
}

func (d *desired) describe(src sources.Source) Snapshot {
	s := d.snapshot
	return Snapshot{
		Source: src.Describe(), Revision: s.Revision, Title: s.Title, Author: s.Author, Time: s.Time,
		Notes: s.Notes, Stale: d.stale, Skipped: d.state.Skipped,
	}
}
