package git

import (
	"fmt"
	"io/fs"
	"testing"

	"github.com/vmsteward/vmsteward/sources/internal/filetree"
	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

// folders makes one file in each of n folders.
func folders(n int, content string) map[string]string {
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("vms/ns%02d/vm.yaml", i)] = fmt.Sprintf("%s %d\n", content, i)
	}
	return files
}

func TestOnlyWhatChangedIsRead(t *testing.T) {
	r := sourcetest.NewRepo(t)
	s := build(t, r, nil)
	want(t, s, r.Commit(folders(40, "first")))
	old, reads := s.last.root, s.store.reads
	snap := want(t, s, r.Commit(map[string]string{"vms/ns07/vm.yaml": "second\n"}))
	const few = 10 // the commit, its base, three trees and the blob, some of them twice
	if n := s.store.reads - reads; n <= 0 || n > few {
		t.Errorf("%d objects were read for one file of 40, want at most %d", n, few)
	}
	var kept, made int
	was, is := old.Child("vms"), s.last.root.Child("vms")
	for _, n := range is.Children {
		if n == was.Child(n.Name) {
			kept++
		} else {
			made++
		}
	}
	if kept != 39 || made != 1 {
		t.Errorf("%d folders are those of the old tree and %d are new, want 39 and 1", kept, made)
	}
	if b, err := fs.ReadFile(snap.Files, "vms/ns07/vm.yaml"); err != nil || string(b) != "second\n" {
		t.Errorf("got %q, %v", b, err)
	}
}

// A folder that is taken over counts with all that is in it.
func TestFoldersTakenOverCount(t *testing.T) {
	r := sourcetest.NewRepo(t)
	s := build(t, r, nil)
	want(t, s, r.Commit(folders(5, "first")))
	want(t, s, r.Commit(map[string]string{"a.yaml": "second\n"}))
	for _, tc := range []struct {
		n    *filetree.Node
		want int
	}{{s.last.root, 1 + 1 + 5 + 5}, {s.last.root.Child("vms"), 5 + 5}} {
		if got := tc.n.Content; got != tc.want {
			t.Errorf("folder %q: want %d entries in it and below, got %v", tc.n.Name, tc.want, got)
		}
	}
}

// What reading many objects has left in memory goes with the next fetch.
func TestStoreRests(t *testing.T) {
	r := sourcetest.NewRepo(t)
	s := build(t, r, nil)
	tip := r.Commit(folders(manyReads+1, "first"))
	snap := want(t, s, tip)
	for name := range folders(manyReads+1, "first") {
		if _, err := fs.ReadFile(snap.Files, name); err != nil {
			t.Fatal(err)
		}
	}
	if s.store.packs == nil {
		t.Fatal("nothing is open after reading")
	}
	if want(t, s, tip); s.store.packs != nil {
		t.Error("all is still open when nothing new was found")
	}
	if b, err := fs.ReadFile(snap.Files, "vms/ns00/vm.yaml"); err != nil || string(b) != "first 0\n" {
		t.Errorf("got %q, %v after that", b, err)
	}
	if want(t, s, tip); s.store.packs == nil {
		t.Error("all is closed although little was read")
	}
}
