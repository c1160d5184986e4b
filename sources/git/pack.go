package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// maxPacks is how many packs, one per fetch, are tolerated before they are
// written into one.
const maxPacks = 50

// deltaWindow is Git's own default for how many neighbours are tried as bases.
const deltaWindow = 10

// sync puts the packs that were not there before on stable storage, so that a
// revision recorded as accepted is still readable after a power cut.
func (s *store) sync(before []string) error {
	packs, err := s.packs()
	if err != nil {
		return err
	}
	for _, p := range packs {
		if slices.Contains(before, p) {
			continue
		}
		for _, f := range []string{p, strings.TrimSuffix(p, ".pack") + ".idx"} {
			if err := syncPath(f); err != nil {
				return err
			}
		}
	}
	return syncPath(filepath.Join(s.dir, "objects", "pack"))
}

func syncPath(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// repack writes all packs into one when there are more than limit. Nothing is
// dropped: snapshots of branches since rewritten stay readable. It may be
// interrupted anywhere, because the old packs go only after the new one is safe.
func (s *store) repack(ctx context.Context, limit int) (err error) {
	packs, err := s.packs()
	if err != nil || len(packs) <= limit {
		return err
	}
	st := openStorage(s.dir, true)
	defer func() { err = errors.Join(err, st.Close()) }()
	old, err := st.ObjectPacks()
	if err != nil {
		return err
	}
	all, err := st.HashesWithPrefix(nil)
	if err != nil {
		return err
	}
	all = once(all)
	var made plumbing.Hash
	err = s.receive(func(w io.Writer) (err error) {
		made, err = packfile.NewEncoder(w, &guarded{Storage: st, ended: ctx.Err}, false).Encode(all, deltaWindow)
		return err
	})
	if err != nil {
		return fmt.Errorf("writing one pack of %d: %w", len(packs), err)
	}
	for _, h := range old {
		if h == made {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, "objects", "pack", "pack-"+h.String()+".idx")); err != nil {
			return err
		}
		if err := os.Remove(filepath.Join(s.dir, "objects", "pack", "pack-"+h.String()+".pack")); err != nil {
			return err
		}
	}
	s.reopen()
	return nil
}

// once drops what is there twice. An object that comes again, as when a change
// is taken back, may lie in several packs, and must not in one.
func once(all []plumbing.Hash) []plumbing.Hash {
	slices.SortFunc(all, func(a, b plumbing.Hash) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(all)
}

// guarded is a storage whose reading ends with the context.
type guarded struct {
	*filesystem.Storage
	ended func() error // the context's Err
}

// EncodedObject implements storer.EncodedObjectStorer.
func (g *guarded) EncodedObject(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	if err := g.ended(); err != nil {
		return nil, err
	}
	return g.Storage.EncodedObject(t, h)
}

// DeltaObject implements storer.DeltaObjectStorer.
func (g *guarded) DeltaObject(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	if err := g.ended(); err != nil {
		return nil, err
	}
	o, err := g.Storage.DeltaObject(t, h)
	if errors.Is(err, plumbing.ErrObjectNotFound) { // it may be borrowed from another repository
		return g.Storage.EncodedObject(t, h)
	}
	return o, err
}
