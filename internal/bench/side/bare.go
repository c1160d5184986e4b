package side

import (
	"os"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
)

// Clone clones a URL with go-git alone, for a floor.
func Clone(s *Stage, url string) (*gogit.Repository, error) {
	return gogit.PlainClone(s.TempDir(), true, &gogit.CloneOptions{
		URL: url, SingleBranch: true, ReferenceName: "refs/heads/main", Tags: gogit.NoTags,
	})
}

// Fetched fetches with go-git alone and reads one file.
func Fetched(clone *gogit.Repository, file string) (string, error) {
	err := clone.Fetch(&gogit.FetchOptions{Tags: gogit.NoTags, RefSpecs: []config.RefSpec{"+refs/heads/main:refs/heads/main"}})
	if err != nil {
		return "", err
	}
	ref, err := clone.Reference("refs/heads/main", true)
	if err != nil {
		return "", err
	}
	c, err := clone.CommitObject(ref.Hash())
	if err != nil {
		return "", err
	}
	f, err := c.File(file)
	if err != nil {
		return "", os.ErrNotExist
	}
	return f.Contents()
}
