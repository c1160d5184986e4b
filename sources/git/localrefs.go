package git

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// advert reads the references itself: go-git's listing takes a lock file, which
// lies there during every push, for a branch.
func (t *localTalk) advert(context.Context) (*advert, error) {
	if shallow, err := t.st.Shallow(); err == nil && len(shallow) > 0 {
		return nil, errShallow()
	}
	a := &advert{refs: map[string]plumbing.Hash{}, any: true}
	head, err := t.st.Reference(plumbing.HEAD)
	if err != nil {
		return nil, t.explain(err)
	}
	if head.Type() == plumbing.SymbolicReference {
		a.head = head.Target().String()
	}
	// What is found as a file counts more than what is packed. The names that
	// matter are looked up besides, because a listing may miss a file that is
	// replaced meanwhile.
	names := append([]string{a.head}, t.names...)
	for _, folder := range []string{"refs/heads", "refs/tags"} {
		if names, err = t.loose(folder, names); err != nil {
			return nil, t.explain(err)
		}
	}
	if err := t.packed(a); err != nil {
		return nil, t.explain(err)
	}
	for _, n := range names {
		if n == "" {
			continue
		}
		r, err := t.st.Reference(plumbing.ReferenceName(n))
		if errors.Is(err, plumbing.ErrReferenceNotFound) {
			continue
		}
		if err != nil {
			return nil, t.explain(err)
		}
		if r.Type() == plumbing.HashReference {
			a.refs[n] = r.Hash()
		}
	}
	return a, nil
}

// loose adds the names of the references that are files below folder.
func (t *localTalk) loose(folder string, names []string) ([]string, error) {
	list, err := t.st.Filesystem().ReadDir(folder)
	if errors.Is(err, os.ErrNotExist) {
		return names, nil
	}
	if err != nil {
		return nil, err
	}
	for _, i := range list {
		name := folder + "/" + i.Name()
		switch {
		case i.IsDir():
			if names, err = t.loose(name, names); err != nil {
				return nil, err
			}
		case !strings.HasSuffix(name, ".lock"):
			names = append(names, name)
		}
	}
	return names, nil
}

// packed reads the file in which references rest that have not moved for long.
func (t *localTalk) packed(a *advert) error {
	f, err := t.st.Filesystem().Open("packed-refs")
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReader(f)
	for {
		line, err := r.ReadString('\n')
		hash, name, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && plumbing.IsHash(hash) && (strings.HasPrefix(name, heads) || strings.HasPrefix(name, tags)) {
			a.refs[name] = plumbing.NewHash(hash)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
