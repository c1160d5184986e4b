package git

import (
	"crypto/sha512"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/vmsteward/vmsteward/sources"
	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

func TestLast(t *testing.T) {
	r := sourcetest.NewRepo(t)
	tip := r.Commit(map[string]string{"vms/a.yaml": "1", "b.yaml": "2"})
	s := build(t, r, nil)
	if snap, err := s.Last(); err == nil || sources.KindOf(err) != sources.Missing {
		t.Errorf("want Missing before anything was fetched, got %v, %v", snap, err)
	}
	want(t, s, tip)
	if err := os.Rename(r.Dir, r.Dir+".away"); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		reason string
		edit   func(*Config)
		want   bool
	}{
		{"a restarted process goes on with it", func(*Config) {}, true},
		{"another path of the same revision is as good", func(c *Config) { c.Path = "vms" }, true},
		{"another branch was never accepted", func(c *Config) { c.Ref.Branch = "dev" }, false},
		{"another repository was never accepted", func(c *Config) { c.URL += "2" }, false},
	} {
		again := build(t, r, func(c *Config) { c.Dir = s.cfg.Dir; tc.edit(c) })
		snap, err := again.Last()
		switch {
		case tc.want && (err != nil || snap.Revision != tip || snap.Title != "change 1"):
			t.Errorf("%s: got %v, %v", tc.reason, snap, err)
		case !tc.want && (err == nil || sources.KindOf(err) != sources.Missing):
			t.Errorf("%s: want Missing, got %v, %v", tc.reason, snap, err)
		case tc.want:
			if _, err := fs.ReadDir(snap.Files, "."); err != nil {
				t.Error(err)
			}
			refused(t, again, sources.Missing)
		}
	}
}

// A pinned commit cannot change, so it needs no remote once it is here.
func TestPinnedNeedsNoRemote(t *testing.T) {
	r := sourcetest.NewRepo(t)
	tip := r.Commit(map[string]string{"a.yaml": "1"})
	s := build(t, r, func(c *Config) { c.Ref = Ref{Commit: tip} })
	want(t, s, tip)
	if err := os.Rename(r.Dir, r.Dir+".away"); err != nil {
		t.Fatal(err)
	}
	want(t, s, tip)
	want(t, build(t, r, func(c *Config) { c.Ref, c.Dir = Ref{Commit: tip}, s.cfg.Dir }), tip)
}

func TestRepack(t *testing.T) {
	r := sourcetest.NewRepo(t)
	other := r.Commit(map[string]string{"a.yaml": "gone by force"})
	s := build(t, r, func(c *Config) { c.FollowRewrites = true })
	s.packs = 4
	old := want(t, s, other)
	r.ForcePush(map[string]string{"a.yaml": "0"})
	var most int
	for i := range 12 {
		tip := r.Commit(map[string]string{"a.yaml": fmt.Sprint(i % 3)}) // objects come again, in packs of their own
		want(t, s, tip)
		packs, err := s.store.packFiles()
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, len(packs))
	}
	if most != s.packs {
		t.Errorf("want at most %d packs, counted %d", s.packs, most)
	}
	if b, err := fs.ReadFile(old.Files, "a.yaml"); err != nil || string(b) != "gone by force" {
		t.Errorf("want what no reference leads to kept for old snapshots, got %q, %v", b, err)
	}
	again := build(t, r, func(c *Config) { c.Dir = s.cfg.Dir })
	want(t, again, r.Tip("main"))
	if ok, err := again.store.descends(t.Context(), again.store.haves(plumbing.NewHash(r.Tip("main")))[10], plumbing.NewHash(other)); ok || err != nil {
		t.Errorf("want history walkable after repacking, got %v, %v", ok, err)
	}
	if out := r.Git("-C", s.cfg.Dir, "fsck", "--full", "--no-dangling"); strings.Contains(out, "error") {
		t.Errorf("git fsck: %s", out)
	}
}

// TestRepackLeavesLargePacks keeps the cost of a push from growing with what was
// cloned once.
func TestRepackLeavesLargePacks(t *testing.T) {
	r := sourcetest.NewRepo(t)
	files := map[string]string{}
	for i := range 30 {
		for j := range 20 { // does not shrink much in a pack
			files[fmt.Sprintf("%d.yaml", i)] += fmt.Sprintf("# %x\n", sha512.Sum512([]byte{byte(i), byte(j)}))
		}
	}
	s := build(t, r, nil)
	s.packs = 4
	want(t, s, r.Commit(files))
	cloned, err := s.store.packFiles()
	if err != nil || len(cloned) != 1 {
		t.Fatalf("want one pack, got %v, %v", cloned, err)
	}
	for i := range 12 {
		want(t, s, r.Commit(map[string]string{"0.yaml": fmt.Sprint("change ", i)}))
		packs, err := s.store.packFiles()
		if err != nil || len(packs) > s.packs {
			t.Errorf("after %d pushes: %d packs, %v", i+1, len(packs), err)
		}
		if !slices.Contains(packs, cloned[0]) {
			t.Fatalf("after %d pushes: the large pack was written again", i+1)
		}
	}
	if out := r.Git("-C", s.cfg.Dir, "fsck", "--full", "--no-dangling"); strings.Contains(out, "error") {
		t.Errorf("git fsck: %s", out)
	}
}

