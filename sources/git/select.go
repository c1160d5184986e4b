package git

import (
	"sort"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/go-git/go-git/v5/plumbing"

	"github.com/vmsteward/vmsteward/sources"
)

const (
	heads = "refs/heads/"
	tags  = "refs/tags/"
)

// advert is what a remote says it has.
type advert struct {
	refs map[string]plumbing.Hash // by full name
	head string                   // the full name that HEAD stands for; empty when not told
	any  bool                     // commits may be asked for by hash alone
}

// pick is what to fetch.
type pick struct {
	name   string          // the reference chosen; empty for a bare commit
	target plumbing.Hash   // what it points to; the pinned commit itself, when there is no reference
	wants  []plumbing.Hash // to be asked of the server
	pinned plumbing.Hash   // the commit that was configured, or zero
}

// choose applies the configured selection to what the remote has.
func choose(r Ref, a *advert) (pick, error) {
	for n, h := range a.refs {
		if h.IsZero() { // a server that reads a reference just being written
			return pick{}, fail(sources.Unavailable, "the next fetch will see the new state", "the remote says that %s points nowhere", short(n))
		}
	}
	if len(a.refs) == 0 {
		return pick{}, fail(sources.Missing, "push a first commit", "the repository is empty")
	}
	switch {
	case r.Commit != "":
		return chooseCommit(r, a)
	case r.Tag != "":
		return chooseRef(a, tags, r.Tag, "tag")
	case r.SemVer != "":
		return chooseSemVer(r.SemVer, a)
	case r.Branch != "":
		return chooseRef(a, heads, r.Branch, "branch")
	}
	if h, ok := a.refs[a.head]; ok && a.head != "" {
		return one(a.head, h), nil
	}
	return pick{}, fail(sources.Missing, "set ref.branch"+among(a, heads), "the remote does not say which branch is its default")
}

func one(name string, h plumbing.Hash) pick {
	return pick{name: name, target: h, wants: []plumbing.Hash{h}}
}

func chooseRef(a *advert, prefix, name, what string) (pick, error) {
	if h, ok := a.refs[prefix+name]; ok {
		return one(prefix+name, h), nil
	}
	return pick{}, fail(sources.Missing, "push it or correct ref."+what+among(a, prefix), "%s %s does not exist", what, name)
}

// among lists a few of the names there are.
func among(a *advert, prefix string) string {
	var names []string
	for n := range a.refs {
		if rest, ok := strings.CutPrefix(n, prefix); ok {
			names = append(names, rest)
		}
	}
	if len(names) == 0 {
		return ""
	}
	sort.Strings(names)
	more := ""
	if len(names) > 5 {
		names, more = names[:5], ", …"
	}
	return "; there are: " + strings.Join(names, ", ") + more
}

// chooseSemVer takes the highest version within the constraint. Between names of
// equal rank (v1.0.0 and 1.0.0) the choice is arbitrary but always the same.
func chooseSemVer(constraint string, a *advert) (pick, error) {
	c, err := semver.NewConstraint(constraint)
	if err != nil {
		return pick{}, fail(sources.Invalid, "", "ref.semver: %w", err)
	}
	var best *semver.Version
	var name string
	for n := range a.refs {
		rest, ok := strings.CutPrefix(n, tags)
		if !ok {
			continue
		}
		v, err := semver.NewVersion(rest)
		if err != nil || !c.Check(v) {
			continue
		}
		if best == nil || v.GreaterThan(best) || (v.Equal(best) && n > name) {
			best, name = v, n
		}
	}
	if best == nil {
		return pick{}, fail(sources.Missing, "push a tag or widen ref.semver"+among(a, tags), "no tag is within %s", constraint)
	}
	return one(name, a.refs[name]), nil
}

// chooseCommit asks for the commit itself where the server allows it, and else
// for the branches and tags that may hold it.
func chooseCommit(r Ref, a *advert) (pick, error) {
	want := plumbing.NewHash(r.Commit)
	if r.Branch != "" {
		p, err := chooseRef(a, heads, r.Branch, "branch")
		p.pinned = want
		return p, err
	}
	p := pick{target: want, pinned: want, wants: []plumbing.Hash{want}}
	if a.any {
		return p, nil
	}
	var all []plumbing.Hash
	seen := map[plumbing.Hash]bool{}
	for n, h := range a.refs {
		if h == want {
			return p, nil
		}
		if (strings.HasPrefix(n, heads) || strings.HasPrefix(n, tags)) && !seen[h] {
			seen[h] = true
			all = append(all, h)
		}
	}
	p.wants = all
	return p, nil
}
