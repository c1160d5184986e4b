package git

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

func TestSmallPacks(t *testing.T) {
	for _, tc := range []struct {
		reason      string
		sizes, want []int64
		keep        int
	}{
		{"many fetches after a clone", []int64{3, 900, 1, 2, 3}, []int64{3, 3, 2, 1}, 25},
		{"as much has come in as was there", []int64{10, 6, 6}, []int64{10, 6, 6}, 25},
		{"each as large as all that is smaller", []int64{1, 2, 4, 8, 16}, []int64{}, 25},
		{"only so many are kept", []int64{1, 2, 4, 8, 16}, []int64{4, 2, 1}, 2},
		{"none is kept", []int64{1, 900}, []int64{900, 1}, 0},
		{"together not more than half a gibibyte", []int64{1, 400 << 20, 300 << 20}, []int64{300 << 20, 1}, 0},
		{"nothing but very large ones", []int64{600 << 20, 700 << 20}, []int64{}, 0},
	} {
		dir, packs := t.TempDir(), []string{}
		for i, n := range tc.sizes {
			packs = append(packs, filepath.Join(dir, fmt.Sprint(i)))
			write(t, packs[i], "")
			if err := os.Truncate(packs[i], n); err != nil {
				t.Fatal(err)
			}
		}
		chosen, err := small(packs, tc.keep)
		if err != nil {
			t.Fatal(err)
		}
		got := []int64{}
		for _, p := range chosen {
			got = append(got, size(t, p))
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", tc.reason, diff)
		}
	}
}

// What the clone began with is not written again and again.
func TestRepackLeavesTheLargePack(t *testing.T) {
	r := sourcetest.NewRepo(t)
	s := build(t, r, nil)
	s.packs = 4
	noise := make([]byte, 50_000) // which no packing makes smaller
	for i, dice := 0, rand.New(rand.NewPCG(1, 2)); i < len(noise); i++ {
		noise[i] = byte(dice.Uint32())
	}
	want(t, s, r.Commit(map[string]string{"noise": string(noise), "a.yaml": "first"}))
	large := packFiles(t, s, "pack")
	for i := range 12 {
		want(t, s, r.Commit(map[string]string{"a.yaml": fmt.Sprint(i)}))
	}
	if _, err := os.Stat(large[0]); len(large) != 1 || err != nil {
		t.Errorf("want the first pack of %d left alone: %v", len(large), err)
	}
	if n := len(packFiles(t, s, "pack")); n > s.packs {
		t.Errorf("want at most %d packs, got %d", s.packs, n)
	}
}