func TestForeignFolderIsNotTouched(t *testing.T) {
	r := sourcetest.NewRepo(t)
	r.Commit(map[string]string{"a.yaml": "1"})
	s := build(t, r, nil)
	write(t, filepath.Join(s.cfg.Dir, "thesis.tex"), "years of work")
	refused(t, s, sources.Invalid, "choose another dir")
	if b, err := os.ReadFile(filepath.Join(s.cfg.Dir, "thesis.tex")); err != nil || string(b) != "years of work" {
		t.Errorf("got %q, %v", b, err)
	}
}

func TestOneFolderForTwoSources(t *testing.T) {
	r := sourcetest.NewRepo(t)
	tip := r.Commit(map[string]string{"a.yaml": "1"})
	s := build(t, r, nil)
	leave, err := s.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := build(t, r, func(c *Config) { c.Dir = s.cfg.Dir })
	refused(t, other, sources.Unavailable, "in use elsewhere")
	leave()
	want(t, other, tip)
	want(t, s, tip)
}

func TestUnwritable(t *testing.T) {
	r := sourcetest.NewRepo(t)
	tip := r.Commit(map[string]string{"a.yaml": "1"})
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	refused(t, build(t, r, func(c *Config) { c.Dir = filepath.Join(file, "clone") }), sources.Unavailable, "not a directory")

	// The folder where the fresh clone would go cannot be made.
	s := build(t, r, nil)
	if err := os.Symlink("/proc/nope/nope", s.cfg.Dir+".fresh"); err != nil {
		t.Fatal(err)
	}
	want(t, s, tip) // the link itself is ours to remove
	if _, err := os.Lstat(s.cfg.Dir + ".fresh"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("want it gone, got %v", err)
	}
}

// The record cannot be written: the revision is not accepted, and the next fetch
// does it all again.
func TestRecordCannotBeWritten(t *testing.T) {
	r := sourcetest.NewRepo(t)
	one := r.Commit(map[string]string{"a.yaml": "1"})
	s := build(t, r, nil)
	want(t, s, one)
	two := r.Commit(map[string]string{"a.yaml": "2"})
	block := s.recordPath() + ".tmp"
	write(t, filepath.Join(block, "x"), "") // a folder where the file should go
	if snap, err := s.Fetch(t.Context()); err == nil {
		t.Fatalf("want an error, got %s", snap.Revision)
	}
	if snap, err := s.Last(); err != nil || snap.Revision != one {
		t.Errorf("want the accepted revision, got %v, %v", snap, err)
	}
	remove(t, block)
	want(t, s, two)
}

func TestShallowRemoteIsRefused(t *testing.T) {
	sourcetest.Need(t, "git")
	r := sourcetest.NewRepo(t)
	r.Commit(map[string]string{"a.yaml": "1"})
	r.Commit(map[string]string{"a.yaml": "2"})
	shallow := filepath.Join(t.TempDir(), "shallow.git")
	r.Git("clone", "-q", "--bare", "--depth", "1", r.URL(), shallow)
	refused(t, build(t, r, func(c *Config) { c.URL = shallow }), sources.Invalid, "shallow", "--unshallow")
	srv := sourcetest.ServeHTTP(t, &sourcetest.Repo{Dir: shallow}, sourcetest.HTTPOptions{})
	refused(t, build(t, r, func(c *Config) { c.URL = srv.URL }), sources.Invalid, "shallow")
}

