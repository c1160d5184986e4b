package git

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

// build makes a source of r with the configuration that edit completes.
func build(t testing.TB, r *sourcetest.Repo, edit func(*Config)) *Source {
	t.Helper()
	cfg := Config{URL: r.URL(), Ref: Ref{Branch: "main"}, Dir: filepath.Join(t.TempDir(), "clone")}
	if edit != nil {
		edit(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// fixture is for the contract suite; edit says how the source reaches r.
func fixture(t *testing.T, r *sourcetest.Repo, edit func(*Config)) *sourcetest.Fixture {
	rename := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			t.Error(err)
		}
	}
	return &sourcetest.Fixture{
		Source: build(t, r, edit),
		Put:    func(files map[string]string) { r.Commit(files) },
		Remove: func(paths ...string) { r.Commit(nil, paths...) },
		Break:  func() { rename(r.Dir, r.Dir+".away") },
		Mend:   func() { rename(r.Dir+".away", r.Dir) },
	}
}

func TestContractFile(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) *sourcetest.Fixture {
		return fixture(t, sourcetest.NewRepo(t), nil)
	})
}
