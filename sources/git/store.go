package git

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

const (
	// marker is the file inside a clone that says it is ours. It is the first
	// to be made.
	marker = "vmsteward"

	cacheSize = 16 * cache.MiByte
	largeBlob = 8 << 20 // bytes; larger ones are streamed when verified
	maxBlob   = 64 << 20
)

// errTooLarge is the one reason not to read an object that is all right.
var errTooLarge = errors.New("is too large to be read")

// store is the bare clone on disk. Only its objects are used: what was accepted
// is recorded beside it, so that no oddity of references, HEAD or config can do
// harm. Reading is safe for concurrent use, also while a pack is received.
type store struct {
	dir string

	// suspect is set when an object could not be read, so that the next fetch
	// does not rest on "nothing has changed".
	suspect atomic.Bool

	mu sync.Mutex
	st *filesystem.Storage // nil until needed; guarded by mu
}

func openStorage(dir string, keep bool) *filesystem.Storage {
	return filesystem.NewStorageWithOptions(osfs.New(dir, osfs.WithBoundOS()), cache.NewObjectLRU(cacheSize),
		filesystem.Options{KeepDescriptors: keep, LargeObjectThreshold: largeBlob})
}

// exists tells whether the folder is a clone of ours.
func (s *store) exists() bool {
	_, err := os.Stat(filepath.Join(s.dir, marker))
	return err == nil
}

// create makes an empty clone. HEAD and config let a person look at it with git.
func (s *store) create() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	for _, f := range []struct{ name, text string }{
		{marker, "This folder is a cache of vmsteward; it may be deleted while vmsteward does not run.\n"},
		{"HEAD", "ref: refs/heads/accepted\n"},
		{"config", "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"},
	} {
		if err := os.WriteFile(filepath.Join(s.dir, f.name), []byte(f.text), 0o600); err != nil {
			return err
		}
	}
	return os.MkdirAll(filepath.Join(s.dir, "objects", "pack"), 0o700)
}

// reopen forgets what is known of the packs on disk.
func (s *store) reopen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeLocked()
}

func (s *store) closeLocked() {
	if s.st != nil {
		_ = s.st.Close() // read-only descriptors: nothing can be lost
		s.st = nil
	}
}

// has tells whether the object is there, without reading it.
func (s *store) has(h plumbing.Hash) (yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		if recover() != nil { // a mangled index makes the library index out of range
			yes = false
		}
	}()
	if s.st == nil {
		s.st = openStorage(s.dir, true)
	}
	return s.st.HasEncodedObject(h) == nil
}

// check looks at the disk afresh and tells whether the indexes of all packs can
// be read, without which nothing else makes sense.
func (s *store) check() (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		if p := recover(); p != nil { // a mangled index makes the library index out of range
			err = damaged("pack index: %v", p)
		}
	}()
	s.closeLocked()
	s.st = openStorage(s.dir, true)
	if err := s.st.HasEncodedObject(plumbing.ZeroHash); !errors.Is(err, plumbing.ErrObjectNotFound) {
		return onDisk(s.dir, fmt.Errorf("pack index: %w", err))
	}
	return nil
}

// copyTo writes the object's content to w, having checked that it is what its
// hash says only when it returns nil. It looks at the disk afresh before it
// gives up, because packs are replaced when they are many.
func (s *store) copyTo(w io.Writer, t plumbing.ObjectType, h plumbing.Hash, limit int64) (found, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.tryLocked(w, t, h, limit)
	if err == nil || errors.Is(err, errTooLarge) {
		return f, err
	}
	s.closeLocked()
	if f.size == 0 {
		f, err = s.tryLocked(w, t, h, limit)
	}
	if err != nil {
		s.closeLocked()
		s.suspect.Store(true)
	}
	return f, err
}

// found is what an object turned out to be.
type found struct {
	kind plumbing.ObjectType
	size int64
}

