package git

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

// objectsOf lists what git finds in the packs of a clone, with kind and size.
func objectsOf(r *sourcetest.Repo, dir string) []string {
	all := strings.Split(r.Git("-C", dir, "cat-file", "--batch-all-objects", "--batch-check"), "\n")
	slices.Sort(all)
	return all
}

// sound wants git to find the clone whole, every index as git itself writes it,
// and every object readable by us.
func sound(t *testing.T, r *sourcetest.Repo, s *store) {
	t.Helper()
	if out := r.Git("-C", s.dir, "fsck", "--full", "--no-dangling"); strings.Contains(out, "error") {
		t.Errorf("git fsck: %s", out)
	}
	packs, err := s.packFiles()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packs {
		again := filepath.Join(t.TempDir(), "idx")
		r.Git("index-pack", "--fsck-objects", "-o", again, p)
		want, err := os.ReadFile(again)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(indexOf(p)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: want the index that git makes, %v", filepath.Base(p), err)
		}
	}
	for _, line := range objectsOf(r, s.dir) {
		if _, err := s.memory(plumbing.AnyObject, plumbing.NewHash(strings.Fields(line)[0])); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// fetchEach has a source fetch n times, each time several commits.
func fetchEach(t *testing.T, r *sourcetest.Repo, s *Source, n, each int) {
	t.Helper()
	for range n {
		want(t, s, push(t, r, each))
	}
}

// Packs with both kinds of deltas and with objects in common become one in which
// git finds what it found before.
func TestJoin(t *testing.T) {
	sourcetest.Need(t, "git")
	r := sourcetest.NewRepo(t)
	r.Commit(map[string]string{"vms/0.yaml": strings.Repeat("a line that stays\n", 400), "large": strings.Repeat("x", 70_000)})
	srv := sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{})
	s := build(t, r, func(c *Config) { c.URL, c.Auth = srv.URL, srv.Auth })
	fetchEach(t, r, s, 4, 40) // from git, which counts back to bases
	r.Git("-C", r.Dir, "repack", "-adq")
	all, err := filepath.Glob(r.Dir + "/objects/pack/pack-*.pack")
	if err != nil || len(all) != 1 {
		t.Fatalf("want one pack, got %v, %v", all, err)
	}
	for _, f := range []string{all[0], indexOf(all[0])} { // with everything that the others have
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(packFolder(s.cfg.Dir), filepath.Base(f)), string(b))
	}
	before := objectsOf(r, s.cfg.Dir)
	packs, err := s.store.packFiles()
	if err != nil || len(packs) != 5 {
		t.Fatalf("want five packs, got %v, %v", packs, err)
	}
	if _, err := s.store.replace(t.Context(), packs, s.store.join); err != nil {
		t.Fatal(err)
	}
	s.store.reopen()
	if left := packFiles(t, s, "pack"); len(left) != 1 {
		t.Errorf("want one pack, got %v", left)
	}
	if after := objectsOf(r, s.cfg.Dir); !slices.Equal(before, after) {
		t.Errorf("want the same %d objects, got %d", len(before), len(after))
	}
	sound(t, r, s.store)
}

// What follows a long history packs what came last anew, and joins the rest.
func TestRepackJoins(t *testing.T) {
	sourcetest.Need(t, "git")
	for _, transport := range []string{"file", "http"} {
		r, s := followed(t, transport)
		s.packs, s.store.atOnce = 4, 100
		for range 20 {
			fetchEach(t, r, s, 1, 10)
			if n := len(packFiles(t, s, "pack")); n > s.packs {
				t.Errorf("%s: %d packs, want at most %d", transport, n, s.packs)
			}
		}
		if n := strings.Count(r.Git("-C", s.cfg.Dir, "rev-list", r.Tip("main")), "\n") + 1; n != 201 {
			t.Errorf("%s: git finds %d commits, want all 201", transport, n)
		}
		sound(t, r, s.store)
	}
}

// pair writes a pack of two blobs, the second as a delta of the first.
func pair(t *testing.T, r *sourcetest.Repo, s *store, one, two string, byOffset bool) string {
	t.Helper()
	whole := entry{wholeBlob, nil, []byte(one)}
	h := blobOf(one)
	other := entry{refDelta, h[:], says(len(one), two)}
	if byOffset {
		distance := len(packOfEntries(t, whole)) - packHead - hashSize
		other.kind, other.base = ofsDelta, []byte{byte(distance)}
	}
	b := packOfEntries(t, whole, other)
	name := filepath.Join(packFolder(s.dir), fmt.Sprintf("pack-%x.pack", b[len(b)-hashSize:]))
	write(t, name, string(b))
	r.Git("index-pack", "-o", indexOf(name), name)
	return name
}

// Two packs have the same two objects, each as the base of the other. Taken one
// from each, both could be deltas of each other and nothing else.
func TestJoinMakesNoCycle(t *testing.T) {
	sourcetest.Need(t, "git")
	const one, two = "first: the one\n", "second: the other\n"
	for _, byOffset := range []bool{true, false} {
		r := sourcetest.NewRepo(t)
		s := emptyStore(t)
		packs := []string{pair(t, r, s, one, two, byOffset), pair(t, r, s, two, one, byOffset)}
		if _, err := s.replace(t.Context(), packs, s.join); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{one, two} {
			o, err := s.memory(plumbing.BlobObject, blobOf(text))
			if err != nil {
				t.Fatalf("bases by offset %v: %v", byOffset, err)
			}
			if o.Size() != int64(len(text)) {
				t.Errorf("bases by offset %v: %q has %d bytes", byOffset, text, o.Size())
			}
		}
		sound(t, r, s)
	}
}

// What is damaged is not carried over, and nothing goes when joining fails.
func TestJoinFails(t *testing.T) {
	sourcetest.Need(t, "git")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tc := range []struct {
		reason string
		ctx    context.Context
		hurt   func(pack string)
		want   string
	}{
		{"a bit fell over", t.Context(), func(p string) { flip(t, p) }, "what is packed is not what the index says"},
		{"a pack was cut", t.Context(), func(p string) { cut(t, p) }, "object"},
		{"the daemon stops", cancelled, func(string) {}, context.Canceled.Error()},
	} {
		r := sourcetest.NewRepo(t)
		r.Commit(map[string]string{"a.yaml": "0"})
		s := build(t, r, nil)
		want(t, s, r.Tip("main"))
		fetchEach(t, r, s, 3, 5)
		packs := packFiles(t, s, "pack")
		tc.hurt(packs[1])
		_, err := s.store.replace(tc.ctx, packs, s.store.join)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: want an error with %q, got %v", tc.reason, tc.want, err)
		}
		if left := packFiles(t, s, "*"); len(left) != 2*len(packs) {
			t.Errorf("%s: want the packs as they were and nothing else, got %q", tc.reason, left)
		}
	}
}
