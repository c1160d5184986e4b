package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/vmsteward/vmsteward/sources"
)

// keepDamaged is how many damaged clones are kept for a look.
const keepDamaged = 2

// bring makes p's revision readable in the local clone, through a fresh clone if
// there is none or it is damaged. The notes belong to this fetch alone.
func (s *Source) bring(ctx context.Context, talk conversation, p pick, base *accepted) (*revision, []string, error) {
	if err := s.mayUse(); err != nil {
		return nil, nil, err
	}
	if !s.store.exists() {
		rev, err := s.clone(ctx, talk, p, base)
		return rev, nil, err
	}
	rev, err := s.update(ctx, talk, s.store, p, base)
	if !errors.Is(err, errDamaged) {
		return rev, nil, err
	}
	again, openErr := s.remote.open(ctx)
	if openErr != nil {
		return nil, nil, openErr
	}
	defer again.close()
	if p, openErr = s.look(ctx, again); openErr != nil {
		return nil, nil, openErr
	}
	note := fmt.Sprintf("the local clone was damaged, moved aside and made again (%v)", err)
	if rev, err = s.clone(ctx, again, p, base); err != nil {
		return nil, nil, fmt.Errorf("cloning again, because the old clone is damaged: %w", err)
	}
	return rev, []string{note}, nil
}

// mayUse refuses a folder with something in it that is not ours.
func (s *Source) mayUse() error {
	if s.store.exists() {
		return nil
	}
	list, err := os.ReadDir(s.cfg.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fail(sources.Unavailable, "make it a folder that can be written", "local clone: %w", err)
	}
	if len(list) == 0 {
		return nil
	}
	if _, err := os.Stat(s.recordPath()); err == nil {
		return nil // it was ours, and lost its marker
	}
	return fail(sources.Invalid, "choose another dir, or empty it", "dir %s holds something that is not a clone made by vmsteward", s.cfg.Dir)
}

// clone fetches into a fresh folder and swaps it in when it is known to be good.
func (s *Source) clone(ctx context.Context, talk conversation, p pick, base *accepted) (*revision, error) {
	fresh := newStore(s.cfg.Dir + ".fresh")
	defer fresh.reopen()
	if err := os.RemoveAll(fresh.dir); err != nil {
		return nil, noClone(err)
	}
	if err := fresh.create(); err != nil {
		return nil, noClone(err)
	}
	rev, err := s.update(ctx, talk, fresh, p, base)
	if errors.Is(err, errDamaged) {
		err = fail(sources.Unavailable, "run git fsck in the remote repository", "what the remote sent is not complete: %v", err)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(fresh.dir))
	}
	fresh.reopen()
	if err := s.swap(fresh.dir); err != nil {
		return nil, noClone(err)
	}
	return rev, nil
}

func noClone(err error) error {
	return fail(sources.Unavailable, "make room, and let the daemon's user write there", "making the local clone: %w", err)
}

// swap puts the fresh clone in place. What was there is moved aside, the oldest
// of such folders are deleted.
func (s *Source) swap(fresh string) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.closeLocked()
	s.store.hurt = nil
	if err := syscall.Rmdir(s.cfg.Dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // works only if it is empty
		if err := s.moveAside(); err != nil {
			return err
		}
	}
	if err := os.Rename(fresh, s.cfg.Dir); err != nil {
		return err
	}
	return syncPath(filepath.Dir(s.cfg.Dir))
}

func (s *Source) moveAside() error {
	old, err := filepath.Glob(globQuote(s.cfg.Dir) + ".damaged-*")
	if err != nil {
		return err
	}
	next := 1
	numbers := map[int]string{}
	var order []int
	for _, name := range old {
		var n int
		if _, err := fmt.Sscanf(strings.TrimPrefix(name, s.cfg.Dir), ".damaged-%d", &n); err != nil {
			continue
		}
		numbers[n], next = name, max(next, n+1)
		order = append(order, n)
	}
	slices.Sort(order)
	for len(order) >= keepDamaged {
		if err := os.RemoveAll(numbers[order[0]]); err != nil {
			return err
		}
		order = order[1:]
	}
	return os.Rename(s.cfg.Dir, fmt.Sprintf("%s.damaged-%d", s.cfg.Dir, next))
}

