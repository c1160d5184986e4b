package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing/fstest"
)

// watched is a tree that gives its files and folders content ids, as a source
// from Git does, notes what is read of it, and fails where it is told to.
type watched struct {
	fstest.MapFS
	read    []string        // folders with a slash behind
	failing map[string]bool // files and folders that cannot be read
}

func watch(files map[string]string) *watched {
	w := &watched{MapFS: tree(files)}
	below := make(map[string][]string)
	for _, name := range sortedNames(files) {
		id := contentOf(files[name])
		w.MapFS[name].Sys = id
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			below[dir] = append(below[dir], strings.TrimPrefix(name, dir+"/"), string(id))
		}
	}
	for dir, all := range below {
		w.MapFS[dir] = &fstest.MapFile{Mode: fs.ModeDir | 0o755, Sys: contentOf(strings.Join(all, "\x00"))}
	}
	return w
}

func sortedNames(files map[string]string) []string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func contentOf(s string) blobID {
	sum := sha256.Sum256([]byte(s))
	return blobID(hex.EncodeToString(sum[:8]))
}

var errWatched = errors.New("told to fail")

// Open implements fs.FS.
func (w *watched) Open(name string) (fs.File, error) {
	w.read = append(w.read, name)
	if w.failing[name] {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errWatched}
	}
	return w.MapFS.Open(name)
}

// ReadDir implements fs.ReadDirFS.
func (w *watched) ReadDir(name string) ([]fs.DirEntry, error) {
	w.read = append(w.read, name+"/")
	if w.failing[name] {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errWatched}
	}
	return w.MapFS.ReadDir(name)
}
