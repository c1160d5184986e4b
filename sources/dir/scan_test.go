package dir

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/sources"
)

func build(t testing.TB, cfg Config) *Source {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func fetch(t testing.TB, s *Source) *sources.Snapshot {
	t.Helper()
	snap, err := s.Fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

func kind(t *testing.T, s *Source, want sources.Kind, parts ...string) {
	t.Helper()
	snap, err := s.Fetch(t.Context())
	if err == nil || sources.KindOf(err) != want {
		t.Fatalf("want %s, got %v, %v", want, snap, err)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("want %q in the error, got %v", p, err)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, cfg := range []Config{{}, {Path: "/x", MaxFile: -1}, {Path: "/x", MaxOther: -1}} {
		if _, err := New(cfg); err == nil || sources.KindOf(err) != sources.Invalid {
			t.Errorf("%+v: want Invalid, got %v", cfg, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	tmp := t.TempDir()
	put(t, tmp, map[string]string{"file": "x", "latin1/caf\xe9.yaml": "x"})
	must(t, os.MkdirAll(filepath.Join(tmp, "empty", "sub", ".git"), 0o755))
	must(t, os.Symlink("nowhere", filepath.Join(tmp, "dangling")))
	must(t, os.Symlink("circle", filepath.Join(tmp, "circle")))
	for _, tc := range []struct {
		reason, path string
		want         sources.Kind
	}{
		{"what is not there is missing", "nope", sources.Missing},
		{"a link to nothing is missing", "dangling", sources.Missing},
		{"a file is no folder", "file", sources.Invalid},
		{"folders without files look like an unmounted file system", "empty", sources.Missing},
		{"a name that no fs.FS can show is not skipped in silence", "latin1", sources.Invalid},
		{"a link to itself is an error and no endless loop", "circle", sources.Unavailable},
	} {
		t.Log(tc.reason)
		kind(t, build(t, Config{Path: filepath.Join(tmp, tc.path)}), tc.want)
	}
}

// A subfolder that cannot be looked at must not seem empty. Root may look at
// everything, so the refusal is that of a path too long to be opened.
func TestUnreadableFolderIsAnError(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{"a.yaml": "a", "sub/b.yaml": "b"})
	s := build(t, Config{Path: dir})
	fetch(t, s)
	if os.Getuid() != 0 {
		must(t, os.Chmod(filepath.Join(dir, "sub"), 0))
		kind(t, s, sources.Denied, "sub")
		must(t, os.Chmod(filepath.Join(dir, "sub"), 0o755))
		must(t, os.Chmod(filepath.Join(dir, "a.yaml"), 0))
		kind(t, s, sources.Denied, "a.yaml")
		return
	}
	chain := strings.Repeat(strings.Repeat("d", 200)+"/", 15)
	at, err := os.OpenRoot(dir)
	must(t, err)
	defer at.Close()
	for range 2 { // twice 15 levels of 200 characters exceed what one path may have
		must(t, at.MkdirAll(chain, 0o755))
		below, err := at.OpenRoot(chain)
		must(t, err)
		defer below.Close()
		at = below
	}
	if snap, err := s.Fetch(t.Context()); err == nil {
		t.Errorf("want an error, got %s", snap.Revision)
	}
}

func TestOddEntries(t *testing.T) {
	outside := t.TempDir()
	put(t, outside, map[string]string{"secret.yaml": "s"})
	dir := filepath.Join(t.TempDir(), "real")
	put(t, dir, map[string]string{"a.yaml": "a", "sub/b.yaml": "b", ".git/config": "x", "sub/.cache/y": "y", ".dotfile.yaml": "d"})
	must(t, os.Symlink("..", filepath.Join(dir, "sub", "up")))
	must(t, os.Symlink(outside, filepath.Join(dir, "out")))
	must(t, os.Symlink("a.yaml", filepath.Join(dir, "alias.yaml")))
	must(t, syscall.Mkfifo(filepath.Join(dir, "fifo.yaml"), 0o600))
	root := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(dir, root))

	snap := fetch(t, build(t, Config{Path: root}))
	got := map[string]string{}
	must(t, fs.WalkDir(snap.Files, ".", func(p string, d fs.DirEntry, err error) error {
		got[p] = d.Type().String()
		return err
	}))
	want := map[string]string{
		".": "d---------", "a.yaml": "----------", "sub": "d---------", "sub/b.yaml": "----------", ".dotfile.yaml": "----------",
		"sub/up": "L---------", "out": "L---------", "alias.yaml": "L---------", "fifo.yaml": "p---------",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, p := range []string{"out/secret.yaml", "alias.yaml", "fifo.yaml", ".git/config"} {
		if b, err := fs.ReadFile(snap.Files, p); err == nil {
			t.Errorf("%s: want an error, got %q", p, b)
		}
	}
}

// Metadata counts: another target of a link and another mode are other revisions,
// a touched file is not.
func TestRevision(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{"a.yaml": "a", "b.yaml": "b"})
	link := filepath.Join(dir, "link")
	must(t, os.Symlink("a.yaml", link))
	s := build(t, Config{Path: dir})
	first := fetch(t, s).Revision
	must(t, os.Chtimes(filepath.Join(dir, "a.yaml"), time.Time{}, time.Now().Add(-time.Hour)))
	if again := fetch(t, s).Revision; again != first {
		t.Error("want the same revision after a touch")
	}
	must(t, os.Remove(link))
	must(t, os.Symlink("b.yaml", link))
	second := fetch(t, s).Revision
	must(t, os.Chmod(filepath.Join(dir, "a.yaml"), 0o755))
	third := fetch(t, s).Revision
	if first == second || second == third {
		t.Errorf("want three revisions, got %s %s %s", first, second, third)
	}
	if other := fetch(t, build(t, Config{Path: dir})).Revision; other != third {
		t.Error("want the revision to depend on the folder alone")
	}
}

func TestLimits(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"big.yaml": strings.Repeat("x", 101), "fits.yaml": strings.Repeat("x", 100),
		"a.bin": strings.Repeat("x", 60), "b.bin": strings.Repeat("x", 60), "c.bin": strings.Repeat("x", 20),
	})
	s := build(t, Config{Path: dir, MaxFile: 100, MaxOther: 100})
	snap := fetch(t, s)
	for range 2 { // the second time from the cache
		for p, kept := range map[string]bool{"big.yaml": false, "fits.yaml": true, "a.bin": true, "b.bin": false, "c.bin": true} {
			b, err := fs.ReadFile(snap.Files, p)
			if (err == nil) != kept {
				t.Errorf("%s: want kept %v, got %d bytes, %v", p, kept, len(b), err)
			}
			if i, err := fs.Stat(snap.Files, p); err != nil || i.Size() == 0 {
				t.Errorf("%s: want it listed with its size, got %v, %v", p, i, err)
			}
		}
		snap = fetch(t, s)
	}
	put(t, dir, map[string]string{"big.yaml": strings.Repeat("y", 101)})
	if fetch(t, s).Revision == snap.Revision {
		t.Error("want a change noticed in a file that is not kept")
	}
}

// A change of the same length within the clock's tick must not hide behind the
// cache.
func TestQuickChangesAreSeen(t *testing.T) {
	dir := t.TempDir()
	s := build(t, Config{Path: dir})
	seen := map[string]bool{}
	for c := range 200 {
		put(t, dir, map[string]string{"a.yaml": string(rune('0' + c))})
		snap := fetch(t, s)
		b, err := fs.ReadFile(snap.Files, "a.yaml")
		if err != nil || string(b) != string(rune('0'+c)) || seen[snap.Revision] {
			t.Fatalf("change %d: got %q, %v", c, b, err)
		}
		seen[snap.Revision] = true
	}
}

// Unchanged files that are old enough are not read again: a content that could
// not be read proves it.
func TestCacheSparesReading(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{"a.yaml": "a"})
	s := build(t, Config{Path: dir})
	first := fetch(t, s)
	c := s.cache["a.yaml"]
	c.settle, c.sum[0] = true, c.sum[0]+1
	s.cache["a.yaml"] = c
	if fetch(t, s).Revision == first.Revision {
		t.Error("want the content taken from the cache")
	}
	put(t, dir, map[string]string{"a.yaml": "b"})
	if b, err := fs.ReadFile(fetch(t, s).Files, "a.yaml"); err != nil || string(b) != "b" {
		t.Errorf("want the new content, got %q, %v", b, err)
	}
}

// disturb changes the folder each time the scan asks whether it should go on.
type disturb struct {
	context.Context
	do func()
}

func (d disturb) Err() error {
	d.do()
	return d.Context.Err()
}

func TestTornReading(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{"a.yaml": "a", "b.yaml": "b"})
	s := build(t, Config{Path: dir})
	n, limit := 0, 1
	ctx := disturb{t.Context(), func() {
		if n++; n <= limit {
			put(t, dir, map[string]string{"b.yaml": strings.Repeat("b", n+1)})
		}
	}}
	snap, err := s.Fetch(ctx)
	must(t, err)
	if b, err := fs.ReadFile(snap.Files, "b.yaml"); err != nil || string(b) != "bb" {
		t.Errorf("want the state at rest, got %q, %v", b, err)
	}
	limit = 1 << 30
	if snap, err := s.Fetch(ctx); err == nil || !errors.Is(err, errTorn) || sources.KindOf(err) != sources.Unavailable {
		t.Errorf("want Unavailable while the folder never rests, got %v, %v", snap, err)
	}
	limit = 0
	_, err = s.Fetch(ctx)
	must(t, err)
}

func TestDeadlineInTheMiddle(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{"a.yaml": "a", "b.yaml": "b", "c.yaml": "c"})
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	_, err := build(t, Config{Path: dir}).Fetch(disturb{ctx, func() {
		if n++; n == 3 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("want the context's error, got %v", err)
	}
}

func BenchmarkFetchUnchanged(b *testing.B) {
	dir := b.TempDir()
	files := map[string]string{}
	for i := range 10_000 {
		files[filepath.Join("ns"+string(rune('a'+i%20)), "vm"+time.Duration(i).String()+".yaml")] = strings.Repeat("x", 500)
	}
	put(b, dir, files)
	s := build(b, Config{Path: dir})
	fetch(b, s)
	for rel, c := range s.cache {
		c.settle = true // as they are two seconds later
		s.cache[rel] = c
	}
	for b.Loop() {
		fetch(b, s)
	}
}
