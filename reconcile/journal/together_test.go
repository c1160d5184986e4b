package journal

import (
	"sync"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
)

// TestOneThatCannotBeWrittenHoldsUpNoOther writes many at once, among them one
// whose time has no text.
func TestOneThatCannotBeWrittenHoldsUpNoOther(t *testing.T) {
	s, _, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const n = 40
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			errs[i] = s.Update(vm(i), func(r *Record) {
				r.Strikes++
				if i == n/2 {
					r.InSync = time.Date(20_000, 1, 1, 0, 0, 0, 0, time.UTC)
				}
			})
		})
	}
	wg.Wait()
	got, err := s.Records()
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		_, there := got[vm(i)]
		if bad := i == n/2; bad != (errs[i] != nil) || bad == there {
			t.Errorf("VM %d: error %v, there %v", i, errs[i], there)
		}
		if there && got[vm(i)].Strikes != 1 {
			t.Errorf("VM %d was changed %d times", i, got[vm(i)].Strikes)
		}
	}
}

// TestUpdateAllIsAllOrNothing has one of several records that cannot be written.
func TestUpdateAllIsAllOrNothing(t *testing.T) {
	disk, _, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	for name, s := range map[string]Store{"disk": disk, "memory": NewMemory()} {
		good := func(r *Record) { r.ID = "good" }
		bad := func(r *Record) { r.InSync = time.Date(20_000, 1, 1, 0, 0, 0, 0, time.UTC) }
		if err := s.UpdateAll(map[manifest.Key]func(*Record){vm(1): good, vm(2): bad, vm(3): good}); err == nil {
			t.Errorf("%s: a time without a text was written", name)
		}
		if got, err := s.Records(); err != nil || len(got) != 0 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if err := s.UpdateAll(map[manifest.Key]func(*Record){vm(1): good, vm(3): good}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := s.Records(); err != nil || len(got) != 2 || got[vm(3)].ID != "good" {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
