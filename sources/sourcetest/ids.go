package sourcetest

import (
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/sources"
)

func testContentID(t *testing.T, x *Fixture) {
	byID, byBytes := map[sources.ContentID]string{}, map[string]sources.ContentID{}
	check := func(f fs.FS) {
		for p, b := range contents(t, f) {
			i, err := fs.Stat(f, p)
			if err != nil {
				t.Fatal(err)
			}
			id, ok := i.Sys().(sources.ContentID)
			if !ok {
				continue // the source does not know one
			}
			if was, ok := byID[id]; ok && was != b {
				t.Errorf("%s: id %s stands for %q and for %q", p, id, was, b)
			}
			if was, ok := byBytes[b]; ok && was != id {
				t.Errorf("%s: the same bytes have the ids %s and %s", p, was, id)
			}
			byID[id], byBytes[b] = b, id
		}
	}
	check(fetch(t, x).Files)
	x.Put(map[string]string{"a.yaml": "a: 9\n", "sub/b.yaml": "a: 1\n"})
	check(fetch(t, x).Files)
}

func testFolderID(t *testing.T, x *Fixture) {
	byID := map[sources.ContentID]map[string]string{}
	check := func(what string) map[string]sources.ContentID {
		files, ids := fetch(t, x).Files, map[string]sources.ContentID{}
		err := fs.WalkDir(files, ".", func(p string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			i, err := d.Info()
			if err != nil {
				return err
			}
			id, ok := i.Sys().(sources.ContentID)
			if !ok {
				return nil // the source does not know one
			}
			sub, err := fs.Sub(files, p)
			if err != nil {
				return err
			}
			below := contents(t, sub)
			if was, known := byID[id]; known {
				if diff := cmp.Diff(was, below); diff != "" {
					t.Errorf("%s: %s: one id stands for two folders:\n%s", what, p, diff)
				}
			}
			byID[id], ids[p] = below, id
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	first := check("at first")
	x.Put(map[string]string{"sub/deep/c.yaml": "c: 9\n", "other/deep/c.yaml": "c: 9\n"})
	second := check("after a change deep down")
	if len(first) > 0 && (first["sub/deep"] == second["sub/deep"] || first["sub"] == second["sub"] || first["."] == second["."]) {
		t.Errorf("a change deep down changes the ids of all folders around it: want other ids, got %q and %q", first, second)
	}
	x.Put(map[string]string{"a.yaml": "a: 9\n"})
	third := check("after a change beside")
	if second["sub"] != third["sub"] {
		t.Errorf("a change beside a folder leaves its id: want %q, got %q", second["sub"], third["sub"])
	}
	x.Remove("other/deep/c.yaml")
	check("after a file went")
}
