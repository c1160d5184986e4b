// Package git is a source that follows a Git repository. It owns reaching the
// repository, the local clone, and what may be believed: no rewind, no missing
// object, no unpinned host. It must not know what is in the files. It is tested
// by the suite in sourcetest against real Git servers over every transport.
package git

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/sources"
	"github.com/vmsteward/vmsteward/sources/internal/filetree"
)

// Source follows one selection of one repository. It is safe for concurrent use;
// calls take turns.
type Source struct {
	cfg    Config
	addr   address
	remote remote
	log    *slog.Logger
	packs  int           // more of them are repacked
	turn   chan struct{} // holds one token while a call is under way

	// The rest is touched only by whoever holds the turn.
	store *store
	last  *revision

	closing sync.Once
}

// revision is a snapshot and what the next fetch needs to know of it.
type revision struct {
	accepted
	snap *sources.Snapshot
	root *filetree.Node
}

var (
	_ sources.Source = (*Source)(nil)
	_ sources.Cached = (*Source)(nil)
)

// New checks cfg and prepares the transport. It reaches out to nothing and
// writes nothing. Errors are of kind Invalid and name the key to change.
func New(cfg Config) (*Source, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	addr, err := parseAddress(cfg.URL)
	if err != nil {
		return nil, err
	}
	r, err := newRemote(addr, cfg.Ref, cfg.Auth)
	if err != nil {
		return nil, err
	}
	return &Source{
		cfg: cfg, addr: addr, remote: r,
		log:   cfg.Logger.With(slog.String(logkey.Component, "sources/git"), slog.String(logkey.Source, addr.String())),
		packs: maxPacks,
		turn:  make(chan struct{}, 1),
		store: newStore(cfg.Dir),
	}, nil
}

// Describe implements sources.Source.
func (s *Source) Describe() string {
	d := "git " + s.addr.String() + "#" + s.cfg.Ref.String()
	if s.cfg.Path != "" {
		d += " in " + s.cfg.Path
	}
	return d
}

// Close releases idle connections and open files. Snapshots stay readable.
func (s *Source) Close() error {
	s.closing.Do(func() {
		s.remote.close()
		s.store.reopen() // a snapshot that is read later opens what it needs again
	})
	return nil
}

// Fetch asks the remote what it has, and takes over a new revision after reading
// all of it that is below the path. A damaged clone is moved aside and made
// again. Kinds: Denied, Missing, Rewritten, Invalid, Unavailable.
func (s *Source) Fetch(ctx context.Context) (*sources.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, s.finish(ctx, err)
	}
	defer leave()
	snap, err := s.fetch(ctx)
	if err != nil {
		return nil, s.finish(ctx, err)
	}
	return snap, nil
}

func (s *Source) fetch(ctx context.Context) (*sources.Snapshot, error) {
	base, note, err := s.recorded()
	if err != nil {
		return nil, err
	}
	stale := base == nil // the record must be written, even if nothing is new
	if stale && s.last != nil {
		base = &s.last.accepted
	}
	if s.cfg.Ref.Commit != "" {
		if snap := s.pinnedAlready(ctx, base); snap != nil {
			return snap, nil
		}
	}
	talk, err := s.remote.open(ctx)
	if err != nil {
		return nil, err
	}
	defer talk.close()
	p, err := s.look(ctx, talk)
	if err != nil {
		return nil, err
	}
	if !stale && s.unchanged(p, base) {
		s.store.rest()
		return s.last.view(""), nil
	}
	rev, notes, err := s.bring(ctx, talk, p, base)
	if err != nil {
		return nil, err
	}
	if err := s.accept(ctx, rev); err != nil {
		return nil, err
	}
	return rev.view(append(notes, note)...), nil
}

// look learns what the remote has and chooses from it.
func (s *Source) look(ctx context.Context, talk conversation) (pick, error) {
	a, err := talk.advert(ctx)
	if err != nil {
		return pick{}, err
	}
	return choose(s.cfg.Ref, a)
}

// unchanged tells whether the last snapshot is still the newest, and the clone
// beneath it still there.
func (s *Source) unchanged(p pick, base *accepted) bool {
	return s.last != nil && base != nil &&
		s.last.Name == p.name && s.last.Target == p.target.String() && s.last.Commit == base.Commit &&
		s.store.exists() && !s.store.suspect.Load()
}

// pinnedAlready returns the snapshot of the configured commit if it was accepted
// before: it can never change, so there is nothing to ask the remote.
func (s *Source) pinnedAlready(ctx context.Context, base *accepted) *sources.Snapshot {
	if base == nil || base.Commit != s.cfg.Ref.Commit || !s.store.exists() || s.store.suspect.Load() {
		return nil
	}
	if s.last == nil {
		rev, err := s.read(ctx, s.store, *base)
		if err != nil {
			return nil // the remote will be asked, and tell more
		}
		s.last = rev
	}
	return s.last.view("")
}

// accept makes rev the last good revision, on disk first.
func (s *Source) accept(ctx context.Context, rev *revision) error {
	if err := s.record(&rev.accepted); err != nil {
		return err
	}
	s.store.suspect.Store(false)
	s.last = rev
	if err := s.store.repack(ctx, s.packs); err != nil {
		// The revision is good all the same; the next new one tries again.
		s.log.Warn("repacking the local clone", slog.Any(logkey.Err, err))
	}
	return nil
}

// Last implements sources.Cached. It reads the whole revision, so what it
// returns is not damaged.
func (s *Source) Last() (*sources.Snapshot, error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Timeout)
	defer cancel()
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, s.finish(ctx, err)
	}
	defer leave()
	base, _, err := s.recorded()
	if err != nil {
		return nil, s.finish(ctx, err)
	}
	if base == nil || !s.store.exists() {
		return nil, fail(sources.Missing, "fetch first", "no revision of %s was accepted yet", s.Describe())
	}
	if s.last == nil || s.last.Commit != base.Commit {
		rev, err := s.read(ctx, s.store, *base)
		if err != nil {
			return nil, s.finish(ctx, err)
		}
		s.last = rev
	}
	return s.last.view(""), nil
}

// read makes a revision of what is in a clone, reading every tree and blob that
// the last one did not have in the same place.
func (s *Source) read(ctx context.Context, st *store, a accepted) (*revision, error) {
	c, err := st.commit(plumbing.NewHash(a.Commit))
	if err != nil {
		return nil, err
	}
	var old *filetree.Node
	if s.last != nil && st == s.store && !st.suspect.Load() {
		old = s.last.root
	}
	root, err := st.index(ctx, c, s.cfg.Path, old)
	if err != nil {
		return nil, err
	}
	return &revision{accepted: a, root: root, snap: &sources.Snapshot{
		Revision: a.Commit,
		Title:    title(c.Message),
		Author:   printable(fmt.Sprintf("%s <%s>", c.Author.Name, c.Author.Email)),
		Time:     c.Committer.When,
		Files:    filetree.New(root, c.Committer.When, s.store.load), // a fresh clone takes that place
	}}, nil
}

// view is the snapshot with the notes of its revision and those of one fetch.
func (r *revision) view(notes ...string) *sources.Snapshot {
	snap := *r.snap
	snap.Notes = slices.DeleteFunc(slices.Concat(r.Notes, notes), func(n string) bool { return n == "" })
	return &snap
}
