// Package filetree presents an immutable tree of entries as an fs.FS. It owns
// the rules that every source's snapshot shares: links are shown and never
// followed, listing reads no content, and a file says which bytes it holds. It
// must not know where a tree comes from. It is tested with testing/fstest.
package filetree

import (
	"errors"
	"fmt"
	"io/fs"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vmsteward/vmsteward/sources"
)

// Errors of Open and ReadFile, inside an *fs.PathError.
var (
	ErrLink      = errors.New("is a symbolic link, which is not followed")
	ErrIrregular = errors.New("is not a regular file")

	errIsDir  = errors.New("is a folder")
	errNotDir = errors.New("is not a folder")
)

// Node is one entry. Whoever made it must not change it after handing it to
// New; one Node may be part of several trees.
type Node struct {
	Name     string
	Mode     fs.FileMode
	Size     int64             // of a regular file
	ModTime  time.Time         // zero means: that of the tree
	ID       sources.ContentID // of a regular file or a folder; empty when not known
	Children []*Node           // of a folder, sorted by Name with Sort
	Content  any               // for whoever made the tree, and its Loader, alone
}

// Loader reads the whole content of a regular file. It is called from many
// goroutines at once, and the caller may keep and change what it returns.
type Loader func(*Node) ([]byte, error)

// Sort puts children into the order that New expects.
func Sort(children []*Node) {
	sort.Slice(children, func(i, j int) bool { return children[i].Name < children[j].Name })
}

// CheckName refuses a name that no fs.FS can show: one that is not UTF-8, or
// that would lead out of its folder.
func CheckName(name string) error {
	if !utf8.ValidString(name) || name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00") {
		return fmt.Errorf("file name %q cannot be used", name)
	}
	return nil
}

// Child returns the entry of that name in a folder, and nil when there is none.
func (n *Node) Child(name string) *Node {
	i := sort.Search(len(n.Children), func(i int) bool { return n.Children[i].Name >= name })
	if i < len(n.Children) && n.Children[i].Name == name {
		return n.Children[i]
	}
	return nil
}

// info is a Node seen as fs.FileInfo and fs.DirEntry.
type info struct {
	n    *Node
	tree *FS
	name string
}

func (i info) Name() string               { return i.name }
func (i info) Mode() fs.FileMode          { return i.n.Mode }
func (i info) Type() fs.FileMode          { return i.n.Mode.Type() }
func (i info) IsDir() bool                { return i.n.Mode.IsDir() }
func (i info) Info() (fs.FileInfo, error) { return i, nil }
func (i info) String() string             { return fs.FormatFileInfo(i) }

// Size of anything but a regular file is zero.
func (i info) Size() int64 {
	if !i.n.Mode.IsRegular() {
		return 0
	}
	return i.n.Size
}

func (i info) ModTime() time.Time {
	if i.n.ModTime.IsZero() {
		return i.tree.modTime
	}
	return i.n.ModTime
}

// Sys returns the ContentID of a regular file or a folder when it is known,
// else nil.
func (i info) Sys() any {
	if !i.n.Mode.IsRegular() && !i.n.Mode.IsDir() || i.n.ID == "" {
		return nil
	}
	return i.n.ID
}
