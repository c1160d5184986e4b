package demo

import (
	"os"

	"github.com/go-git/go-billy/v5/osfs"
	gogit "github.com/go-git/go-git/v5"
)

// checkout gives a bare repository a work tree elsewhere, so that a commit
// there is a commit in the bare repository at once.
func checkout(bare *gogit.Repository, dir string) (*gogit.Worktree, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	repo, err := gogit.Open(bare.Storer, osfs.New(dir))
	if err != nil {
		return nil, err
	}
	return repo.Worktree()
}
