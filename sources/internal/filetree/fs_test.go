package filetree

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"
	"time"

	"github.com/vmsteward/vmsteward/sources"
)

func specimen() *FS {
	file := func(name, content string) *Node {
		return &Node{Name: name, Mode: 0o644, Size: int64(len(content)), ID: sources.ContentID("id of " + content), Content: content}
	}
	deep := &Node{Name: "deep", Mode: fs.ModeDir | 0o755, Children: []*Node{file("c.yaml", "c")}}
	sub := &Node{Name: "sub", Mode: fs.ModeDir | 0o755, Children: []*Node{file("b.yaml", "bb"), deep}}
	root := &Node{Mode: fs.ModeDir | 0o755, Children: []*Node{
		file("a.yaml", "aaa"), sub, {Name: "void", Mode: fs.ModeDir | 0o755},
	}}
	return New(root, time.Unix(1700000000, 0), func(n *Node) ([]byte, error) { return []byte(n.Content.(string)), nil })
}

func TestFS(t *testing.T) {
	if err := fstest.TestFS(specimen(), "a.yaml", "sub/b.yaml", "sub/deep/c.yaml", "void"); err != nil {
		t.Fatal(err)
	}
}

func TestOddEntriesAreShownAndNotOpened(t *testing.T) {
	f := specimen()
	f.root.Children = append(f.root.Children,
		&Node{Name: "x-link", Mode: fs.ModeSymlink | 0o777, Size: 9},
		&Node{Name: "y-module", Mode: fs.ModeIrregular})
	for _, tc := range []struct {
		reason, path string
		want         error
	}{
		{"a link is never followed, wherever it points", "x-link", ErrLink},
		{"a submodule has no content here", "y-module", ErrIrregular},
		{"what does not exist is said to be so", "nope", fs.ErrNotExist},
		{"a file has nothing below it", "a.yaml/b", fs.ErrNotExist},
		{"a link has nothing below it", "x-link/b", fs.ErrNotExist},
		{"a path must not leave the tree", "../etc/passwd", fs.ErrInvalid},
		{"a path is relative", "/a.yaml", fs.ErrInvalid},
		{"a folder has no content", "sub", errIsDir},
	} {
		if _, err := f.ReadFile(tc.path); !errors.Is(err, tc.want) {
			t.Errorf("ReadFile(%q): want %v, got %v: %s", tc.path, tc.want, err, tc.reason)
		}
	}
	i, err := f.Stat("x-link")
	if err != nil || i.Mode().Type() != fs.ModeSymlink || i.Size() != 0 || i.Sys() != nil {
		t.Errorf("Stat of a link: want a link without size and id, got %v %v", i, err)
	}
}

func TestSysIsTheContentID(t *testing.T) {
	i, err := specimen().Stat("sub/b.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if id, ok := i.Sys().(sources.ContentID); !ok || id != "id of bb" {
		t.Errorf("want the content id, got %v", i.Sys())
	}
}

func TestCheckName(t *testing.T) {
	for _, bad := range []string{"", ".", "..", "a/b", "a\\b", "a\x00b", "caf\xe9.yaml"} {
		if CheckName(bad) == nil {
			t.Errorf("want %q refused", bad)
		}
	}
	for _, good := range []string{"a.yaml", "...", "café.yaml", ".hidden"} {
		if err := CheckName(good); err != nil {
			t.Errorf("want %q accepted, got %v", good, err)
		}
	}
}
