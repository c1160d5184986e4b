package sourcetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/sources"
)

// patience is how long a watcher may take at most on a busy machine.
const patience = 20 * time.Second

// Watching is one Watch under way.
type Watching struct {
	t     testing.TB
	calls chan struct{} // capacity 1: like a daemon, it needs no count
	ended chan error
	stop  context.CancelFunc
}

// StartWatch begins to watch. It returns when the source says that it does, and
// nil when the source can never be watched. The end of the test ends it.
func StartWatch(t testing.TB, s sources.Watcher) *Watching {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	w := &Watching{t: t, calls: make(chan struct{}, 1), ended: make(chan error, 1), stop: stop}
	go func() {
		w.ended <- s.Watch(ctx, func() {
			select {
			case w.calls <- struct{}{}:
			default:
			}
		})
	}()
	select {
	case <-w.calls:
	case err := <-w.ended:
		stop()
		if sources.KindOf(err) == sources.Invalid {
			return nil
		}
		t.Fatalf("Watch: %v", err)
	case <-time.After(patience):
		t.Fatal("Watch: it neither called nor returned")
	}
	t.Cleanup(w.Stop)
	return w
}

// Stop ends the watching and waits for it.
func (w *Watching) Stop() {
	w.t.Helper()
	w.stop()
	select {
	case err := <-w.ended:
		if !errors.Is(err, context.Canceled) {
			w.t.Errorf("Watch: want the context's error, got %v", err)
		}
		w.ended <- err
	case <-time.After(patience):
		w.t.Error("Watch does not end with its context")
	}
}

// Until waits for one call after another until seen says that the change is
// there. A call that comes before the change does no harm.
func (w *Watching) Until(what string, seen func() bool) {
	w.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case <-w.calls:
			if seen() {
				return
			}
		case err := <-w.ended:
			w.ended <- err
			w.t.Fatalf("%s: Watch ended: %v", what, err)
		case <-deadline:
			w.t.Fatalf("%s: not told within %s", what, patience)
		}
	}
}

// Calls yields the calls, several that nobody waited for as one.
func (w *Watching) Calls() <-chan struct{} { return w.calls }

func testWatch(t *testing.T, x *Fixture) {
	s, ok := x.Source.(sources.Watcher)
	if !ok {
		t.Skip("this source does not watch")
	}
	w, again := StartWatch(t, s), StartWatch(t, s)
	if w == nil {
		return
	}
	for _, step := range []struct {
		reason string
		do     func()
		want   []string // the files, or none when the source fails
	}{
		{"a content changed", func() { x.Put(map[string]string{"a.yaml": "a: 7\n"}) }, []string{"a: 7\n"}},
		{"a file in a new folder", func() { x.Put(map[string]string{"new/deep/d.yaml": "d\n"}) }, []string{"a: 7\n", "d\n"}},
		{"and another one there", func() { x.Put(map[string]string{"new/deep/d.yaml": "e\n"}) }, []string{"a: 7\n", "e\n"}},
		{"a file is gone", func() { x.Remove("new/deep/d.yaml") }, []string{"a: 7\n"}},
		{"all of it is gone", x.Break, nil},
		{"and there again", x.Mend, []string{"a: 7\n"}},
		{"and changes again", func() { x.Put(map[string]string{"a.yaml": "a: 8\n", "new/deep/d.yaml": "f\n"}) }, []string{"a: 8\n", "f\n"}},
	} {
		step.do()
		for _, w := range []*Watching{w, again} {
			w.Until(step.reason, func() bool { return slices.Equal(present(t, x), step.want) })
		}
	}
}

// present returns what two files hold now, of those that are there.
func present(t *testing.T, x *Fixture) []string {
	t.Helper()
	snap, err := x.Source.Fetch(t.Context())
	if err != nil {
		return nil
	}
	var out []string
	files := contents(t, snap.Files)
	for _, p := range []string{"a.yaml", "new/deep/d.yaml"} {
		if c, ok := files[p]; ok {
			out = append(out, c)
		}
	}
	return out
}
