package git

import (
	"container/heap"
	"context"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// maxHaves is how many commits are offered to the server as already here. More
// than one, so that after a rewrite of the newest ones the rest is not sent again.
const maxHaves = 32

// byTime is a heap of commits, the youngest first.
type byTime []*object.Commit

func (b byTime) Len() int           { return len(b) }
func (b byTime) Less(i, k int) bool { return b[i].Committer.When.After(b[k].Committer.When) }
func (b byTime) Swap(i, k int)      { b[i], b[k] = b[k], b[i] }
func (b *byTime) Push(x any)        { *b = append(*b, x.(*object.Commit)) }
func (b *byTime) Pop() any {
	last := (*b)[len(*b)-1]
	*b = (*b)[:len(*b)-1]
	return last
}

// descends tells whether base is tip or one of its ancestors.
func (s *store) descends(ctx context.Context, tip, base plumbing.Hash) (bool, error) {
	if tip == base {
		return true, nil
	}
	if !s.has(base) {
		return false, nil
	}
	first, err := s.commit(tip)
	if err != nil {
		return false, err
	}
	todo, seen := byTime{first}, map[plumbing.Hash]bool{tip: true}
	for len(todo) > 0 {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		c := heap.Pop(&todo).(*object.Commit)
		for _, p := range c.ParentHashes {
			if p == base {
				return true, nil
			}
			if seen[p] {
				continue
			}
			seen[p] = true
			parent, err := s.commit(p)
			if err != nil {
				return false, err
			}
			heap.Push(&todo, parent)
		}
	}
	return false, nil
}

// haves lists commits that are here, from the given one back along the first
// parents. What cannot be read is not offered.
func (s *store) haves(from plumbing.Hash) []plumbing.Hash {
	var list []plumbing.Hash
	for len(list) < maxHaves && s.has(from) {
		c, err := s.commit(from)
		if err != nil {
			return list
		}
		list = append(list, from)
		if len(c.ParentHashes) == 0 {
			return list
		}
		from = c.ParentHashes[0]
	}
	return list
}
