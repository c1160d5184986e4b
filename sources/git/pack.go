package git

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// maxPacks is how many packs, one per fetch, are tolerated before the small ones
// are written into one.
const maxPacks = 50

// deltaWindow is Git's own default for how many neighbours are tried as bases.
const deltaWindow = 10

// sync puts the packs that were not there before on stable storage, so that a
// revision recorded as accepted is still readable after a power cut.
func (s *store) sync(before []string) error {
	packs, err := s.packFiles()
	if err != nil {
		return err
	}
	for _, p := range packs {
		if slices.Contains(before, p) {
			continue
		}
		for _, f := range []string{p, indexOf(p)} {
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

// repack writes small packs into one when there are more than limit of all.
// Nothing is dropped: snapshots of branches since rewritten stay readable. It may
// be interrupted anywhere, because the old packs go only after the new one is
// safe.
func (s *store) repack(ctx context.Context, limit int) (err error) {
	packs, err := s.packFiles()
	if err != nil || len(packs) <= limit {
		return err
	}
	old, err := small(packs, limit/2)
	if err != nil {
		return err
	}
	objects, err := objectsIn(old)
	if err != nil {
		return err
	}
	st := openStorage(s.dir)
	defer func() { err = errors.Join(err, st.Close()) }()
	var made plumbing.Hash
	err = s.receive(func(w io.Writer) (err error) {
		made, err = packfile.NewEncoder(w, &guarded{Storage: st, ended: ctx.Err}, false).Encode(objects, deltaWindow)
		return err
	})
	if err != nil {
		return fmt.Errorf("writing one pack of %d: %w", len(old), err)
	}
	for _, p := range old {
		if strings.Contains(filepath.Base(p), made.String()) {
			continue
		}
		if err := errors.Join(os.Remove(indexOf(p)), os.Remove(p)); err != nil {
			return err
		}
	}
	s.reopen()
	return nil
}

// small returns the packs that are to become one: all but those which are, each,
// at least as large as everything smaller, but no more than keep of these. So a
// large pack is written again only after as much has come in.
func small(packs []string, keep int) ([]string, error) {
	sizes, rest := make(map[string]int64, len(packs)), int64(0)
	for _, p := range packs {
		i, err := os.Stat(p)
		if err != nil {
			return nil, err
		}
		sizes[p] = i.Size()
		rest += i.Size()
	}
	packs = slices.SortedFunc(slices.Values(packs), func(a, b string) int { return cmp.Compare(sizes[b], sizes[a]) })
	for ; keep > 0 && len(packs) > 0 && 2*sizes[packs[0]] >= rest; keep-- {
		rest -= sizes[packs[0]]
		packs = packs[1:]
	}
	return packs, nil
}

// objectsIn lists the objects of packs, each once.
func objectsIn(packs []string) ([]plumbing.Hash, error) {
	var all []plumbing.Hash
	for _, p := range packs {
		f, err := os.Open(indexOf(p))
		if err != nil {
			return nil, err
		}
		index := idxfile.NewMemoryIndex()
		err = idxfile.NewDecoder(bufio.NewReader(f)).Decode(index)
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", indexOf(p), err)
		}
		entries, err := index.Entries()
		if err != nil {
			return nil, err
		}
		for e, err := entries.Next(); ; e, err = entries.Next() {
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			all = append(all, e.Hash)
		}
	}
	plumbing.HashesSort(all)
	return slices.Compact(all), nil
}

func indexOf(pack string) string { return strings.TrimSuffix(pack, ".pack") + ".idx" }

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
