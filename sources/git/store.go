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
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

const (
	// marker is the file inside a clone that says it is ours. It is the first
	// to be made.
	marker = "vmsteward"

	cacheSize = 1 << 20 // bytes
	manyReads = 1000    // objects, whose places in their packs take memory of their own
	largeBlob = 8 << 20 // bytes; larger ones are streamed when verified
	maxBlob   = 64 << 20
)

// errTooLarge is the one reason not to read an object that is all right.
var errTooLarge = errors.New("is too large to be read")

// store is the bare clone on disk. Only its objects are used: what was accepted
// is recorded beside it, so that no oddity of references, HEAD or config can do
// harm. Reading is safe for concurrent use, also while a pack is received.
type store struct {
	dir    string
	atOnce int64 // objects that go-git's encoder is given

	// suspect is set when an object could not be read, so that the next fetch
	// does not rest on "nothing has changed".
	suspect atomic.Bool

	mu    sync.Mutex // guards the rest
	packs *packs     // nil until needed
	seen  string     // their layout when they were looked at
	reads int        // objects read from them
	hurt  error      // what is known to be damaged, though nothing has asked for it yet
}

func newStore(dir string) *store { return &store{dir: dir, atOnce: maxEncoded} }

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
	return os.MkdirAll(packFolder(s.dir), 0o700)
}

// reopen forgets what is known of the packs on disk.
func (s *store) reopen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeLocked()
}

func (s *store) closeLocked() {
	if s.packs != nil {
		_ = s.packs.close() // read-only descriptors: nothing can be lost
		s.packs = nil
	}
}

// openLocked opens what is there now, unless it is open already.
func (s *store) openLocked() (err error) {
	if s.packs == nil {
		s.seen, s.reads = s.layout(), 0
		s.packs, err = openPacks(s.dir)
	}
	return err
}

// layout is a text that changes when the packs on the disk do.
func (s *store) layout() string {
	list, err := os.ReadDir(packFolder(s.dir))
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, e := range list {
		i, err := e.Info()
		if err != nil {
			return err.Error()
		}
		fmt.Fprintf(&b, "%s %d %d\n", i.Name(), i.Size(), i.ModTime().UnixNano())
	}
	return b.String()
}

// rest lets go of the memory that reading many objects has left.
func (s *store) rest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reads > manyReads {
		s.closeLocked()
	}
	if s.packs != nil {
		for _, p := range s.packs.list {
			p.index.forget()
		}
	}
}

// has tells whether the object is there, without reading it.
func (s *store) has(h plumbing.Hash) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.openLocked() != nil {
		return false
	}
	_, _, err := s.packs.find(h)
	return err == nil
}

// check looks at the disk and tells whether the indexes of all packs can be
// read, without which nothing else makes sense. Those that lie there as when
// they were read before are not read again.
func (s *store) check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hurt != nil {
		return s.hurt
	}
	if s.packs != nil && s.reads <= manyReads && s.seen == s.layout() {
		return nil
	}
	s.closeLocked()
	return onDisk(s.dir, s.openLocked())
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
		if p := recover(); p != nil { // a mangled pack may be too much for the library
			err = fmt.Errorf("object %s: %v", h, p)
		}
	}()
	if err := s.openLocked(); err != nil {
		return f, err
	}
	s.reads++
	o, err := s.packs.EncodedObject(t, h)
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

// receive stores the one pack that fill writes, durably. Readers are not held up
// while it is filled. What is wrong with the disk or with the clone comes back
// marked as damage or as a sources.Error; other errors are fill's, or say that
// the pack is malformed.
func (s *store) receive(fill func(io.Writer) error) error {
	if err := s.sweep(); err != nil {
		return onDisk(s.dir, err)
	}
	before, err := s.packFiles()
	if err != nil {
		return onDisk(s.dir, err)
	}
	if err := s.write(fill); err != nil {
		_ = s.sweep() // the error in hand says more
		s.reopen()
		if worse := s.check(); worse != nil {
			return worse
		}
		return err
	}
	return onDisk(s.dir, s.sync(before))
}

// write has a pack filled and takes it into use.
func (s *store) write(fill func(io.Writer) error) error {
	w, err := dotgit.New(osfs.New(s.dir, osfs.WithBoundOS())).NewObjectPack()
	if err == nil {
		err = fill(w)
		if end := s.finish(w); err == nil { // a pack that was not filled is malformed, too
			err = end
		}
	}
	if pathError(err) {
		return onDisk(s.dir, err)
	}
	return err
}

// finish ends a pack that was written, and takes it into use.
func (s *store) finish(w io.Closer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := w.Close(); err != nil {
		return err
	}
	if s.packs == nil {
		return s.openLocked()
	}
	s.seen = s.layout()
	return s.packs.look()
}

// sweep removes what was left behind when the writing of a pack was interrupted:
// files that are not finished, and indexes whose packs did not follow.
func (s *store) sweep() error {
	list, err := os.ReadDir(packFolder(s.dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	there := make(map[string]bool, len(list))
	for _, e := range list {
		there[e.Name()] = true
	}
	for name := range there {
		if strings.HasPrefix(name, "tmp_") || strings.HasSuffix(name, ".idx") && !there[packOf(name)] {
			if err := os.Remove(filepath.Join(packFolder(s.dir), name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// packFiles lists the pack files.
func (s *store) packFiles() ([]string, error) {
	list, err := os.ReadDir(packFolder(s.dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var packs []string
	for _, e := range list {
		if strings.HasSuffix(e.Name(), ".pack") {
			packs = append(packs, filepath.Join(packFolder(s.dir), e.Name()))
		}
	}
	return packs, nil
}
