package daemon

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/reconcile/journal"
)

// TestLedgerOutlivesTheProcess keeps what is ours on an endpoint, and on that
// one alone.
func TestLedgerOutlivesTheProcess(t *testing.T) {
	dir := t.TempDir()
	open := func() journal.Store {
		s, _, err := journal.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	entry := func(name string) providers.LedgerEntry {
		return providers.LedgerEntry{Name: name, ID: "vm-" + name, Mark: providers.Mark{
			Owner: providers.Owner{Fleet: "lab", VM: manifest.Key{Namespace: "default", Name: name}},
			Image: "sha256:i", CloudInit: "sha256:c", Retired: time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC),
		}}
	}
	begun := entry("c")
	begun.ID, begun.Begun = "", time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := open()
	l := newLedger(s, "grpc://one:1")
	for _, e := range []providers.LedgerEntry{entry("b"), entry("a"), begun} {
		must(l.Put(e))
	}
	must(newLedger(s, "grpc://one:11").Put(entry("elsewhere")))
	must(l.Drop(entry("a").Mark.Owner))
	must(l.Drop(entry("never").Mark.Owner))
	must(s.Close())
	s = open()
	defer s.Close()
	got, err := newLedger(s, "grpc://one:1").Load()
	must(err)
	want := []providers.LedgerEntry{entry("b"), begun}
	byName := cmpopts.SortSlices(func(a, b providers.LedgerEntry) bool { return a.Name < b.Name })
	if diff := cmp.Diff(want, got, byName); diff != "" {
		t.Errorf("read again (-want +got):\n%s", diff)
	}
}
