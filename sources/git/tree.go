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

// index is everything below the configured folder but the contents.
type index struct {
	root  *filetree.Node
	blobs map[plumbing.Hash]int64 // size of every blob, each of which has been read completely
}

// indexer builds an index.
type indexer struct {
	st      *store
	known   map[plumbing.Hash]int64 // blobs that need no second reading
	out     map[plumbing.Hash]int64
	entries int
}

// index reads the trees below path in c, and every blob that is not in known.
func (s *store) index(ctx context.Context, c *object.Commit, path string, known map[plumbing.Hash]int64) (*index, error) {
	tree, err := s.subtree(c, path)
	if err != nil {
		return nil, err
	}
	x := &indexer{st: s, known: known, out: make(map[plumbing.Hash]int64, len(known))}
	root := &filetree.Node{Mode: fs.ModeDir | 0o755}
	if root.Children, err = x.folder(ctx, tree, 0); err != nil {
		return nil, err
	}
	if len(root.Children) == 0 { // Git knows no empty folders
		return nil, fail(sources.Missing, "if that is meant, commit a README", "commit %s has no files at all", c.Hash)
	}
	return &index{root: root, blobs: x.out}, nil
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

func (x *indexer) folder(ctx context.Context, t *object.Tree, depth int) ([]*filetree.Node, error) {
	if x.entries += len(t.Entries); x.entries > maxEntries || depth > maxDepth {
		return nil, fail(sources.Invalid, "set path to a smaller folder", "the tree is too large: more than %d entries or %d levels", maxEntries, maxDepth)
	}
	nodes := make([]*filetree.Node, 0, len(t.Entries))
	for i := range t.Entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, err := x.entry(ctx, &t.Entries[i], depth)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	filetree.Sort(nodes)
	for i := 1; i < len(nodes); i++ {
		if nodes[i].Name == nodes[i-1].Name {
			return nil, fail(sources.Invalid, "repair the commit", "tree %s has two entries named %q", t.Hash, nodes[i].Name)
		}
	}
	return nodes, nil
}

func (x *indexer) entry(ctx context.Context, e *object.TreeEntry, depth int) (*filetree.Node, error) {
	if err := filetree.CheckName(e.Name); err != nil {
		return nil, fail(sources.Invalid, "rename the file", "%w", err)
	}
	n := &filetree.Node{Name: e.Name}
	switch e.Mode {
	case filemode.Dir:
		n.Mode = fs.ModeDir | 0o755
		sub, err := x.st.tree(e.Hash)
		if err != nil {
			return nil, err
		}
		n.Children, err = x.folder(ctx, sub, depth+1)
		return n, err
	case filemode.Symlink:
		n.Mode = fs.ModeSymlink | 0o777
		return n, nil
	case filemode.Submodule:
		n.Mode = fs.ModeIrregular
		return n, nil
	case filemode.Executable:
		n.Mode = 0o755
	default:
		n.Mode = 0o644
	}
	size, err := x.verify(e.Hash)
	n.Size, n.ID, n.Content = size, sources.ContentID(e.Hash.String()), e.Hash
	return n, err
}

// verify reads a blob once, to the last byte, and returns its size.
func (x *indexer) verify(h plumbing.Hash) (int64, error) {
	size, ok := x.out[h]
	if ok {
		return size, nil
	}
	if size, ok = x.known[h]; !ok {
		f, err := x.st.copyTo(io.Discard, plumbing.BlobObject, h, 0)
		if err != nil {
			return 0, onDisk(x.st.dir, err)
		}
		size = f.size
	}
	x.out[h] = size
	return size, nil
}

// load is the snapshots' filetree.Loader.
func (s *store) load(n *filetree.Node) ([]byte, error) {
	h, ok := n.Content.(plumbing.Hash)
	if !ok {
		return nil, errors.New("has no content")
	}
	var b bytes.Buffer
	b.Grow(int(min(n.Size, maxBlob)))
	if _, err := s.copyTo(&b, plumbing.BlobObject, h, maxBlob); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
