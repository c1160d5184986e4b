package git

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/sources"
	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

// before: one ── two      main
// after:  other           main, forced
func TestRewrittenBranch(t *testing.T) {
	for _, over := range []string{"file", "http"} {
		t.Run(over, func(t *testing.T) {
			r := sourcetest.NewRepo(t)
			r.Commit(map[string]string{"a.yaml": "1"})
			two := r.Commit(map[string]string{"a.yaml": "2"})
			url := r.URL()
			if over == "http" {
				url = sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{}).URL
			}
			careful := build(t, r, func(c *Config) { c.URL = url })
			eager := build(t, r, func(c *Config) { c.URL, c.FollowRewrites = url, true })
			old := want(t, careful, two)
			want(t, eager, two)
			other := r.ForcePush(map[string]string{"a.yaml": "other"})
			refused(t, careful, sources.Rewritten, two, other, "followRewrites")
			refused(t, careful, sources.Rewritten, two, other)
			if snap, err := careful.Last(); err != nil || snap.Revision != two {
				t.Errorf("want the accepted revision kept, got %v, %v", snap, err)
			}
			for range 2 {
				snap := want(t, eager, other)
				if notes := strings.Join(snap.Notes, "\n"); !strings.Contains(notes, two) || !strings.Contains(notes, other) {
					t.Errorf("want both hashes noted for as long as it is the newest, got %q", notes)
				}
			}
			if b, err := fs.ReadFile(old.Files, "a.yaml"); err != nil || string(b) != "2" {
				t.Errorf("want the old snapshot readable, got %q, %v", b, err)
			}
			next := r.Commit(map[string]string{"a.yaml": "next"})
			if snap := want(t, eager, next); len(snap.Notes) != 0 {
				t.Errorf("want no note on an ordinary step, got %q", snap.Notes)
			}
		})
	}
}

// one ── two ── three: main goes back from three to one, then on again.
func TestRewindIsARewrite(t *testing.T) {
	r := sourcetest.NewRepo(t)
	one := r.Commit(map[string]string{"a.yaml": "1"})
	r.Commit(map[string]string{"a.yaml": "2"})
	three := r.Commit(map[string]string{"a.yaml": "3"})
	s := build(t, r, nil)
	want(t, s, three)
	r.Reset("main", one)
	refused(t, s, sources.Rewritten, one, three)
	r.Reset("main", three)
	want(t, s, three)
}

// A merge keeps what it merges as an ancestor.
//
//	one ── two ─────── merge
//	  └─── side ─────────┘
func TestMergeIsNoRewrite(t *testing.T) {
	sourcetest.Need(t, "git")
	r, _, _, three, side := history(t)
	s := build(t, r, func(c *Config) { c.Ref = Ref{Branch: "dev"} })
	want(t, s, side)
	tree := r.Git("rev-parse", three+"^{tree}")
	merge := r.Git("-c", "user.name=A", "-c", "user.email=a@b", "commit-tree", tree, "-p", three, "-p", side, "-m", "merge")
	r.Reset("dev", merge)
	want(t, s, merge)
}

func TestMovedTag(t *testing.T) {
	r, one, two, three, _ := history(t)
	s := build(t, r, func(c *Config) { c.Ref = Ref{Tag: "v1.0.0"} })
	want(t, s, one)
	r.AnnotatedTag("v1.0.0", one)
	want(t, s, one)
	r.Tag("v1.0.0", two)
	refused(t, s, sources.Rewritten, "tag v1.0.0 was moved", one, two)

	v := build(t, r, func(c *Config) { c.Ref = Ref{SemVer: "1.x"} })
	want(t, v, two)
	r.Tag("v1.2.0", three)
	want(t, v, three)
	r.DeleteTag("v1.2.0")
	refused(t, v, sources.Rewritten, "tag v1.2.0 is gone", "v1.1.0")
	r.Tag("v1.3.0", one)
	if snap := want(t, v, one); len(snap.Notes) != 0 {
		t.Errorf("a higher version need not descend from the last, got %q", snap.Notes)
	}
	r.Tag("v1.3.0", two)
	refused(t, v, sources.Rewritten, "v1.3.0 was moved")
}

// The record outlives the clone: history rewritten while the clone was lost is
// noticed all the same.
func TestRewriteIsNoticedAfterRestart(t *testing.T) {
	r := sourcetest.NewRepo(t)
	one := r.Commit(map[string]string{"a.yaml": "1"})
	s := build(t, r, nil)
	want(t, s, one)
	other := r.ForcePush(map[string]string{"a.yaml": "other"})
	again := build(t, r, func(c *Config) { c.Dir = s.cfg.Dir })
	refused(t, again, sources.Rewritten, one, other)
	if snap, err := again.Last(); err != nil || snap.Revision != one {
		t.Errorf("want %s, got %v, %v", one, snap, err)
	}
	elsewhere := build(t, r, func(c *Config) { c.Dir, c.Ref = s.cfg.Dir, Ref{} })
	want(t, elsewhere, other) // another selection is another matter
}

func TestOddEntries(t *testing.T) {
	r := sourcetest.NewRepo(t)
	tip := r.CommitEntries(map[string]sourcetest.Entry{
		"a.yaml": {Content: "a", Mode: 0o100644}, "run.sh": {Content: "x", Mode: 0o100755},
		"link": {Content: "/etc/passwd", Mode: 0o120000}, "loop": {Content: "loop", Mode: 0o120000},
		"module": {Content: strings.Repeat("ab", 20), Mode: 0o160000},
	})
	snap := want(t, build(t, r, nil), tip)
	got := map[string]string{}
	err := fs.WalkDir(snap.Files, ".", func(p string, d fs.DirEntry, err error) error {
		if p != "." && err == nil {
			_, err := fs.ReadFile(snap.Files, p)
			got[p] = d.Type().String()
			if (err == nil) != d.Type().IsRegular() {
				t.Errorf("%s: read gave %v", p, err)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	wanted := map[string]string{"a.yaml": "----------", "run.sh": "----------", "link": "L---------", "loop": "L---------", "module": "?---------"}
	if d := cmp.Diff(wanted, got); d != "" {
		t.Error(d)
	}
	if i, err := fs.Stat(snap.Files, "run.sh"); err != nil || i.Mode() != 0o755 {
		t.Errorf("want an executable, got %v, %v", i, err)
	}
	if snap.Title != "change 1" || snap.Author != "Ada <ada@example.org>" || snap.Time.IsZero() {
		t.Errorf("want title, author and time, got %q %q %v", snap.Title, snap.Author, snap.Time)
	}
}
