package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/go-git/go-billy/v5/osfs"
	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/vmsteward/vmsteward/sources"
)

// local is a repository on this machine, bare or with a working tree. It is read
// in this process: neither the git binary nor a server is needed.
type local struct {
	path  string
	names []string // to be looked up one by one, besides the listing
}

func (l *local) close() {}

func (l *local) open(context.Context) (conversation, error) {
	// A folder that cannot be looked at is not one that is not there.
	if _, err := os.Stat(l.path); err != nil {
		return nil, l.explain(err)
	}
	r, err := gogit.PlainOpenWithOptions(l.path, &gogit.PlainOpenOptions{EnableDotGitCommonDir: true})
	if err != nil {
		return nil, l.explain(err)
	}
	st, ok := r.Storer.(*filesystem.Storage)
	if !ok {
		return nil, fail(sources.Invalid, "", "%s: unexpected storage %T", l.path, r.Storer)
	}
	// Opened once more, so that objects borrowed from other repositories are found.
	return &localTalk{local: l, st: filesystem.NewStorageWithOptions(st.Filesystem(), cache.NewObjectLRU(cacheSize),
		filesystem.Options{KeepDescriptors: true, AlternatesFS: osfs.New("/", osfs.WithBoundOS())})}, nil
}

func (l *local) explain(err error) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, fs.ErrPermission):
		return fail(sources.Denied, "let the daemon's user read it", "%w", err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, gogit.ErrRepositoryNotExists):
		return fail(sources.Missing, "create the repository or correct url", "%s: %w", l.path, err)
	case errors.Is(err, gogit.ErrUnsupportedExtensionRepositoryFormatVersion), errors.Is(err, gogit.ErrUnknownExtension),
		errors.Is(err, gogit.ErrUnsupportedRepositoryFormatVersion):
		return fail(sources.Invalid, "use a repository with SHA-1 hashes and without extensions", "%s: %w", l.path, err)
	}
	return fail(sources.Unavailable, "", "%s: %w", l.path, err)
}

// localTalk is one look into a local repository.
type localTalk struct {
	*local
	st *filesystem.Storage
}

func (t *localTalk) close() { _ = t.st.Close() } // opened for reading only

// fetch copies what the wants reach and the clone lacks. The haves are not
// needed: the clone itself can be asked.
func (t *localTalk) fetch(ctx context.Context, st *store, wants []plumbing.Hash, _ func() []plumbing.Hash) error {
	packed, err := openPacksOf(t.st.Filesystem())
	if err != nil {
		return t.explain(fmt.Errorf("reading the repository: %w", err))
	}
	defer func() { _ = packed.close() }() // opened for reading only
	from := guard(ctx, localObjects{packed, t.st})
	m := &missing{from: from, to: st, seen: map[plumbing.Hash]bool{}}
	for _, w := range wants {
		if _, err := from.EncodedObject(plumbing.AnyObject, w); errors.Is(err, plumbing.ErrObjectNotFound) {
			return fail(sources.Unavailable, "the next fetch will see the new state", "%s: %w: %s", t.path, errNotThere, w)
		}
		if err := m.add(w); err != nil {
			return t.explain(fmt.Errorf("reading the repository: %w", err))
		}
	}
	if len(m.list) == 0 {
		return nil
	}
	var broken error // in the repository, not in the clone
	err = st.receive(func(to io.Writer) error {
		w := &written{to: to}
		_, err := packfile.NewEncoder(w, from, true).Encode(m.list, deltaWindow)
		if err != nil && w.err == nil {
			broken = err
		}
		return err
	})
	switch {
	case broken != nil && errors.Is(broken, fs.ErrNotExist): // it was packed meanwhile
		return fail(sources.Unavailable, "the next fetch will see the new state", "%s: copying from the repository: %w", t.path, broken)
	case broken != nil:
		return t.explain(fmt.Errorf("copying from the repository: %w", broken))
	case err == nil || classified(err):
		return err
	}
	return t.explain(fmt.Errorf("copying from the repository: %w", err))
}

// written remembers the error of its writer, to tell it from those of whoever
// fills it.
type written struct {
	to  io.Writer
	err error
}

// Write implements io.Writer.
func (w *written) Write(b []byte) (int, error) {
	n, err := w.to.Write(b)
	if err != nil {
		w.err = err
	}
	return n, err
}

// localObjects are those of a repository on this machine.
type localObjects struct {
	packed *packs
	others *filesystem.Storage // reads what is not packed, or borrowed
}

// EncodedObject implements objects.
func (l localObjects) EncodedObject(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	if !l.packs(h) {
		return l.others.EncodedObject(t, h)
	}
	o, err := l.packed.EncodedObject(t, h)
	if errors.Is(err, fs.ErrNotExist) { // packed anew meanwhile
		return l.others.EncodedObject(t, h)
	}
	return o, err
}

// DeltaObject implements objects.
func (l localObjects) DeltaObject(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	if !l.packs(h) {
		return l.others.DeltaObject(t, h)
	}
	o, err := l.packed.DeltaObject(t, h)
	if errors.Is(err, fs.ErrNotExist) {
		return l.others.DeltaObject(t, h)
	}
	return o, err
}

// packs tells whether the object is in one of the packs.
func (l localObjects) packs(h plumbing.Hash) bool {
	_, _, err := l.packed.find(h)
	return err == nil
}

// missing collects objects that one repository has and a clone has not.
type missing struct {
	from *guarded
	to   *store
	seen map[plumbing.Hash]bool
	list []plumbing.Hash
}

// first tells whether h has to be copied and was not met before.
func (m *missing) first(h plumbing.Hash) bool {
	if m.seen[h] {
		return false
	}
	m.seen[h] = true
	return true
}

// add collects what a tag or a commit reaches. A clone that has an object has
// everything that it reaches, because packs are complete and arrive whole.
func (m *missing) add(h plumbing.Hash) error {
	for {
		tag, err := object.GetTag(m.from, h)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			break
		}
		if err != nil {
			return err
		}
		if m.first(h) {
			m.list = append(m.list, h)
		}
		h = tag.Target
	}
	todo := []plumbing.Hash{h}
	for len(todo) > 0 {
		h := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !m.first(h) || m.to.has(h) {
			continue
		}
		c, err := object.GetCommit(m.from, h)
		if err != nil {
			return fmt.Errorf("commit %s: %w", h, err)
		}
		m.list = append(m.list, h)
		if err := m.tree(c.TreeHash); err != nil {
			return err
		}
		todo = append(todo, c.ParentHashes...)
	}
	return nil
}

func (m *missing) tree(h plumbing.Hash) error {
	if !m.first(h) || m.to.has(h) {
		return nil
	}
	t, err := object.GetTree(m.from, h)
	if err != nil {
		return fmt.Errorf("tree %s: %w", h, err)
	}
	m.list = append(m.list, h)
	for i := range t.Entries {
		switch e := &t.Entries[i]; {
		case e.Mode == filemode.Submodule:
		case e.Mode == filemode.Dir:
			if err := m.tree(e.Hash); err != nil {
				return err
			}
		case m.first(e.Hash) && !m.to.has(e.Hash):
			m.list = append(m.list, e.Hash)
		}
	}
	return nil
}
