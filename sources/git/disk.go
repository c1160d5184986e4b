package git

import (
	"bufio"
	"errors"
	"io/fs"
	"path"

	"github.com/go-git/go-billy/v5"
)

// indexed is the folder of a repository as go-git reads it, but that indexes of
// packs are read in large pieces: go-git asks the system for each number in
// their heads.
type indexed struct{ billy.Filesystem }

// Open implements billy.Basic.
func (d indexed) Open(name string) (billy.File, error) {
	f, err := d.Filesystem.Open(name)
	if err != nil || path.Ext(name) != ".idx" {
		return f, err
	}
	read := indexFile{File: f, ahead: bufio.NewReaderSize(f, 16<<10)}
	if sized, ok := f.(fs.File); ok {
		return sizedIndexFile{read, sized}, nil
	}
	return read, nil
}

// Chmod implements billy.Chmod.
func (d indexed) Chmod(name string, mode fs.FileMode) error {
	if c, ok := d.Filesystem.(billy.Chmod); ok {
		return c.Chmod(name, mode)
	}
	return errors.ErrUnsupported
}

// indexFile is read from the first byte to the last.
type indexFile struct {
	billy.File
	ahead *bufio.Reader
}

// Read implements io.Reader.
func (f indexFile) Read(p []byte) (int, error) { return f.ahead.Read(p) }

// sizedIndexFile is one that can tell its size, which go-git compares with what
// the head says.
type sizedIndexFile struct {
	indexFile
	sized fs.File
}

// Stat implements fs.File.
func (f sizedIndexFile) Stat() (fs.FileInfo, error) { return f.sized.Stat() }
