package journal

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/manifest"
)

func vm(i int) manifest.Key {
	return manifest.Key{Namespace: "default", Name: fmt.Sprintf("vm-%03d", i)}
}

func openAt(t testing.TB, dir string) Store {
	t.Helper()
	s, aside, err := Open(dir)
	if err != nil || aside != "" {
		t.Fatalf("open: %v, set aside %q", err, aside)
	}
	return s
}

// must fails the test for an error of a step.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put writes one record.
func put(s Store, vm manifest.Key, r Record) error {
	return s.Put(map[manifest.Key]Record{vm: r})
}

// stores are both kinds, as they are after being closed and opened again.
func stores(t *testing.T, test func(t *testing.T, s Store, again func(Store) Store)) {
	t.Helper()
	t.Run("bolt", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "state")
		test(t, openAt(t, dir), func(s Store) Store { must(t, s.Close()); return openAt(t, dir) })
	})
	t.Run("memory", func(t *testing.T) { test(t, NewMemory(), func(s Store) Store { return s }) })
}

func TestEveryStepIsThereAfterReopening(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)
	whole := Record{
		Provider: manifest.Key{Name: "lab"}, ID: "id", Digest: "d", Applied: map[string]string{"cpu": "2"}, InSync: at,
		Intent:    &Intent{Op: "shutdown", Pass: "p", Begun: at, Digest: "d", Task: "t", Deadline: at},
		Signature: "s", Strikes: 2, Stubborn: true,
		Failure: &Failure{Text: "x", Kind: "k", Digest: "d", Attempts: 3, At: at, ForDigest: true, NotBefore: at},
	}
	stores(t, func(t *testing.T, s Store, again func(Store) Store) {
		want := map[manifest.Key]Record{}
		check := func(step string) {
			t.Helper()
			s = again(s)
			got, err := s.Records()
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Fatalf("%s: %v (-want +got):\n%s", step, err, diff)
			}
		}
		check("empty")
		must(t, put(s, vm(1), whole))
		want[vm(1)] = whole
		check("a whole record")
		changed := whole
		changed.Intent = whole.Intent.WithTask("u")
		must(t, put(s, vm(1), changed))
		want[vm(1)] = changed
		check("a change of it")
		must(t, put(s, vm(2), Record{ID: "two"}))
		want[vm(2)] = Record{ID: "two"}
		check("another")
		must(t, s.Forget(vm(1)))
		must(t, s.Forget(vm(9)))
		delete(want, vm(1))
		check("forgotten")
		must(t, s.SetState("last", map[string]int{"n": 1}))
		check("state")
		var v map[string]int
		must(t, s.State("last", &v))
		absent := "as before"
		must(t, s.State("nothing", &absent))
		if v["n"] != 1 || absent != "as before" {
			t.Errorf("%v, %q", v, absent)
		}
		must(t, s.Close())
	})
}

// TestStatesBeginAlike reads and forgets named values by how they begin.
func TestStatesBeginAlike(t *testing.T) {
	stores(t, func(t *testing.T, s Store, again func(Store) Store) {
		for _, name := range []string{"a\x00two", "a\x00one", "b\x00one", "a", "after"} {
			must(t, s.SetState(name, name))
		}
		must(t, s.DropState("a\x00two"))
		must(t, s.DropState("never"))
		must(t, s.SetState("a\x00three", 3))
		s = again(s)
		for prefix, want := range map[string][]string{
			"a\x00": {"a\x00one=\"a\\u0000one\"", "a\x00three=3"}, "b\x00": {"b\x00one=\"b\\u0000one\""}, "c": nil,
		} {
			var got []string
			must(t, s.States(prefix, func(name string, value []byte) error {
				got = append(got, name+"="+string(value))
				return nil
			}))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%q (-want +got):\n%s", prefix, diff)
			}
		}
		stop := errors.New("stop")
		if err := s.States("", func(string, []byte) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("a reader that stops: %v", err)
		}
		must(t, s.Close())
	})
}

func TestHistoryKeepsTheNewest(t *testing.T) {
	stores(t, func(t *testing.T, s Store, again func(Store) Store) {
		eachAtOnce(t, historySize+400, func(i int) error { return s.Append(Event{What: fmt.Sprint(i)}) })
		for i := range 3 {
			must(t, s.Append(Event{What: fmt.Sprint("last ", i)}))
		}
		s = again(s)
		all, err := s.History(2 * historySize)
		if err != nil || len(all) != historySize {
			t.Fatalf("%d events, %v", len(all), err)
		}
		few, err := s.History(2)
		if err != nil || len(few) != 2 || few[0].What != "last 2" || few[1].What != "last 1" {
			t.Errorf("%v, %v", few, err)
		}
		must(t, s.Close())
	})
}

func TestSecondOpenerIsTurnedAway(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	if _, aside, err := Open(dir); !errors.Is(err, ErrLocked) || aside != "" {
		t.Errorf("%v, set aside %q", err, aside)
	}
	must(t, put(s, vm(1), Record{}))
	must(t, s.Close())
	must(t, openAt(t, dir).Close())
}

func TestManyAtOnce(t *testing.T) {
	stores(t, func(t *testing.T, s Store, again func(Store) Store) {
		var wg sync.WaitGroup
		for g := range 16 {
			wg.Go(func() {
				for i := range 20 {
					err := errors.Join(
						put(s, vm(g), Record{Strikes: i + 1}),
						s.Append(Event{VM: vm(g)}), s.SetState(fmt.Sprint(g), i))
					if _, rerr := s.Records(); err != nil || rerr != nil {
						t.Error(err, rerr)
					}
				}
			})
		}
		wg.Wait()
		s = again(s)
		recs, err := s.Records()
		must(t, err)
		for g := range 16 {
			if recs[vm(g)].Strikes != 20 {
				t.Errorf("%s: %d", vm(g), recs[vm(g)].Strikes)
			}
		}
		must(t, s.Close())
	})
}

