package git

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/vmsteward/vmsteward/sources"
	"github.com/vmsteward/vmsteward/sources/internal/filetree"
)

const (
	maxEntries = 1_000_000 // of one snapshot; a tree that names itself many times would fill memory
	maxDepth   = 128
)

// indexer reads everything below the configured folder but the contents. What
// is where it was in an older tree is taken from there: it has been read, to
// the last byte.
type indexer struct {
	st      *store
	read    map[plumbing.Hash]int64 // sizes of the blobs that this indexer has read
	entries int
}

// index reads the trees below path in c, and every blob that old, which may be
// nil, does not have in the same place.
func (s *store) index(ctx context.Context, c *object.Commit, path string, old *filetree.Node) (*filetree.Node, error) {
	tree, err := s.subtree(c, path)
	if err != nil {
		return nil, err
	}
	x := &indexer{st: s, read: make(map[plumbing.Hash]int64)}
	root := &filetree.Node{Mode: fs.ModeDir | 0o755}
	if err := x.folder(ctx, root, tree, old, 0); err != nil {
		return nil, err
	}
	if len(root.Children) == 0 { // Git knows no empty folders
		return nil, fail(sources.Missing, "if that is meant, commit a README", "commit %s has no files at all", c.Hash)
	}
	return root, nil
}

// subtree walks from the commit's root to the configured folder.
func (s *store) subtree(c *object.Commit, path string) (*object.Tree, error) {
	t, err := s.tree(c.TreeHash)
	if err != nil || path == "" {
		return t, err
	}
	for _, name := range strings.Split(path, "/") {
		var found *object.TreeEntry
		for i := range t.Entries {
			if t.Entries[i].Name == name {
				found = &t.Entries[i]
			}
		}
		if found == nil {
			return nil, fail(sources.Missing, "commit the folder or correct path", "path %s does not exist in commit %s", path, c.Hash)
		}
		if found.Mode != filemode.Dir {
			return nil, fail(sources.Invalid, "path must name a folder", "path %s is not a folder in commit %s", path, c.Hash)
		}
		if t, err = s.tree(found.Hash); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// folder fills in what is in a folder. The Content of a folder's Node is the
// number of entries in it and below.
func (x *indexer) folder(ctx context.Context, n *filetree.Node, t *object.Tree, old *filetree.Node, depth int) error {
	before := x.entries
	if err := x.count(len(t.Entries), depth); err != nil {
		return err
	}
	n.ID, n.Children = idOf(t.Hash), make([]*filetree.Node, 0, len(t.Entries))
	for i := range t.Entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		child, err := x.entry(ctx, &t.Entries[i], old, depth)
		if err != nil {
			return err
		}
		n.Children = append(n.Children, child)
	}
	filetree.Sort(n.Children)
	for i := 1; i < len(n.Children); i++ {
		if n.Children[i].Name == n.Children[i-1].Name {
			return fail(sources.Invalid, "repair the commit", "tree %s has two entries named %q", t.Hash, n.Children[i].Name)
		}
	}
	n.Content = x.entries - before
	return nil
}

// count keeps the tree within its limits.
func (x *indexer) count(entries, depth int) error {
	if x.entries += entries; x.entries > maxEntries || depth > maxDepth {
		return fail(sources.Invalid, "set path to a smaller folder", "the tree is too large: more than %d entries or %d levels", maxEntries, maxDepth)
	}
	return nil
}

// entry reads one entry of a folder; old is that folder in the older tree.
func (x *indexer) entry(ctx context.Context, e *object.TreeEntry, old *filetree.Node, depth int) (*filetree.Node, error) {
	if err := filetree.CheckName(e.Name); err != nil {
		return nil, fail(sources.Invalid, "rename the file", "%w", err)
	}
	n := &filetree.Node{Name: e.Name, Mode: modeOf(e.Mode)}
	var was *filetree.Node
	if old != nil {
		was = old.Child(e.Name)
	}
	switch {
	case !n.Mode.IsDir() && !n.Mode.IsRegular():
		return n, nil
	case was != nil && was.Mode == n.Mode && was.ID == idOf(e.Hash):
		below, _ := was.Content.(int)
		return was, x.count(below, depth)
	case n.Mode.IsDir():
		sub, err := x.st.tree(e.Hash)
		if err != nil {
			return nil, err
		}
		return n, x.folder(ctx, n, sub, was, depth+1)
	}
	size, err := x.verify(e.Hash)
	n.Size, n.ID = size, idOf(e.Hash)
	return n, err
}

func modeOf(m filemode.FileMode) fs.FileMode {
	switch m {
	case filemode.Dir:
		return fs.ModeDir | 0o755
	case filemode.Symlink:
		return fs.ModeSymlink | 0o777
	case filemode.Submodule:
		return fs.ModeIrregular
	case filemode.Executable:
		return 0o755
	}
	return 0o644
}

// idOf is the bytes of a hash.
func idOf(h plumbing.Hash) sources.ContentID { return sources.ContentID(h[:]) }

// verify reads a blob once, to the last byte, and returns its size.
func (x *indexer) verify(h plumbing.Hash) (int64, error) {
	if size, ok := x.read[h]; ok {
		return size, nil
	}
	f, err := x.st.copyTo(io.Discard, plumbing.BlobObject, h, 0)
	if err != nil {
		return 0, onDisk(x.st.dir, err)
	}
	x.read[h] = f.size
	return f.size, nil
}

// load is the snapshots' filetree.Loader.
func (s *store) load(n *filetree.Node) ([]byte, error) {
	var h plumbing.Hash
	if copy(h[:], n.ID) != len(h) {
		return nil, errors.New("has no content")
	}
	var b bytes.Buffer
	b.Grow(int(min(n.Size, maxBlob)))
	if _, err := s.copyTo(&b, plumbing.BlobObject, h, maxBlob); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
