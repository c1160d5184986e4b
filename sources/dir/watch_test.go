package dir

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

// told returns what waits until a fetch brings a.yaml with some content.
func told(t *testing.T, path string) func(reason, content string) {
	t.Helper()
	s := build(t, Config{Path: path})
	w := sourcetest.StartWatch(t, s)
	return func(reason, content string) {
		t.Helper()
		w.Until(reason, func() bool {
			snap, err := s.Fetch(t.Context())
			if err != nil {
				return false
			}
			f, err := snap.Files.Open("a.yaml")
			if err != nil {
				return false
			}
			defer f.Close()
			b := make([]byte, 100)
			n, _ := f.Read(b)
			return string(b[:n]) == content
		})
	}
}

func TestWatchAtomicReplacement(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, map[string]string{"a.yaml": "1"})
	until := told(t, dir)
	for _, v := range []string{"2", "3", "4"} { // as editors save
		put(t, dir, map[string]string{".a.yaml.swp": v})
		must(t, os.Rename(filepath.Join(dir, ".a.yaml.swp"), filepath.Join(dir, "a.yaml")))
		until("renamed over", v)
	}
}

// A release is a folder of its own, and a link is pointed to the newest.
func TestWatchLinkedRelease(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	current := filepath.Join(dir, "current")
	put(t, dir, map[string]string{"1/a.yaml": "1"})
	must(t, os.Symlink("1", current))
	until := told(t, current)
	for _, v := range []string{"2", "3", "4"} {
		put(t, dir, map[string]string{v + "/a.yaml": v})
		must(t, os.Symlink(v, current+".new"))
		must(t, os.Rename(current+".new", current))
		until("the link leads to another folder", v)
		put(t, dir, map[string]string{v + "/a.yaml": v + "b"})
		until("a file there changes", v+"b")
	}
}
