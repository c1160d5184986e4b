// Package sourcetest turns every promise of the source contract into a test
// that runs against any source, and makes real Git servers for tests. It must
// not know how a source works inside. It is tested by the sources that pass it.
package sourcetest

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/sources"
)

// Fixture is one source and the hand that changes what it reads. What it reads
// is empty or absent at first; Run puts files there before it fetches.
type Fixture struct {
	Source sources.Source

	// Put makes these files have these contents, in one step, and leaves others
	// as they are.
	Put func(files map[string]string)

	// Remove deletes files, in one step.
	Remove func(paths ...string)

	// Break makes the source fail until Mend is called: what it reads is gone.
	Break func()
	Mend  func()

	// Secrets must not appear in anything the source says.
	Secrets []string
}

// Factory makes a Fixture that is independent of all others, with which it is
// used at the same time.
type Factory func(t *testing.T) *Fixture

// Run runs the whole suite. Use it with -race.
func Run(t *testing.T, f Factory) {
	for _, tc := range []struct {
		name string
		run  func(*testing.T, *Fixture)
	}{
		{"fetching twice gives the same revision", testSame},
		{"a change gives another revision", testChange},
		{"a change that is taken back", testTakenBack},
		{"old snapshots stay as they were", testImmutable},
		{"the tree is a proper fs.FS", testFS},
		{"equal ids mean equal bytes", testContentID},
		{"equal ids mean equal folders", testFolderID},
		{"a failure is an error and never an empty tree", testFailure},
		{"a tree without files is never returned", testEmpty},
		{"a context that has ended ends the fetch", testContext},
		{"descriptions and errors hold no secret", testSecrets},
		{"closing twice is harmless", testClose},
		{"all of it may happen at once", testConcurrent},
		{"watching tells of every change", testWatch},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			x := f(t)
			x.Put(map[string]string{"a.yaml": "a: 1\n", "sub/b.yaml": "b: 1\n", "sub/deep/c.yaml": "c: 1\n", "sub/copy.yaml": "a: 1\n"})
			tc.run(t, x)
			if err := x.Source.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

func fetch(t *testing.T, x *Fixture) *sources.Snapshot {
	t.Helper()
	s, err := x.Source.Fetch(t.Context())
	if err != nil {
		t.Fatalf("Fetch: %v", err)
	}
	if s.Revision == "" || s.Files == nil {
		t.Fatalf("Fetch: want a revision and files, got %+v", s)
	}
	return s
}

// contents reads a whole tree. It is called from several goroutines.
func contents(t *testing.T, f fs.FS) map[string]string {
	t.Helper()
	m := map[string]string{}
	err := fs.WalkDir(f, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := fs.ReadFile(f, p)
		m[p] = string(b)
		return err
	})
	if err != nil {
		t.Errorf("reading the tree: %v", err)
	}
	return m
}

func testSame(t *testing.T, x *Fixture) {
	first, second := fetch(t, x), fetch(t, x)
	if first.Revision != second.Revision {
		t.Errorf("want one revision, got %s and %s", first.Revision, second.Revision)
	}
	if d := cmp.Diff(contents(t, first.Files), contents(t, second.Files)); d != "" {
		t.Error(d)
	}
}

func testChange(t *testing.T, x *Fixture) {
	seen := map[string]string{fetch(t, x).Revision: "at first"}
	for _, step := range []struct {
		reason string
		do     func()
		want   map[string]string
	}{
		{"a content of the same length changed", func() { x.Put(map[string]string{"a.yaml": "a: 2\n"}) },
			map[string]string{"a.yaml": "a: 2\n", "sub/b.yaml": "b: 1\n", "sub/deep/c.yaml": "c: 1\n", "sub/copy.yaml": "a: 1\n"}},
		{"a file came", func() { x.Put(map[string]string{"new/d.yaml": "d: 1\n"}) },
			map[string]string{"a.yaml": "a: 2\n", "sub/b.yaml": "b: 1\n", "sub/deep/c.yaml": "c: 1\n", "sub/copy.yaml": "a: 1\n", "new/d.yaml": "d: 1\n"}},
		{"a file went", func() { x.Remove("sub/b.yaml") },
			map[string]string{"a.yaml": "a: 2\n", "sub/deep/c.yaml": "c: 1\n", "sub/copy.yaml": "a: 1\n", "new/d.yaml": "d: 1\n"}},
	} {
		step.do()
		s := fetch(t, x)
		if before, ok := seen[s.Revision]; ok {
			t.Errorf("%s: the revision is the one %s", step.reason, before)
		}
		seen[s.Revision] = step.reason
		if d := cmp.Diff(step.want, contents(t, s.Files)); d != "" {
			t.Errorf("%s:\n%s", step.reason, d)
		}
	}
}

// testTakenBack has the same tree come again in what one fetch brings.
func testTakenBack(t *testing.T, x *Fixture) {
	want := map[string]string{"a.yaml": "a: 1\n", "sub/b.yaml": "b: 1\n", "sub/deep/c.yaml": "c: 1\n", "sub/copy.yaml": "a: 1\n"}
	for _, when := range []string{"before the first fetch", "between two fetches"} {
		x.Put(map[string]string{"sub/b.yaml": "b: 2\n"})
		x.Put(map[string]string{"sub/b.yaml": "b: 1\n"})
		if d := cmp.Diff(want, contents(t, fetch(t, x).Files)); d != "" {
			t.Errorf("%s:\n%s", when, d)
		}
	}
}

func testImmutable(t *testing.T, x *Fixture) {
	old := fetch(t, x)
	lazy := fetch(t, x) // not read before the change
	want := contents(t, old.Files)
	for range 3 {
		x.Put(map[string]string{"a.yaml": "a: " + time.Now().String(), "sub/deep/c.yaml": "other", "z.yaml": "z"})
		x.Remove("sub/b.yaml")
		fetch(t, x)
		x.Put(map[string]string{"sub/b.yaml": "back"})
		fetch(t, x)
	}
	for name, s := range map[string]*sources.Snapshot{"one read before": old, "one not read before": lazy} {
		if d := cmp.Diff(want, contents(t, s.Files)); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
}

func testFS(t *testing.T, x *Fixture) {
	if err := fstest.TestFS(fetch(t, x).Files, "a.yaml", "sub/b.yaml", "sub/deep/c.yaml"); err != nil {
		t.Error(err)
	}
}

func testFailure(t *testing.T, x *Fixture) {
	before := fetch(t, x)
	want := contents(t, before.Files)
	x.Break()
	s, err := x.Source.Fetch(t.Context())
	if err == nil || s != nil {
		t.Fatalf("want an error and no snapshot, got %v and %v", err, s)
	}
	var e *sources.Error
	if !errors.As(err, &e) || e.Op == "" || e.Kind == "" {
		t.Errorf("want a sources.Error with operation and kind, got %#v", err)
	}
	x.Mend()
	if d := cmp.Diff(want, contents(t, fetch(t, x).Files)); d != "" {
		t.Errorf("after the failure:\n%s", d)
	}
	if d := cmp.Diff(want, contents(t, before.Files)); d != "" {
		t.Errorf("the snapshot from before:\n%s", d)
	}
}

func testEmpty(t *testing.T, x *Fixture) {
	before := fetch(t, x)
	x.Remove(slices.Collect(maps.Keys(contents(t, before.Files)))...)
	s, err := x.Source.Fetch(t.Context())
	if err == nil {
		t.Errorf("want an error, got a snapshot with the files %v", contents(t, s.Files))
	}
}

func testContext(t *testing.T, x *Fixture) {
	fetch(t, x)
	x.Put(map[string]string{"a.yaml": "a: later\n"})
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	past, cancelPast := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancelPast()
	for name, ctx := range map[string]context.Context{"cancelled": cancelled, "past its deadline": past} {
		start := time.Now()
		s, err := x.Source.Fetch(ctx)
		if !errors.Is(err, ctx.Err()) || s != nil {
			t.Errorf("%s: want %v inside the error and no snapshot, got %v and %v", name, ctx.Err(), err, s)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s: took %s", name, took)
		}
	}
	if got := contents(t, fetch(t, x).Files)["a.yaml"]; got != "a: later\n" {
		t.Errorf("after that: want the new content, got %q", got)
	}
}

func testSecrets(t *testing.T, x *Fixture) {
	said := []string{x.Source.Describe()}
	if said[0] == "" || strings.Contains(said[0], "\n") {
		t.Errorf("want a description of one line, got %q", said[0])
	}
	x.Break()
	_, err := x.Source.Fetch(t.Context())
	if err == nil {
		t.Fatal("want an error")
	}
	said = append(said, err.Error())
	x.Mend()
	said = append(said, fetch(t, x).Notes...)
	for _, s := range said {
		for _, secret := range x.Secrets {
			if secret != "" && strings.Contains(s, secret) {
				t.Errorf("%q holds a secret", s)
			}
		}
	}
}

func testClose(t *testing.T, x *Fixture) {
	s := fetch(t, x)
	want := contents(t, s.Files)
	for range 2 {
		if err := x.Source.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if d := cmp.Diff(want, contents(t, s.Files)); d != "" {
		t.Errorf("after Close:\n%s", d)
	}
}

func testConcurrent(t *testing.T, x *Fixture) {
	old := fetch(t, x)
	want := contents(t, old.Files)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				if d := cmp.Diff(want, contents(t, old.Files)); d != "" {
					t.Errorf("while fetching:\n%s", d)
				}
			}
		})
		wg.Go(func() {
			for range 3 {
				s, err := x.Source.Fetch(t.Context())
				if err != nil && sources.KindOf(err) != sources.Unavailable {
					t.Errorf("Fetch: %v", err)
				}
				if err == nil {
					contents(t, s.Files)
				}
			}
		})
	}
	for _, v := range []string{"x", "y", "z"} {
		x.Put(map[string]string{"a.yaml": v})
	}
	wg.Wait()
	if got := contents(t, fetch(t, x).Files)["a.yaml"]; got != "z" {
		t.Errorf("want the last content, got %q", got)
	}
}