func (s *store) tryLocked(w io.Writer, t plumbing.ObjectType, h plumbing.Hash, limit int64) (f found, err error) {
	defer func() {
		if p := recover(); p != nil { // a mangled index makes the library index out of range
			err = fmt.Errorf("object %s: %v", h, p)
		}
	}()
	if s.st == nil {
		s.st = openStorage(s.dir, true)
	}
	o, err := s.st.EncodedObject(t, h)
	if err != nil {
		return f, fmt.Errorf("object %s: %w", h, err)
	}
	if limit > 0 && o.Size() > limit {
		return f, fmt.Errorf("object %s: %w (%d bytes)", h, errTooLarge, o.Size())
	}
	r, err := o.Reader()
	if err != nil {
		return f, fmt.Errorf("object %s: %w", h, err)
	}
	defer r.Close()
	sum := plumbing.NewHasher(o.Type(), o.Size())
	f.kind = o.Type()
	f.size, err = io.Copy(io.MultiWriter(w, sum), r)
	if err != nil {
		return f, fmt.Errorf("object %s: %w", h, err)
	}
	if sum.Sum() != h {
		return f, fmt.Errorf("object %s: content does not match", h)
	}
	return f, nil
}

// memory reads a whole object.
func (s *store) memory(t plumbing.ObjectType, h plumbing.Hash) (*plumbing.MemoryObject, error) {
	o := &plumbing.MemoryObject{}
	f, err := s.copyTo(o, t, h, maxBlob)
	if err != nil {
		return nil, onDisk(s.dir, err)
	}
	o.SetType(f.kind)
	return o, nil
}

func (s *store) commit(h plumbing.Hash) (*object.Commit, error) {
	o, err := s.memory(plumbing.CommitObject, h)
	if err != nil {
		return nil, err
	}
	c := &object.Commit{}
	if err := c.Decode(o); err != nil {
		return nil, onDisk(s.dir, err)
	}
	return c, nil
}

func (s *store) tree(h plumbing.Hash) (*object.Tree, error) {
	o, err := s.memory(plumbing.TreeObject, h)
	if err != nil {
		return nil, err
	}
	t := &object.Tree{}
	if err := t.Decode(o); err != nil {
		return nil, onDisk(s.dir, err)
	}
	return t, nil
}

// receive stores the one pack that fill writes, durably. It writes through a
// storage of its own, so readers are not held up. What is wrong with the disk or
// with the clone comes back marked as damage or as a sources.Error; other errors
// are fill's, or say that the pack is malformed.
func (s *store) receive(fill func(io.Writer) error) error {
	if err := s.sweep(); err != nil {
		return onDisk(s.dir, err)
	}
	before, err := s.packs()
	if err != nil {
		return onDisk(s.dir, err)
	}
	if err := s.write(fill); err != nil {
		_ = s.sweep() // the error in hand says more
		if worse := s.check(); worse != nil {
			return worse
		}
		return err
	}
	if err := s.sync(before); err != nil {
		return onDisk(s.dir, err)
	}
	s.reopen()
	return nil
}

func (s *store) write(fill func(io.Writer) error) error {
	st := openStorage(s.dir, false)
	defer st.Close()
	w, err := st.PackfileWriter()
	if err == nil {
		err = fill(w)
		if end := w.Close(); err == nil { // a pack that was not filled is malformed, too
			err = end
		}
	}
	if pathError(err) {
		return onDisk(s.dir, err)
	}
	return err
}

// sweep removes what an interrupted receive left behind.
func (s *store) sweep() error {
	left, err := filepath.Glob(filepath.Join(s.dir, "objects", "pack", "tmp_*"))
	if err != nil {
		return err
	}
	for _, f := range left {
		if err := os.Remove(f); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// packs lists the pack files.
func (s *store) packs() ([]string, error) {
	list, err := os.ReadDir(filepath.Join(s.dir, "objects", "pack"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var packs []string
	for _, e := range list {
		if strings.HasSuffix(e.Name(), ".pack") {
			packs = append(packs, filepath.Join(s.dir, "objects", "pack", e.Name()))
		}
	}
	return packs, nil
}
