package git

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
)

// indexOfObjects is an index of a pack that exists nowhere. Every third object
// lies beyond 2 GiB, if wide.
func indexOfObjects(t testing.TB, n int, wide bool) []byte {
	t.Helper()
	w, dice := &idxfile.Writer{}, rand.New(rand.NewPCG(1, uint64(n)))
	var h plumbing.Hash
	for i := range n {
		for k := range h {
			h[k] = byte(dice.Uint32())
		}
		offset := int64(12 + 100*i)
		if wide && i%3 == 0 {
			offset += 3 << 30
		}
		if err := w.OnInflatedObjectContent(h, offset, dice.Uint32(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.OnFooter(plumbing.NewHash("00112233445566778899aabbccddeeff00112233")); err != nil {
		t.Fatal(err)
	}
	x, err := w.Index()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := idxfile.NewEncoder(&b).Encode(x); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func opened(t testing.TB, b []byte) *packIndex {
	t.Helper()
	x, err := verified(b)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func verified(b []byte) (*packIndex, error) {
	x, err := openIndex(bytes.NewReader(b), int64(len(b)))
	if err == nil {
		err = x.verify()
	}
	return x, err
}

// agree wants both to know the same of every object, and x not to know others.
func agree(t *testing.T, x *packIndex, library *idxfile.MemoryIndex) {
	t.Helper()
	entries, err := library.Entries()
	if err != nil {
		t.Fatal(err)
	}
	var all []plumbing.Hash
	for e, err := entries.Next(); !errors.Is(err, io.EOF); e, err = entries.Next() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Hash)
		if at, err := x.FindOffset(e.Hash); at != int64(e.Offset) || err != nil {
			t.Fatalf("%s: want offset %d, got %d, %v", e.Hash, e.Offset, at, err)
		}
		if h, err := x.FindHash(int64(e.Offset)); h != e.Hash || err != nil {
			t.Fatalf("offset %d: want %s, got %s, %v", e.Offset, e.Hash, h, err)
		}
		e.Hash[19] ^= 1
		if known, _ := library.Contains(e.Hash); !known {
			if known, err := x.Contains(e.Hash); known || err != nil {
				t.Fatalf("%s: want it not known, got %v, %v", e.Hash, known, err)
			}
		}
	}
	if list, err := x.hashes(); !slices.Equal(list, all) || err != nil {
		t.Fatalf("want the list of all %d objects, got %d, %v", len(all), len(list), err)
	}
}

func TestPackIndex(t *testing.T) {
	for _, tc := range []struct {
		reason string
		n      int
		wide   bool
	}{
		{"a pack of one object", 1, false},
		{"most first bytes begin no name", 40, false},
		{"names of one first byte fill a window", 256 * indexWindow, false},
		{"they fill several windows", 256 * indexWindow * 3, false},
		{"offsets of 64 bits among those of 31", 1000, true},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			b := indexOfObjects(t, tc.n, tc.wide)
			library := idxfile.NewMemoryIndex()
			if err := idxfile.NewDecoder(bytes.NewReader(b)).Decode(library); err != nil {
				t.Fatal(err)
			}
			x := opened(t, b)
			if n, err := x.Count(); n != int64(tc.n) || err != nil {
				t.Errorf("want %d objects, got %d, %v", tc.n, n, err)
			}
			if x.pack != library.PackfileChecksum {
				t.Errorf("want the pack %x, got %s", library.PackfileChecksum, x.pack)
			}
			agree(t, x, library)
			if h, err := x.FindHash(5); !errors.Is(err, plumbing.ErrObjectNotFound) {
				t.Errorf("no object begins there, got %s, %v", h, err)
			}
		})
	}
}

// An index that was cut, or in which a bit fell over, is refused when opened.
func TestPackIndexDamaged(t *testing.T) {
	whole := indexOfObjects(t, 50, true)
	opened(t, whole)
	for at := range whole {
		hurt := bytes.Clone(whole)
		hurt[at] ^= 0x10
		if _, err := verified(hurt); err == nil {
			t.Errorf("byte %d of %d: a flipped bit was not seen", at, len(whole))
		}
		if _, err := verified(whole[:at]); err == nil {
			t.Errorf("cut to %d of %d bytes: not seen", at, len(whole))
		}
	}
}

// What an index of many objects takes is what one of few takes.
func TestPackIndexTakesNoMemory(t *testing.T) {
	const n, limit = 100_000, 64 << 10 // bytes
	b := indexOfObjects(t, n, false)
	before := alive()
	x := opened(t, b)
	for h := range 256 {
		if _, err := x.Contains(plumbing.Hash{byte(h)}); err != nil {
			t.Fatal(err)
		}
	}
	if took := alive() - before; took > limit {
		t.Errorf("an index of %d objects takes %d bytes, more than %d", n, took, limit)
	}
	runtime.KeepAlive(x)
	runtime.KeepAlive(b)
}

// alive is how many bytes of memory are in use, garbage not counted.
func alive() int64 {
	runtime.GC()
	runtime.GC() // what has a finalizer, or lies in a pool, goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// FuzzPackIndex gives bytes with a right checksum, since all others are refused
// at once. What the library takes is taken and read alike.
func FuzzPackIndex(f *testing.F) {
	for _, n := range []int{0, 1, 3, 30} {
		b := indexOfObjects(f, n, n == 3)
		f.Add(b[:len(b)-hashSize])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		sum := sha1.Sum(b)
		b = append(bytes.Clone(b), sum[:]...)
		library := idxfile.NewMemoryIndex()
		file, err := fstest.MapFS{"idx": {Data: b}}.Open("idx") // the library wants to know the size
		if err != nil {
			t.Fatal(err)
		}
		refused := idxfile.NewDecoder(file).Decode(library)
		x, err := verified(b)
		if err != nil {
			if refused == nil {
				t.Fatalf("the library takes it: %v", err)
			}
			return
		}
		list, err := x.hashes()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = x.FindHash(12) // must not panic, whatever the offsets are
		for _, h := range list {
			_, _ = x.FindOffset(h)
		}
		if refused == nil && plain(x, list) {
			agree(t, x, library)
		}
	})
}

// plain tells whether the names rise and no two objects lie in one place, as in
// every index that a pack has.
func plain(x *packIndex, list []plumbing.Hash) bool {
	for i := 1; i < len(list); i++ {
		if bytes.Compare(list[i-1][:], list[i][:]) >= 0 {
			return false
		}
	}
	for i := range list {
		if low, high, err := x.between(list[i][0]); err != nil || int64(i) < low || int64(i) >= high {
			return false
		}
	}
	if x.sortLocked() != nil {
		return false
	}
	before := int64(-1)
	for i := range x.byOffset {
		at, _ := x.located(i)
		if at == before {
			return false
		}
		before = at
	}
	return true
}