func globQuote(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(s)
}

// update fetches what st lacks, decides whether the step from base is allowed,
// and reads the new revision.
func (s *Source) update(ctx context.Context, talk conversation, st *store, p pick, base *accepted) (*revision, error) {
	if err := st.check(); err != nil {
		return nil, err
	}
	if !st.has(p.target) || (!p.pinned.IsZero() && !st.has(p.pinned)) {
		err := talk.fetch(ctx, st, p.wants, func() []plumbing.Hash {
			if base == nil {
				return nil
			}
			return st.haves(plumbing.NewHash(base.Commit))
		})
		if errors.Is(err, errNotThere) && p.name == "" {
			return nil, fail(sources.Missing, "push it or correct ref.commit; a branch must lead to it", "%w", err)
		}
		if err != nil {
			return nil, err
		}
	}
	tip, err := s.resolve(ctx, st, p)
	if err != nil {
		return nil, err
	}
	a := accepted{URL: s.addr.String(), Select: s.cfg.Ref.String(), Name: p.name, Target: p.target.String(), Commit: tip.String()}
	if a.Notes, err = s.allowed(ctx, st, a, base); err != nil {
		return nil, err
	}
	return s.read(ctx, st, a)
}

// resolve finds the commit that p stands for.
func (s *Source) resolve(ctx context.Context, st *store, p pick) (plumbing.Hash, error) {
	if p.pinned.IsZero() {
		return st.peel(p.target)
	}
	if !st.has(p.pinned) {
		return plumbing.ZeroHash, fail(sources.Missing, "push it or correct ref.commit", "commit %s does not exist there", p.pinned)
	}
	if p.name == "" {
		return st.peel(p.pinned)
	}
	in, err := st.descends(ctx, p.target, p.pinned)
	if err == nil && !in {
		err = fail(sources.Missing, "correct ref.commit or ref.branch", "commit %s is not part of %s", p.pinned, short(p.name))
	}
	return p.pinned, err
}

// peel follows annotated tags to the commit.
func (st *store) peel(h plumbing.Hash) (plumbing.Hash, error) {
	for range 8 {
		o, err := st.memory(plumbing.AnyObject, h)
		if err != nil {
			return h, err
		}
		switch o.Type() {
		case plumbing.CommitObject:
			return h, nil
		case plumbing.TagObject:
			t := &object.Tag{}
			if err := t.Decode(o); err != nil {
				return h, onDisk(st.dir, err)
			}
			h = t.Target
		default:
			return h, fail(sources.Invalid, "tag a commit", "%s is a %s and not a commit", h, o.Type())
		}
	}
	return h, fail(sources.Invalid, "tag a commit", "%s is a tag of a tag of a tag", h)
}

// allowed decides whether the selection may go from base to a, and returns what
// is to be noted of the step.
//
//	base ── · ── a            a branch moved on: allowed
//	base ── b, · ── a         base was left behind: rewritten
//	tag v1: base, then a      a tag moved: rewritten
//	semver: v1.2, then v1.1   the higher tag is gone: rewritten
func (s *Source) allowed(ctx context.Context, st *store, a accepted, base *accepted) ([]string, error) {
	if base == nil {
		return nil, nil
	}
	if a.Commit == base.Commit {
		return base.Notes, nil
	}
	var what string
	switch {
	case strings.HasPrefix(a.Name, tags) && a.Name == base.Name:
		what = short(a.Name) + " was moved"
	case strings.HasPrefix(a.Name, tags) && strings.HasPrefix(base.Name, tags):
		if !lower(a.Name, base.Name) {
			return nil, nil
		}
		what = fmt.Sprintf("%s is gone, the highest is %s", short(base.Name), short(a.Name))
	default:
		ok, err := st.descends(ctx, plumbing.NewHash(a.Commit), plumbing.NewHash(base.Commit))
		if err != nil || ok {
			return nil, err
		}
		what = "history of " + short(a.Name) + " was rewritten"
	}
	what = fmt.Sprintf("%s: accepted was %s, offered is %s", what, base.Commit, a.Commit)
	if s.cfg.FollowRewrites {
		return []string{what}, nil
	}
	return nil, fail(sources.Rewritten, "if this is intended, set followRewrites, or delete "+s.recordPath()+" once", "%s", what)
}
