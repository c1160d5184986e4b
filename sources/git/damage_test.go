package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vmsteward/vmsteward/sources"
	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

// packFiles lists the files of a kind in the clone.
func packFiles(t *testing.T, s *Source, ext string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(s.cfg.Dir, "objects", "pack", "*."+ext))
	if err != nil || len(list) == 0 {
		t.Fatalf("no .%s files: %v", ext, err)
	}
	return list
}

func write(t *testing.T, name, text string) {
	t.Helper()
	err := os.Remove(name) // it may be read-only, as packs are
	if errors.Is(err, fs.ErrNotExist) {
		err = os.MkdirAll(filepath.Dir(name), 0o755)
	}
	if err = errors.Join(err, os.WriteFile(name, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func size(t *testing.T, name string) int64 {
	t.Helper()
	i, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return i.Size()
}

// cut shortens a file by half.
func cut(t *testing.T, name string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	write(t, name, string(b[:len(b)/2]))
}

// flip changes all bytes of a pack or index but the header and the checksum.
func flip(t *testing.T, name string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := 12; i < len(b)-20; i++ {
		b[i] ^= 0xff
	}
	write(t, name, string(b))
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.RemoveAll(name); err != nil {
		t.Fatal(err)
	}
}

// damages are ways in which a clone can be hurt; heal says that a fresh clone is
// needed, otherwise the hurt does not matter.
var damages = []struct {
	name string
	heal bool
	do   func(t *testing.T, s *Source)
}{
	{"empty config", false, func(t *testing.T, s *Source) { write(t, filepath.Join(s.cfg.Dir, "config"), "") }},
	{"empty HEAD", false, func(t *testing.T, s *Source) { write(t, filepath.Join(s.cfg.Dir, "HEAD"), "") }},
	{"no HEAD", false, func(t *testing.T, s *Source) { remove(t, filepath.Join(s.cfg.Dir, "HEAD")) }},
	{"empty reference", false, func(t *testing.T, s *Source) { write(t, filepath.Join(s.cfg.Dir, "refs/heads/accepted"), "") }},
	{"no refs", false, func(t *testing.T, s *Source) { remove(t, filepath.Join(s.cfg.Dir, "refs")) }},
	{"stale locks", false, func(t *testing.T, s *Source) {
		write(t, filepath.Join(s.cfg.Dir, "refs/heads/accepted.lock"), "")
		write(t, filepath.Join(s.cfg.Dir, "packed-refs.lock"), "")
		write(t, s.cfg.Dir+".lock", "")
	}},
	{"half a pack left over", false, func(t *testing.T, s *Source) {
		write(t, filepath.Join(s.cfg.Dir, "objects/pack/tmp_pack_1"), "PACK")
	}},
	{"an index whose pack did not follow", false, func(t *testing.T, s *Source) {
		write(t, filepath.Join(s.cfg.Dir, "objects/pack/pack-0123456789012345678901234567890123456789.idx"), "half")
	}},
	{"half a clone left over", false, func(t *testing.T, s *Source) { write(t, s.cfg.Dir+".fresh/objects/x", "") }},
	{"truncated packs", true, func(t *testing.T, s *Source) {
		for _, f := range packFiles(t, s, "pack") {
			cut(t, f)
		}
	}},
	{"flipped bits", true, func(t *testing.T, s *Source) {
		for _, f := range packFiles(t, s, "pack") {
			flip(t, f)
		}
	}},
	{"truncated index", true, func(t *testing.T, s *Source) { cut(t, packFiles(t, s, "idx")[0]) }},
	{"flipped bits in the index", true, func(t *testing.T, s *Source) {
		for _, f := range packFiles(t, s, "idx") {
			flip(t, f)
		}
	}},
	{"empty index", true, func(t *testing.T, s *Source) { write(t, packFiles(t, s, "idx")[0], "") }},
	{"no index", true, func(t *testing.T, s *Source) { remove(t, packFiles(t, s, "idx")[0]) }},
	{"the first pack gone", true, func(t *testing.T, s *Source) {
		oldest := slices.MaxFunc(packFiles(t, s, "pack"), func(a, b string) int { return int(size(t, a) - size(t, b)) })
		remove(t, oldest)
		remove(t, strings.TrimSuffix(oldest, ".pack")+".idx")
	}},
	{"all packs gone", false, func(t *testing.T, s *Source) {
		for _, ext := range []string{"pack", "idx"} {
			for _, f := range packFiles(t, s, ext) {
				remove(t, f)
			}
		}
	}},
	{"objects gone", false, func(t *testing.T, s *Source) { remove(t, filepath.Join(s.cfg.Dir, "objects")) }},
	{"objects a file", true, func(t *testing.T, s *Source) {
		remove(t, filepath.Join(s.cfg.Dir, "objects"))
		write(t, filepath.Join(s.cfg.Dir, "objects"), "")
	}},
	{"the clone gone", false, func(t *testing.T, s *Source) { remove(t, s.cfg.Dir) }},
	{"the clone empty", false, func(t *testing.T, s *Source) {
		remove(t, s.cfg.Dir)
		if err := os.Mkdir(s.cfg.Dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}},
	{"the marker gone", false, func(t *testing.T, s *Source) { remove(t, filepath.Join(s.cfg.Dir, marker)) }},
	{"the record gone", false, func(t *testing.T, s *Source) { remove(t, s.recordPath()) }},
	{"the record empty", false, func(t *testing.T, s *Source) { write(t, s.recordPath(), "") }},
	{"everything gone", false, func(t *testing.T, s *Source) { remove(t, s.cfg.Dir); remove(t, s.recordPath()) }},
}

// Each damage is met by a new process, with and without something new to fetch.
func TestDamageHeals(t *testing.T) {
	for _, d := range damages {
		for _, news := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, news %v", d.name, news), func(t *testing.T) {
				t.Parallel()
				heal(t, d.do, d.heal, news)
			})
		}
	}
}

// A real server matters where there is news: told of commits that are here, it
// sends only what it must believe to be missing.
func heal(t *testing.T, damage func(*testing.T, *Source), healed, news bool) {
	r := sourcetest.NewRepo(t)
	r.Commit(map[string]string{"a.yaml": "1", "b/c.yaml": strings.Repeat("content\n", 100)})
	url := r.URL()
	if news {
		url = sourcetest.ServeHTTP(t, r, sourcetest.HTTPOptions{}).URL
	}
	first := build(t, r, func(c *Config) { c.URL = url })
	want(t, first, r.Tip("main"))
	tip := r.Commit(map[string]string{"a.yaml": "2"})
	old := want(t, first, tip)
	damage(t, first)
	if news {
		tip = r.Commit(map[string]string{"a.yaml": "3"})
	}
	s := build(t, r, func(c *Config) { c.URL, c.Dir = url, first.cfg.Dir })
	snap := want(t, s, tip)
	if noted := strings.Contains(strings.Join(snap.Notes, "\n"), "damaged"); noted != healed && !news {
		t.Errorf("want a note of damage: %v, got %q", healed, snap.Notes)
	}
	for range 2 {
		if err := fs.WalkDir(snap.Files, ".", func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				_, err = fs.ReadFile(snap.Files, p)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
		snap = want(t, s, tip)
	}
	if len(snap.Notes) != 0 {
		t.Errorf("want the note once, got %q", snap.Notes)
	}
	if b, err := fs.ReadFile(old.Files, "a.yaml"); err != nil || string(b) != "2" {
		t.Errorf("want the first process's snapshot readable again, got %q, %v", b, err)
	}
}

// While it runs, a source finds out by reading, and heals at the next fetch
// although nothing is new.
func TestDamageWhileRunning(t *testing.T) {
	r := sourcetest.NewRepo(t)
	tip := r.Commit(map[string]string{"a.yaml": "1", "b.yaml": strings.Repeat("content\n", 100)})
	s := build(t, r, nil)
	snap := want(t, s, tip)
	flip(t, packFiles(t, s, "pack")[0])
	s.store.reopen()
	var failed error
	for _, f := range []string{"a.yaml", "b.yaml"} {
		if _, err := fs.ReadFile(snap.Files, f); err != nil {
			failed = err
		}
	}
	if failed == nil {
		t.Fatal("want damage to be an error and never other content")
	}
	again := want(t, s, tip)
	if !strings.Contains(strings.Join(again.Notes, "\n"), "damaged") {
		t.Errorf("want a note, got %q", again.Notes)
	}
	for _, f := range []string{"a.yaml", "b.yaml"} {
		if _, err := fs.ReadFile(snap.Files, f); err != nil {
			t.Errorf("want the old snapshot readable again: %v", err)
		}
	}
}

func TestDamagedClonesAreFew(t *testing.T) {
	r := sourcetest.NewRepo(t)
	tip := r.Commit(map[string]string{"a.yaml": "1"})
	s := build(t, r, nil)
	for range 5 {
		want(t, s, tip)
		write(t, packFiles(t, s, "idx")[0], "")
		s = build(t, r, func(c *Config) { c.Dir = s.cfg.Dir })
	}
	want(t, s, tip)
	left, err := filepath.Glob(s.cfg.Dir + "*")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range left {
		names = append(names, filepath.Base(l))
	}
	if got := strings.Join(names, " "); got != "clone clone.accepted clone.damaged-4 clone.damaged-5 clone.lock" {
		t.Errorf("got %s", got)
	}
}

// Damage and no remote: nothing is moved, and what can be read still is.
func TestDamageWithoutRemote(t *testing.T) {
	r := sourcetest.NewRepo(t)
	tip := r.Commit(map[string]string{"a.yaml": "1"})
	s := build(t, r, nil)
	want(t, s, tip)
	if err := os.Rename(r.Dir, r.Dir+".away"); err != nil {
		t.Fatal(err)
	}
	write(t, packFiles(t, s, "idx")[0], "")
	again := build(t, r, func(c *Config) { c.Dir = s.cfg.Dir })
	refused(t, again, sources.Missing)
	if snap, err := again.Last(); err == nil || sources.KindOf(err) != sources.Unavailable {
		t.Errorf("want a damaged clone refused, got %v, %v", snap, err)
	}
	if _, err := os.Stat(s.cfg.Dir + ".damaged-1"); err == nil {
		t.Error("want the clone kept in place until there is a better one")
	}
	if snap, err := s.Last(); err != nil || snap.Revision != tip {
		t.Errorf("want the snapshot in memory to stay, got %v, %v", snap, err)
	}
}

// What an interrupted fetch left behind goes with the next one that brings news.
func TestLeftoversGo(t *testing.T) {
	r := sourcetest.NewRepo(t)
	s := build(t, r, nil)
	want(t, s, r.Commit(map[string]string{"a.yaml": "1"}))
	left := []string{"tmp_pack_1", "tmp_idx_1", "pack-0123456789012345678901234567890123456789.idx"}
	for _, name := range left {
		write(t, filepath.Join(packFolder(s.cfg.Dir), name), "half")
	}
	want(t, s, r.Commit(map[string]string{"a.yaml": "2"}))
	for _, name := range left {
		if _, err := os.Stat(filepath.Join(packFolder(s.cfg.Dir), name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: want it gone, got %v", name, err)
		}
	}
	if packs, indexes := packFiles(t, s, "pack"), packFiles(t, s, "idx"); len(packs) != 2 || len(indexes) != 2 {
		t.Errorf("want two packs with their indexes, got %q and %q", packs, indexes)
	}
}
