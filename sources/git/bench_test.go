package git

import (
	"fmt"
	"io/fs"
	"testing"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"

	"github.com/vmsteward/vmsteward/sources"
	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

// large is a repository of 10,000 files in 100 folders, packed and served over
// http.
func large(b *testing.B) (*sourcetest.Repo, string) {
	b.Helper()
	r := sourcetest.NewRepo(b)
	files := map[string]string{}
	for i := range 10_000 {
		files[fmt.Sprintf("ns%02d/vm%04d.yaml", i%100, i)] = fmt.Sprintf("kind: VirtualMachine\nmetadata:\n  name: vm%04d\nspec:\n  memory: %d\n", i, i)
	}
	r.Commit(files)
	r.Git("gc", "-q")
	return r, sourcetest.ServeHTTP(b, r, sourcetest.HTTPOptions{}).URL
}

func must[T any](b *testing.B) func(T, error) T {
	return func(v T, err error) T {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
		return v
	}
}

// BenchmarkSource and BenchmarkBare do the same work, the second with go-git
// alone and without any of the promises.
func BenchmarkSource(b *testing.B) {
	r, url := large(b)
	s := build(b, r, func(c *Config) { c.URL = url })
	must[*sources.Snapshot](b)(s.Fetch(b.Context()))
	b.Run("clone", func(b *testing.B) {
		for b.Loop() {
			must[*sources.Snapshot](b)(build(b, r, func(c *Config) { c.URL = url }).Fetch(b.Context()))
		}
	})
	b.Run("nothing new", func(b *testing.B) {
		for b.Loop() {
			must[*sources.Snapshot](b)(s.Fetch(b.Context()))
		}
	})
	b.Run("one commit and its blob", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			b.StopTimer()
			r.Commit(map[string]string{"ns07/vm0007.yaml": fmt.Sprint(b.N, i)})
			b.StartTimer()
			snap, err := s.Fetch(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			must[[]byte](b)(fs.ReadFile(snap.Files, "ns07/vm0007.yaml"))
		}
	})
	b.Run("read all", func(b *testing.B) {
		snap, err := s.Fetch(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if err := fs.WalkDir(snap.Files, ".", func(p string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					_, err = fs.ReadFile(snap.Files, p)
				}
				return err
			}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkBare(b *testing.B) {
	r, url := large(b)
	clone := func(b *testing.B) *gogit.Repository {
		return must[*gogit.Repository](b)(gogit.PlainClone(b.TempDir(), true, &gogit.CloneOptions{URL: url, SingleBranch: true,
			ReferenceName: "refs/heads/main", Tags: gogit.NoTags}))
	}
	repo := clone(b)
	remote := must[*gogit.Remote](b)(repo.Remote("origin"))
	list := func(b *testing.B) plumbing.Hash {
		for _, ref := range must[[]*plumbing.Reference](b)(remote.ListContext(b.Context(), &gogit.ListOptions{})) {
			if ref.Name() == "refs/heads/main" {
				return ref.Hash()
			}
		}
		b.Fatal("no branch")
		return plumbing.ZeroHash
	}
	b.Run("clone", func(b *testing.B) {
		for b.Loop() {
			clone(b)
		}
	})
	b.Run("nothing new", func(b *testing.B) {
		for b.Loop() {
			list(b)
		}
	})
	b.Run("one commit and its blob", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			b.StopTimer()
			r.Commit(map[string]string{"ns07/vm0007.yaml": fmt.Sprint(b.N, i)})
			b.StartTimer()
			tip := list(b)
			if err := remote.FetchContext(b.Context(), &gogit.FetchOptions{Tags: gogit.NoTags,
				RefSpecs: []config.RefSpec{"+refs/heads/main:refs/heads/main"}}); err != nil {
				b.Fatal(err)
			}
			c, err := repo.CommitObject(tip)
			if err != nil {
				b.Fatal(err)
			}
			f, err := c.File("ns07/vm0007.yaml")
			if err != nil {
				b.Fatal(err)
			}
			must[string](b)(f.Contents())
		}
	})
}
