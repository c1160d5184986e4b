package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
)

// tree shows the paths of a command line as one tree: each is an entry of its
// root, under a name that stands for what was written.
type tree struct{ mounts []mount }

// mount is one path of the command line: a folder, a file, or standard input.
type mount struct {
	name    string // in the tree, such as "@1@" or "@2@.yaml"
	written string // on the command line
	dir     fs.FS  // nil: a file
	data    []byte // of standard input
	info    fs.FileInfo
}

const stdinPath = "-"

// mountPaths checks that every path is there and reads standard input.
func mountPaths(paths []string, stdin io.Reader) (*tree, error) {
	t := &tree{}
	for i, p := range paths {
		m := mount{name: fmt.Sprintf("@%d@", i+1), written: p}
		if p == stdinPath {
			data, err := io.ReadAll(stdin)
			if err != nil {
				return nil, fmt.Errorf("standard input: %w", err)
			}
			m.name, m.written, m.data = m.name+".yaml", "<stdin>", data
			m.info = plainFile{size: int64(len(data))}
			t.mounts = append(t.mounts, m)
			continue
		}
		info, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		m.info = info
		if info.IsDir() {
			m.dir = os.DirFS(p)
		} else {
			m.name += extension(p)
		}
		t.mounts = append(t.mounts, m)
	}
	return t, nil
}

// empty returns the first folder that holds no manifest file at all: it is
// likelier a mistake than a check of nothing.
func (t *tree) empty() (written string, found bool) {
	for _, m := range t.mounts {
		if m.dir != nil && !hasManifests(m.dir) {
			return m.written, true
		}
	}
	return "", false
}

// hasManifests tells whether a folder has anything that loading it looks at,
// or cannot look at and tells of.
func hasManifests(dir fs.FS) bool {
	found := false
	_ = fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		hidden := name != "." && strings.HasPrefix(entry.Name(), ".")
		switch {
		case err != nil:
			found = true
		case hidden && entry.IsDir():
			return fs.SkipDir
		case !hidden && !entry.IsDir():
			found = manifest.IsManifestName(name) || entry.Type()&fs.ModeSymlink != 0
		}
		if found {
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// extension is how a file that somebody names is read: as YAML, unless it says
// that it is JSON.
func extension(p string) string {
	if strings.EqualFold(filepath.Ext(p), ".json") {
		return ".json"
	}
	return ".yaml"
}

// shown gives a finding the paths as they were written.
func (t *tree) shown(f manifest.Finding) manifest.Finding {
	pairs := make([]string, 0, 4*len(t.mounts))
	for _, m := range t.mounts {
		if m.dir != nil {
			folder := strings.TrimSuffix(filepath.ToSlash(filepath.Clean(m.written)), "/") + "/"
			pairs = append(pairs, m.name+"/", strings.TrimPrefix(folder, "./"))
		}
		pairs = append(pairs, m.name, m.written)
	}
	r := strings.NewReplacer(pairs...)
	f.At.File, f.Message, f.Hint = r.Replace(f.At.File), r.Replace(f.Message), r.Replace(f.Hint)
	return f
}

func (t *tree) find(op, name string) (*mount, string, error) {
	first, rest, _ := strings.Cut(name, "/")
	if rest == "" {
		rest = "."
	}
	for i := range t.mounts {
		if m := &t.mounts[i]; m.name == first && (m.dir != nil || rest == ".") {
			return m, rest, nil
		}
	}
	return nil, "", &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// Open implements fs.FS. The root itself is read by Stat and ReadDir only.
func (t *tree) Open(name string) (fs.File, error) {
	m, rest, err := t.find("open", name)
	switch {
	case err != nil:
		return nil, err
	case m.dir != nil:
		return m.dir.Open(rest)
	case m.data != nil:
		return &openData{bytes.NewReader(m.data), m.info}, nil
	}
	return os.Open(m.written)
}

// Stat implements fs.StatFS.
func (t *tree) Stat(name string) (fs.FileInfo, error) {
	if name == "." {
		return plainFile{mode: fs.ModeDir}, nil
	}
	m, rest, err := t.find("stat", name)
	switch {
	case err != nil:
		return nil, err
	case m.dir != nil:
		return fs.Stat(m.dir, rest)
	}
	return m.info, nil
}

// ReadDir implements fs.ReadDirFS.
func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == "." {
		entries := make([]fs.DirEntry, len(t.mounts))
		for i, m := range t.mounts {
			entries[i] = fs.FileInfoToDirEntry(renamed{m.info, m.name})
		}
		return entries, nil
	}
	m, rest, err := t.find("readdir", name)
	if err != nil {
		return nil, err
	}
	return fs.ReadDir(m.dir, rest)
}

// renamed is a file under another name.
type renamed struct {
	fs.FileInfo
	name string
}

func (r renamed) Name() string { return r.name }

// plainFile is a file that is nowhere.
type plainFile struct {
	size int64
	mode fs.FileMode
}

func (p plainFile) Name() string       { return "." }
func (p plainFile) Size() int64        { return p.size }
func (p plainFile) Mode() fs.FileMode  { return p.mode }
func (p plainFile) ModTime() time.Time { return time.Time{} }
func (p plainFile) IsDir() bool        { return p.mode.IsDir() }
func (p plainFile) Sys() any           { return nil }

type openData struct {
	*bytes.Reader
	info fs.FileInfo
}

func (o *openData) Stat() (fs.FileInfo, error) { return o.info, nil }
func (o *openData) Close() error               { return nil }
