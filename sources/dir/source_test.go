package dir

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

func put(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for p, c := range files {
		full := filepath.Join(dir, p)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(c), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestContract(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) *sourcetest.Fixture {
		dir := filepath.Join(t.TempDir(), "manifests")
		s, err := New(Config{Path: dir})
		if err != nil {
			t.Fatal(err)
		}
		rename := func(from, to string) {
			if err := os.Rename(from, to); err != nil {
				t.Error(err)
			}
		}
		return &sourcetest.Fixture{
			Source: s,
			Put:    func(files map[string]string) { put(t, dir, files) },
			Remove: func(paths ...string) {
				for _, p := range paths {
					if err := os.Remove(filepath.Join(dir, p)); err != nil {
						t.Error(err)
					}
				}
			},
			Break: func() { rename(dir, dir+".away") },
			Mend:  func() { rename(dir+".away", dir) },
		}
	})
}
