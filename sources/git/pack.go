package git

import (
	"bytes"
	"context"
	"encoding/binary"
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

// maxPacks is how many small packs, one per fetch, are tolerated before they
// are written into one.
const maxPacks = 50

// largePack is how many objects make a pack large: what a thousand pushes bring.
const largePack = 1 << 12

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

// repack writes the small packs into one when there are more than limit. A
// pack of at least large objects stays as it is, so that the cost does not grow
// with the history.
// Nothing is dropped: snapshots of branches since rewritten stay readable. It
// may be interrupted anywhere, because the old packs go only after the new one
// is safe.
func (s *store) repack(ctx context.Context, limit int, large uint32) (err error) {
	packs, err := s.packs()
	if err != nil || len(packs) <= limit {
		return err
	}
	if packs, err = small(packs, large); err != nil || len(packs) <= limit {
		return err
	}
	objects, err := contents(packs)
	if err != nil {
		return err
	}
	st := openStorage(s.dir, true)
	defer func() { err = errors.Join(err, st.Close()) }()
	var made plumbing.Hash
	err = s.receive(func(w io.Writer) (err error) {
		made, err = packfile.NewEncoder(w, &guarded{Storage: st, ended: ctx.Err}, false).Encode(objects, deltaWindow)
		return err
	})
	if err != nil {
		return fmt.Errorf("writing one pack of %d: %w", len(packs), err)
	}
	for _, old := range packs {
		if filepath.Base(old) == "pack-"+made.String()+".pack" {
			continue
		}
		if err := os.Remove(indexOf(old)); err != nil {
			return err
		}
		if err := os.Remove(old); err != nil {
			return err
		}
	}
	s.reopen()
	return nil
}

// small returns the packs of fewer than large objects.
func small(packs []string, large uint32) ([]string, error) {
	var few []string
	for _, p := range packs {
		n, err := announced(p)
		if err != nil {
			return nil, err
		}
		if n < large {
			few = append(few, p)
		}
	}
	return few, nil
}

// announced is how many objects a pack says that it holds.
func announced(pack string) (uint32, error) {
	f, err := os.Open(pack)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var head [12]byte // "PACK", version, number
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return 0, fmt.Errorf("%s: %w", pack, err)
	}
	return binary.BigEndian.Uint32(head[8:]), nil
}

// contents lists what is in any of the packs. An object that came again, as
// when a change is taken back, is in several, and must not be in one twice.
func contents(packs []string) ([]plumbing.Hash, error) {
	var all []plumbing.Hash
	for _, p := range packs {
		index := idxfile.NewMemoryIndex()
		if err := decode(indexOf(p), index); err != nil {
			return nil, err
		}
		entries, err := index.Entries()
		if err != nil {
			return nil, err
		}
		for e, err := entries.Next(); err != io.EOF; e, err = entries.Next() {
			if err != nil {
				return nil, err
			}
			all = append(all, e.Hash)
		}
	}
	slices.SortFunc(all, func(a, b plumbing.Hash) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(all), nil
}

func decode(name string, index *idxfile.MemoryIndex) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return idxfile.NewDecoder(f).Decode(index)
}

// indexOf is the index beside a pack.
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
