package filetree

import (
	"bytes"
	"io"
	"io/fs"
	"strings"
	"time"
)

// FS shows a tree of Nodes. It is safe for concurrent use.
type FS struct {
	root    *Node
	load    Loader
	modTime time.Time
}

var (
	_ fs.ReadDirFS  = (*FS)(nil)
	_ fs.ReadFileFS = (*FS)(nil)
	_ fs.StatFS     = (*FS)(nil)
)

// New shows root, which must be a folder; its name does not matter. A Node
// without a time of its own shows modTime.
func New(root *Node, modTime time.Time, load Loader) *FS {
	return &FS{root: root, load: load, modTime: modTime}
}

func (f *FS) find(op, name string) (info, error) {
	if !fs.ValidPath(name) {
		return info{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if name == "." {
		return info{f.root, f, "."}, nil
	}
	n, rest := f.root, name
	for {
		first, after, more := strings.Cut(rest, "/")
		if n = n.Child(first); n == nil || (more && !n.Mode.IsDir()) {
			return info{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
		if !more {
			return info{n, f, n.Name}, nil
		}
		rest = after
	}
}

// Open implements fs.FS. A regular file's content is read at its first Read.
func (f *FS) Open(name string) (fs.File, error) {
	i, err := f.find("open", name)
	if err != nil {
		return nil, err
	}
	if i.IsDir() {
		return &openDir{info: i, path: name}, nil
	}
	if err := refuse("open", name, i.n); err != nil {
		return nil, err
	}
	return &openFile{info: i, path: name}, nil
}

// Stat implements fs.StatFS. It does not follow links.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	i, err := f.find("stat", name)
	if err != nil {
		return nil, err
	}
	return i, nil
}

// ReadDir implements fs.ReadDirFS.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	i, err := f.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if !i.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errNotDir}
	}
	return i.entries(), nil
}

// ReadFile implements fs.ReadFileFS.
func (f *FS) ReadFile(name string) ([]byte, error) {
	i, err := f.find("read", name)
	if err != nil {
		return nil, err
	}
	return i.content(name)
}

func (i info) entries() []fs.DirEntry {
	list := make([]fs.DirEntry, len(i.n.Children))
	for k, c := range i.n.Children {
		list[k] = info{c, i.tree, c.Name}
	}
	return list
}

func (i info) content(path string) ([]byte, error) {
	if err := refuse("read", path, i.n); err != nil {
		return nil, err
	}
	b, err := i.tree.load(i.n)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return b, nil
}

func refuse(op, path string, n *Node) error {
	switch {
	case n.Mode.IsRegular():
		return nil
	case n.Mode.IsDir():
		return &fs.PathError{Op: op, Path: path, Err: errIsDir}
	case n.Mode&fs.ModeSymlink != 0:
		return &fs.PathError{Op: op, Path: path, Err: ErrLink}
	}
	return &fs.PathError{Op: op, Path: path, Err: ErrIrregular}
}

// openFile is a regular file being read.
type openFile struct {
	info
	path   string
	r      *bytes.Reader
	closed bool
}

func (o *openFile) Stat() (fs.FileInfo, error) { return o.info, nil }

func (o *openFile) Close() error {
	if o.closed {
		return &fs.PathError{Op: "close", Path: o.path, Err: fs.ErrClosed}
	}
	o.closed, o.r = true, nil
	return nil
}

func (o *openFile) reader(op string) (*bytes.Reader, error) {
	if o.closed {
		return nil, &fs.PathError{Op: op, Path: o.path, Err: fs.ErrClosed}
	}
	if o.r == nil {
		b, err := o.content(o.path)
		if err != nil {
			return nil, err
		}
		o.r = bytes.NewReader(b)
	}
	return o.r, nil
}

func (o *openFile) Read(p []byte) (int, error) {
	r, err := o.reader("read")
	if err != nil {
		return 0, err
	}
	return r.Read(p)
}

func (o *openFile) Seek(offset int64, whence int) (int64, error) {
	r, err := o.reader("seek")
	if err != nil {
		return 0, err
	}
	return r.Seek(offset, whence)
}

func (o *openFile) ReadAt(p []byte, off int64) (int, error) {
	r, err := o.reader("read")
	if err != nil {
		return 0, err
	}
	return r.ReadAt(p, off)
}

// openDir is a folder being listed.
type openDir struct {
	info
	path string
	next int
}

func (o *openDir) Stat() (fs.FileInfo, error) { return o.info, nil }
func (o *openDir) Close() error               { return nil }

func (o *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: o.path, Err: errIsDir}
}

// ReadDir implements fs.ReadDirFile.
func (o *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	rest := o.entries()[o.next:]
	if n > 0 {
		if len(rest) == 0 {
			return nil, io.EOF
		}
		rest = rest[:min(n, len(rest))]
	}
	o.next += len(rest)
	return rest, nil
}
