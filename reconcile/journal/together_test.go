package journal

import (
	"sync"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
)

// textless is a record that cannot be written: its time has no text.
var textless = Record{InSync: time.Date(20_000, 1, 1, 0, 0, 0, 0, time.UTC)}

// TestOneThatCannotBeWrittenHoldsUpNoOther writes many at once, among them one
// that cannot be written.
func TestOneThatCannotBeWrittenHoldsUpNoOther(t *testing.T) {
	s := openAt(t, t.TempDir())
	defer s.Close()
	const n = 40
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			r := Record{Strikes: i}
			if i == n/2 {
				r = textless
			}
			errs[i] = put(s, vm(i), r)
		})
	}
	wg.Wait()
	got, err := s.Records()
	must(t, err)
	for i := range n {
		r, there := got[vm(i)]
		if bad := i == n/2; bad != (errs[i] != nil) || bad == there || there && r.Strikes != i {
			t.Errorf("VM %d: error %v, there %v: %+v", i, errs[i], there, r)
		}
	}
}

// TestPutIsAllOrNothing has one of several records that cannot be written.
func TestPutIsAllOrNothing(t *testing.T) {
	stores(t, func(t *testing.T, s Store, again func(Store) Store) {
		good := Record{ID: "good"}
		if err := s.Put(map[manifest.Key]Record{vm(1): good, vm(2): textless, vm(3): good}); err == nil {
			t.Error("a time without a text was written")
		}
		if got, err := s.Records(); err != nil || len(got) != 0 {
			t.Errorf("%v, %v", got, err)
		}
		must(t, s.Put(map[manifest.Key]Record{vm(1): good, vm(3): good}))
		s = again(s)
		if got, err := s.Records(); err != nil || len(got) != 2 || got[vm(3)].ID != "good" {
			t.Errorf("%v, %v", got, err)
		}
		must(t, s.Close())
	})
}