// soundFile returns the bytes of a store of some size, with pages of every
// kind: branches, leaves, long values, free ones.
func soundFile(t testing.TB) []byte {
	t.Helper()
	dir := t.TempDir()
	s := openAt(t, dir)
	eachAtOnce(t, 120, func(i int) error {
		return put(s, vm(i), Record{Digest: strings.Repeat("d", 200+40*(i%7))})
	})
	must(t, put(s, vm(7), Record{Digest: strings.Repeat("long", 5000)}))
	eachAtOnce(t, 40, func(i int) error { return errors.Join(s.Forget(vm(i)), s.Append(Event{What: "x"})) })
	must(t, s.Close())
	b, err := os.ReadFile(filepath.Join(dir, "journal.db"))
	must(t, err)
	return b
}

// eachAtOnce runs a step n times at once, which shares writes to the disk.
func eachAtOnce(t testing.TB, n int, step func(i int) error) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if err := step(i); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// survive opens a store with that content, uses it, and tells whether the file
// was set aside.
func survive(t *testing.T, content []byte) bool {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "journal.db"), content, 0o600))
	s, aside, err := Open(dir)
	if err != nil {
		t.Fatalf("neither used nor set aside: %v", err)
	}
	for range 2 {
		eachAtOnce(t, 30, func(i int) error {
			return errors.Join(put(s, vm(i), Record{Digest: strings.Repeat("n", 300)}), s.Append(Event{What: "after"}))
		})
	}
	if _, err := s.Records(); err != nil {
		t.Fatal(err)
	}
	must(t, s.Close())
	if s, again, err := Open(dir); err != nil || again != "" {
		t.Errorf("after its use: %v, set aside %q", err, again)
	} else {
		must(t, s.Close())
	}
	if aside != "" {
		kept, err := os.ReadFile(aside)
		if err != nil || string(kept) != string(content) {
			t.Errorf("what was set aside is not what was there: %v", err)
		}
	}
	return aside != ""
}

func TestDamagedFiles(t *testing.T) {
	sound := soundFile(t)
	if survive(t, sound) {
		t.Error("a sound file was set aside")
	}
	if survive(t, nil) {
		t.Error("an empty file was set aside")
	}
	garbage := make([]byte, 70000)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range garbage {
		garbage[i] = byte(r.Uint32())
	}
	for _, size := range []int{1, 100, 5000, len(garbage)} {
		if !survive(t, garbage[:size]) {
			t.Errorf("%d bytes of garbage were taken for a journal", size)
		}
	}
	if !survive(t, make([]byte, 16384)) {
		t.Error("zeros were taken for a journal")
	}
	n := 0
	for size := len(sound) - 1; size > 0; size -= 1 + len(sound)/60 {
		if survive(t, sound[:size]) {
			n++
		}
	}
	t.Logf("cut at 60 places: %d set aside", n)
}

// TestSoundFilesAreSound grows, shrinks and reopens a store at random.
func TestSoundFilesAreSound(t *testing.T) {
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(4, 4))
	for round := range 60 {
		s := openAt(t, dir)
		least, most := r.IntN(900), r.IntN(400)
		forget := r.IntN(2) == 0
		size := r.IntN(900)
		eachAtOnce(t, most, func(i int) error {
			if forget {
				return s.Forget(vm(least + i))
			}
			return errors.Join(put(s, vm(least+i), Record{Digest: strings.Repeat("d", size+i%9)}), s.Append(Event{}))
		})
		must(t, s.Close())
		b, err := os.ReadFile(filepath.Join(dir, "journal.db"))
		must(t, err)
		if err := check(b); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}

var flips = flag.Int("flips", 60, "how many damaged files are tried")

func TestFlippedBytes(t *testing.T) {
	sound := soundFile(t)
	r := rand.New(rand.NewPCG(2, 2))
	aside, rounds := 0, *flips
	if testing.Short() {
		rounds = 40
	}
	for range rounds {
		b := append([]byte{}, sound...)
		places := ""
		for range 1 + r.IntN(4) {
			at := r.IntN(len(b))
			if r.IntN(2) == 0 { // heads of pages matter most
				at = min(at/4096*4096+r.IntN(96), len(b)-1)
			}
			flip := byte(1 + r.IntN(255))
			b[at] ^= flip
			places += fmt.Sprintf(" %d:%d^%x", at/4096, at%4096, flip)
		}
		if survive(t, b) {
			aside++
		}
		if t.Failed() {
			t.Fatalf("with flips at%s", places)
		}
	}
	t.Logf("%d damaged files, %d set aside", rounds, aside)
	if aside < rounds/10 {
		t.Error("hardly any damage was noticed")
	}
}

func FuzzCheck(f *testing.F) {
	sound := soundFile(f)
	f.Add(0, byte(1), 100, byte(7), len(sound))
	f.Fuzz(func(t *testing.T, at1 int, flip1 byte, at2 int, flip2 byte, size int) {
		b := append([]byte{}, sound...)
		b[max(at1, 0)%len(b)] ^= flip1
		b[max(at2, 0)%len(b)] ^= flip2
		if err := check(b[:max(size, 0)%(len(b)+1)]); err != nil && !errors.Is(err, errDamaged) {
			t.Fatal(err)
		}
	})
}
