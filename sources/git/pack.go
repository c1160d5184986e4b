package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/storer"
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
	return syncPath(packFolder(s.dir))
}

func syncPath(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// maxJoined is how many bytes packs may have together that become one.
const maxJoined = 512 << 20

// maxEncoded is how many objects are given to go-git's encoder at a time. It
// finds deltas among them, and holds them all in memory.
const maxEncoded = 2000

// repack writes small packs into one when there are more than limit of all. What
// came last is packed anew, with deltas; what has become large is joined as it
// is. Nothing is dropped: snapshots of branches since rewritten stay readable. It
// may be interrupted anywhere, because the old packs go only after the new one is
// safe.
func (s *store) repack(ctx context.Context, limit int) error {
	packs, err := s.packFiles()
	if err != nil || len(packs) <= limit {
		return err
	}
	old, err := small(packs, limit/2)
	if err != nil {
		return err
	}
	large, recent, err := s.recent(old)
	if err != nil {
		return err
	}
	recent, err = s.replace(ctx, recent, s.encode)
	if err == nil {
		_, err = s.replace(ctx, append(large, recent...), s.join)
	}
	if err = onDisk(s.dir, err); errors.Is(err, errDamaged) { // and would be met again each time
		s.mu.Lock()
		s.hurt = err
		s.mu.Unlock()
		s.suspect.Store(true)
	}
	return err
}

// recent takes the smallest packs that together have few enough objects away
// from the others. The largest pack comes first.
func (s *store) recent(old []string) (large, recent []string, err error) {
	from, err := openPacks(s.dir)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	n, objects := len(old), int64(0)
	for ; n > 0; n-- {
		for _, of := range from.of(old[n-1 : n]) {
			objects += of.index.count
		}
		if objects > s.atOnce {
			break
		}
	}
	return old[:n:n], old[n:], nil
}

// replace makes one pack of several, and removes these.
func (s *store) replace(ctx context.Context, old []string, by func(context.Context, []string) (string, error)) ([]string, error) {
	if len(old) < 2 {
		return old, nil
	}
	made, err := by(ctx, old)
	if err != nil {
		return nil, fmt.Errorf("writing one pack of %d: %w", len(old), err)
	}
	s.mu.Lock() // nobody is to look while they go
	defer s.mu.Unlock()
	s.closeLocked()
	for _, p := range old {
		if p == made {
			continue
		}
		// A pack without an index would be damage; an index alone is swept away.
		if err := errors.Join(os.Remove(p), os.Remove(indexOf(p))); err != nil {
			return nil, err
		}
	}
	return []string{made}, nil
}

// encode packs the objects of packs anew.
func (s *store) encode(ctx context.Context, old []string) (made string, err error) {
	from, err := openPacks(s.dir)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, from.close()) }()
	objects, err := from.within(old)
	if err != nil {
		return "", err
	}
	err = s.receive(func(w io.Writer) error {
		// Deltas name their bases: finding these by offset would take memory.
		sum, err := packfile.NewEncoder(w, guard(ctx, from), true).Encode(objects, deltaWindow)
		made = filepath.Join(packFolder(s.dir), "pack-"+sum.String()+".pack")
		return err
	})
	if err != nil {
		return "", err
	}
	return made, s.wantIn(made, objects)
}

// wantIn wants a pack to have all of the objects. What was packed anew has the
// name of its present content, which tells that it was not what it should be.
func (s *store) wantIn(made string, all []plumbing.Hash) (err error) {
	now, err := openPacks(s.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, now.close()) }()
	for _, of := range now.of([]string{made}) {
		for _, h := range all {
			if _, err := of.index.FindOffset(h); err != nil {
				return damaged("object %s was another: %w", h, err)
			}
		}
	}
	return nil
}

// small returns the packs that are to become one: all but those which are, each,
// at least as large as everything smaller, but no more than keep of these. So a
// large pack is written again only after as much has come in, and a very large
// one never.
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
	for ; len(packs) > 0 && (rest > maxJoined || keep > 0 && 2*sizes[packs[0]] >= rest); keep-- {
		rest -= sizes[packs[0]]
		packs = packs[1:]
	}
	return packs, nil
}

func indexOf(pack string) string { return strings.TrimSuffix(pack, ".pack") + ".idx" }
func packOf(index string) string { return strings.TrimSuffix(index, ".idx") + ".pack" }

// objects are where a pack's are read from.
type objects interface {
	EncodedObject(plumbing.ObjectType, plumbing.Hash) (plumbing.EncodedObject, error)
	DeltaObject(plumbing.ObjectType, plumbing.Hash) (plumbing.EncodedObject, error)
}

// guarded are objects that are read one at a time, since go-git's encoder reads
// in several goroutines what is not safe for that, and until the context ends.
// Of what go-git wants from a storage, reading is all that it uses.
type guarded struct {
	storer.EncodedObjectStorer
	mu    sync.Mutex
	from  objects
	ended func() error // the context's Err
}

func guard(ctx context.Context, from objects) *guarded { return &guarded{from: from, ended: ctx.Err} }

// EncodedObject implements storer.EncodedObjectStorer.
func (g *guarded) EncodedObject(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.ended(); err != nil {
		return nil, err
	}
	return g.from.EncodedObject(t, h)
}

// DeltaObject implements storer.DeltaObjectStorer.
func (g *guarded) DeltaObject(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.ended(); err != nil {
		return nil, err
	}
	o, err := g.from.DeltaObject(t, h)
	if errors.Is(err, plumbing.ErrObjectNotFound) { // it may be borrowed from another repository
		return g.from.EncodedObject(t, h)
	}
	return o, err
}
