package dir

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/vmsteward/vmsteward/sources"
	"github.com/vmsteward/vmsteward/sources/internal/filetree"
)

// scan is one reading of the whole folder.
type scan struct {
	cfg    Config
	old    map[string]cached // of the scan before; only read
	dir    string            // the folder, with links in its own path resolved
	root   *filetree.Node
	cache  map[string]cached
	seen   map[string]stamp // every entry by path, to be compared afterwards
	newest time.Time
	others int64 // bytes kept of files that are not YAML
}

func (s *Source) scan(ctx context.Context) (*scan, error) {
	dir, err := filepath.EvalSymlinks(s.cfg.Path)
	if err != nil {
		return nil, err
	}
	i, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	if !i.IsDir() {
		return nil, fmt.Errorf("%s: %w", s.cfg.Path, errNotDir)
	}
	sc := &scan{cfg: s.cfg, old: s.cache, dir: dir, cache: map[string]cached{}, seen: map[string]stamp{}}
	sc.root = &filetree.Node{Mode: i.Mode()}
	sc.seen["."] = stampOf(i)
	if sc.root.Children, err = sc.folder(ctx, "."); err != nil {
		return nil, err
	}
	sc.root.ID = folderID(sc.root.Children)
	if !hasFile(sc.root) {
		return nil, fmt.Errorf("%s: %w", s.cfg.Path, errEmpty)
	}
	return sc, nil
}

// hasFile tells whether there is anything but folders.
func hasFile(n *filetree.Node) bool {
	return !n.Mode.IsDir() || slices.ContainsFunc(n.Children, hasFile)
}

// list names what is in a folder, without hidden folders. Every failure to
// look is an error.
func list(full string) ([]fs.FileInfo, error) {
	f, err := os.Open(full)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	infos := make([]fs.FileInfo, 0, len(entries))
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), ".") {
			continue
		}
		i, err := e.Info()
		if err != nil {
			return nil, err
		}
		infos = append(infos, i)
	}
	sort.Slice(infos, func(a, b int) bool { return infos[a].Name() < infos[b].Name() })
	return infos, nil
}

// folder reads everything below rel, a slash-separated path.
func (sc *scan) folder(ctx context.Context, rel string) ([]*filetree.Node, error) {
	infos, err := list(filepath.Join(sc.dir, filepath.FromSlash(rel)))
	if err != nil {
		return nil, vanished(rel, err)
	}
	nodes := make([]*filetree.Node, 0, len(infos))
	for _, i := range infos {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		name := path.Join(rel, i.Name())
		if err := filetree.CheckName(i.Name()); err != nil {
			return nil, fmt.Errorf("%w in %s: %v", errName, sc.cfg.Path, err)
		}
		sc.seen[name] = stampOf(i)
		n, err := sc.entry(ctx, name, i)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// entry reads one entry; i is what lstat says of it.
func (sc *scan) entry(ctx context.Context, rel string, i fs.FileInfo) (n *filetree.Node, err error) {
	n = &filetree.Node{Name: i.Name(), Mode: i.Mode(), ModTime: i.ModTime()}
	switch {
	case i.IsDir():
		n.Children, err = sc.folder(ctx, rel)
		n.ID = folderID(n.Children)
		return n, err
	case i.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(filepath.Join(sc.dir, filepath.FromSlash(rel)))
		n.Content = target
		return n, vanished(rel, err)
	case !i.Mode().IsRegular():
		return n, nil
	}
	sc.newest = newer(sc.newest, i.ModTime())
	c, err := sc.file(ctx, rel, i)
	if err != nil {
		return nil, err
	}
	sc.cache[rel] = c
	n.Size, n.ID = c.stamp.size, sources.ContentID("sha256:"+hex.EncodeToString(c.sum[:]))
	if c.data != nil {
		n.Content = c.data
	}
	return n, nil
}

// vanished turns "it was there a moment ago" into errTorn; other errors stay.
func vanished(rel string, err error) error {
	if rel != "." && errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s: %w", rel, errTorn)
	}
	return err
}

// compare looks at all metadata again and reports errTorn when anything is not
// as it was when it was read.
func (sc *scan) compare(ctx context.Context) error {
	left := len(sc.seen) - 1
	var walk func(rel string) error
	walk = func(rel string) error {
		infos, err := list(filepath.Join(sc.dir, filepath.FromSlash(rel)))
		if err != nil {
			return vanished(rel, err)
		}
		for _, i := range infos {
			if err := ctx.Err(); err != nil {
				return err
			}
			name := path.Join(rel, i.Name())
			was, ok := sc.seen[name]
			if !ok || was != stampOf(i) {
				return fmt.Errorf("%s: %w", name, errTorn)
			}
			left--
			if i.IsDir() {
				if err := walk(name); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := walk("."); err != nil {
		return err
	}
	if left != 0 {
		return fmt.Errorf("%s: %w", sc.cfg.Path, errTorn)
	}
	return nil
}

// folderID is a hash over the names, modes and contents of all that is in a
// folder and below.
func folderID(children []*filetree.Node) sources.ContentID {
	h := sha256.New()
	for _, c := range children {
		link, _ := c.Content.(string)
		fmt.Fprintf(h, "%q %v %s %q\n", c.Name, c.Mode, c.ID, link)
	}
	return sources.ContentID("sha256:" + hex.EncodeToString(h.Sum(nil)))
}