// Local repositories come in several shapes, all of which are read without the
// git binary.
func TestLocalShapes(t *testing.T) {
	sourcetest.Need(t, "git")
	r := sourcetest.NewRepo(t)
	r.Commit(map[string]string{"a.yaml": "1", "b/c.yaml": "2"})
	tip := r.Commit(map[string]string{"a.yaml": "2"})
	tmp := t.TempDir()
	for _, args := range [][]string{
		{"clone", "-q", r.Dir, tmp + "/worktree"},
		{"clone", "-q", "--bare", "--shared", r.Dir, tmp + "/alternates"},
		{"-C", tmp + "/worktree", "worktree", "add", "-q", "-f", tmp + "/linked", "main"},
		{"clone", "-q", "--mirror", r.Dir, tmp + "/packed"},
		{"-C", tmp + "/packed", "gc", "-q"},
	} {
		r.Git(args...)
	}
	// The linked one has its objects in a pack, which is not in its own folder.
	r.Git("-C", tmp+"/worktree", "gc", "-q")
	linked, err := build(t, r, func(c *Config) { c.URL = tmp + "/linked" }).remote.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer linked.close()
	if p, err := openPacksOf(linked.(*localTalk).st.Filesystem()); err != nil || len(p.list) != 1 {
		t.Errorf("want the pack of the linked worktree's repository, got %v, %v", p, err)
	}
	t.Setenv("PATH", "")
	for _, shape := range []string{"worktree", "alternates", "linked", "packed"} {
		t.Log(shape)
		snap := want(t, build(t, r, func(c *Config) { c.URL = tmp + "/" + shape }), tip)
		if b, err := fs.ReadFile(snap.Files, "a.yaml"); err != nil || string(b) != "2" {
			t.Errorf("%s: got %q, %v", shape, b, err)
		}
	}
}

// objectsAt looks into the repository on this machine that a source follows.
func objectsAt(t *testing.T, s *Source) localObjects {
	t.Helper()
	talk, err := s.remote.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(talk.close)
	st := talk.(*localTalk).st
	packed, err := openPacksOf(st.Filesystem())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { packed.close() })
	return localObjects{packed, st}
}

// People pack a repository while it is read: a pack comes before its index, and
// goes when another has its objects.
func TestLocalIsPackedMeanwhile(t *testing.T) {
	sourcetest.Need(t, "git")
	r := sourcetest.NewRepo(t)
	r.Commit(map[string]string{"a.yaml": "1", "large": strings.Repeat("x", 70_000)})
	r.Git("-C", r.Dir, "repack", "-adq")
	write(t, filepath.Join(packFolder(r.Dir), "pack-0123456789012345678901234567890123456789.pack"), "PACK")
	s := build(t, r, nil)
	want(t, s, r.Tip("main"))

	from := objectsAt(t, s)
	r.Commit(map[string]string{"a.yaml": "2"})
	remove(t, filepath.Join(packFolder(r.Dir), "pack-0123456789012345678901234567890123456789.pack"))
	r.Git("-C", r.Dir, "repack", "-adq")
	for _, line := range objectsOf(r, r.Dir) {
		h := plumbing.NewHash(strings.Fields(line)[0])
		if o, err := from.EncodedObject(plumbing.AnyObject, h); err != nil || o.Hash() != h {
			t.Errorf("%s: %v", line, err)
		}
		if _, err := from.DeltaObject(plumbing.AnyObject, h); err != nil {
			t.Errorf("%s as packed: %v", line, err)
		}
	}
}

func TestSHA256IsNamed(t *testing.T) {
	sourcetest.Need(t, "git")
	r := sourcetest.NewRepo(t)
	dir := filepath.Join(t.TempDir(), "sha256.git")
	r.Git("init", "-q", "--bare", "--object-format=sha256", dir)
	env := []string{"-C", dir, "-c", "user.name=A", "-c", "user.email=a@b"}
	tree := r.Git(append(env, "mktree", "--missing")...)
	commit := r.Git(append(env, "commit-tree", tree, "-m", "x")...)
	r.Git(append(env, "update-ref", "refs/heads/main", commit)...)
	refused(t, build(t, r, func(c *Config) { c.URL = dir }), sources.Invalid, "SHA-1")
	srv := sourcetest.ServeHTTP(t, &sourcetest.Repo{Dir: dir}, sourcetest.HTTPOptions{})
	refused(t, build(t, r, func(c *Config) { c.URL = srv.URL }), sources.Invalid, "SHA-1")
}

// A push replaces the file of a branch while it is listed; that must never look
// as if the branch, or the repository, were empty.
func TestPushWhileLooking(t *testing.T) {
	r := sourcetest.NewRepo(t)
	a := r.Commit(map[string]string{"a.yaml": "1"})
	b := r.Commit(map[string]string{"a.yaml": "2"})
	named, unnamed := build(t, r, nil), build(t, r, func(c *Config) { c.Ref = Ref{} })
	done := make(chan struct{})
	t.Cleanup(func() { <-done })
	go func() {
		defer close(done)
		for range 500 {
			r.Reset("main", a)
			r.Reset("main", b)
		}
	}()
	for pushing := true; pushing; {
		select {
		case <-done:
			pushing = false
		default:
		}
		for _, s := range []*Source{named, unnamed} {
			talk, err := s.remote.open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			p, err := s.look(t.Context(), talk)
			talk.close()
			if got := p.target.String(); err != nil || (got != a && got != b) {
				t.Fatalf("want one of two commits, got %s, %v", got, err)
			}
		}
	}
}
