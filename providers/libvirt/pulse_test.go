package libvirt

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

// domain returns the beat of the n-th domain.
func domain(n int, run int32, more map[string]uint64) (golibvirt.UUID, beat) {
	id := golibvirt.UUID{14: byte(n >> 8), 15: byte(n)}
	return id, beat{
		dom:  golibvirt.Domain{Name: fmt.Sprint(n), UUID: id, ID: run},
		core: core{name: fmt.Sprint(n), run: run}, more: more,
	}
}

func TestPulseComparesWhatIsKnown(t *testing.T) {
	type facts = map[string]uint64
	for _, row := range []struct {
		reason   string
		was, now facts
		run      int32 // it was off
		changed  bool
		then     facts
	}{
		{"the same", facts{"a": 1}, facts{"a": 1}, -1, false, facts{"a": 1}},
		{"another value", facts{"a": 1}, facts{"a": 2}, -1, true, facts{"a": 2}},
		{"one that was not told before", facts{}, facts{"a": 2}, -1, false, facts{"a": 2}},
		{"one that is not told now", facts{"a": 1}, nil, -1, false, facts{"a": 1}},
		{"a start keeps the definition alone", facts{"a": 1, factDefinition: 7}, facts{factRunning: 8}, 3, true, facts{factDefinition: 7, factRunning: 8}},
	} {
		p := &pulse{}
		id, was := domain(1, -1, row.was)
		if got := p.compare(map[golibvirt.UUID]beat{id: was}); got != nil {
			t.Errorf("%s: the first look found %v", row.reason, got)
		}
		_, now := domain(1, row.run, row.now)
		got := p.compare(map[golibvirt.UUID]beat{id: now})
		if want := row.changed; want != (len(got) == 1) {
			t.Errorf("%s: found %v, want a change: %t", row.reason, got, want)
		}
		if diff := cmp.Diff(row.then, p.last[id].more); diff != "" {
			t.Errorf("%s: known afterwards (-want +got):\n%s", row.reason, diff)
		}
		if got := p.compare(map[golibvirt.UUID]beat{}); len(got) != 1 {
			t.Errorf("%s: a domain that is gone is not found", row.reason)
		}
	}
}

func TestEveryDomainHasItsTurn(t *testing.T) {
	read := map[string]uint64{factDefinition: 1, factRunning: 1}
	for _, row := range []struct {
		reason        string
		running, off  int
		more          map[string]uint64
		allOn, allOff int // looks until each had its turn
	}{
		{"nobody is there", 0, 0, read, 1, 1},
		{"few are read every time", 3, fewDocuments, read, 1, 1},
		{"many are read every second time", 90, 60, read, 2, 2},
		{"what is off is read as far as there is room", 0, 4 * mostDocuments, read, 1, 4},
		{"what runs goes before", 90, 910, read, 2, 6},
		{"what runs does not take all the room", 1000, 100, read, 11, 2},
		{"what was never read does not take all the room", 300, 700, nil, 10, 11},
	} {
		p := &pulse{room: mostDocuments}
		all := map[golibvirt.UUID]beat{}
		for i := range row.running + row.off {
			run := int32(-1)
			if i%2 == 0 && i/2 < row.running || i/2 >= row.off {
				run = int32(i)
			}
			id, b := domain(i, run, row.more)
			all[id] = b
		}
		p.keep(all)
		on, off := map[golibvirt.UUID]int{}, map[golibvirt.UUID]int{} // the look of the first turn
		for look := range 20 {
			documents := 0
			for _, d := range p.page() {
				of := off
				documents++
				if d.ID >= 0 {
					of = on
					documents++
				}
				if _, had := of[d.UUID]; !had {
					of[d.UUID] = look + 1
				}
			}
			if documents > mostDocuments {
				t.Errorf("%s: %d documents in one look", row.reason, documents)
			}
		}
		wantTurns(t, row.reason+", running", on, row.running, row.allOn)
		wantTurns(t, row.reason+", off", off, row.off, row.allOff)
	}
}

func wantTurns(t *testing.T, what string, first map[golibvirt.UUID]int, n, within int) {
	t.Helper()
	last := 0
	for _, look := range first {
		last = max(last, look)
	}
	if len(first) != n || last > within {
		t.Errorf("%s: %d of %d had their turn, the last in look %d, want %d", what, len(first), n, last, within)
	}
}

func TestDisksHaveTheirTurn(t *testing.T) {
	const n = 5*fewDisks + 3
	p, all := &pulse{}, map[golibvirt.UUID]beat{}
	for i := range n {
		id, b := domain(i, int32(i), nil)
		all[id] = b
	}
	p.keep(all)
	seen := map[golibvirt.UUID]bool{}
	for range 6 {
		doms := p.diskPage()
		if len(doms) != fewDisks {
			t.Errorf("%d domains at once", len(doms))
		}
		for _, d := range doms {
			seen[d.UUID] = true
		}
	}
	if len(seen) != n {
		t.Errorf("%d of %d domains had their turn", len(seen), n)
	}
}

func TestSlowLooksReadLess(t *testing.T) {
	p := &pulse{}
	for _, step := range []struct {
		took time.Duration
		room int
	}{
		{0, 8}, {0, 16}, {0, 32}, {0, 64}, {0, 64}, {quickLook, 64}, {slowLook, 64}, {slowLook + 1, 32}, {time.Minute, 16}, {time.Minute, 8}, {time.Minute, 8},
	} {
		if p.adapt(step.took, 64); p.room != step.room {
			t.Fatalf("after a look of %v: room for %d, want %d", step.took, p.room, step.room)
		}
	}
}

func TestPulseOfMachinesThatRunIsStill(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	vms := r.crowd(fewDocuments+2, 4)
	pulseOf(t, r.Provider)
	for _, vm := range vms[:3] {
		r.power(vm, providers.PowerStart)
	}
	if got := pulseOf(t, r.Provider); len(got) != 3 || !slices.IsSorted(got) {
		t.Errorf("three were started, found %v", got)
	}
	for range 10 {
		if got := pulseOf(t, r.Provider); len(got) != 0 {
			t.Errorf("nothing happened, found %v", got)
		}
	}
}

// A QEMU that answers nobody costs one pulse a moment, and the next ones
// nothing.
func TestPulseDoesWithoutAStuckQEMU(t *testing.T) {
	t.Parallel()
	r := newRig(t, libvirttest.Options{})
	vm, other := r.vm("stuck"), r.vm("other")
	id, otherID := r.create(vm), r.create(other)
	r.power(vm, providers.PowerStart)
	pulseOf(t, r.Provider)
	pid := processOf(t, id)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(pid, syscall.SIGCONT)
	for n := range 4 {
		r.host.Virsh("setvcpus", otherID, fmt.Sprint(n+2), "--config", "--maximum")
		begin := time.Now()
		got := pulseOf(t, r.Provider)
		took := time.Since(begin)
		t.Logf("pulse %d: %v", n, took.Round(time.Millisecond))
		if limit := disksPatience / 2; n > 0 && took > limit {
			t.Errorf("pulse %d took %v", n, took)
		}
		if !slices.Contains(got, otherID) {
			t.Errorf("pulse %d found %v", n, got)
		}
	}
	if !r.pulse.unheard.Load() {
		t.Error("the pulse would ask again")
	}
	syscall.Kill(pid, syscall.SIGCONT)
	r.list()
	if r.pulse.unheard.Load() {
		t.Error("the pulse does not ask again after a full inventory")
	}
}

// processOf returns the process id of a domain's QEMU, as this namespace has it.
func processOf(t *testing.T, id string) int {
	t.Helper()
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, l := range lines {
		if c, _ := os.ReadFile(l); bytes.Contains(c, []byte("qemu-system")) && bytes.Contains(c, []byte(id)) {
			pid, _ := strconv.Atoi(strings.Split(l, "/")[2])
			return pid
		}
	}
	t.Fatalf("no QEMU of %s", id)
	return 0
}

func benchHost(b *testing.B, n int) *Provider {
	b.Helper()
	h := libvirttest.Start(b, libvirttest.Options{Bare: true})
	p, err := New(providers.Settings{Fleet: testFleet, Endpoint: h.URI()}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { p.Close() })
	if err := defineMany(b.Context(), p.session, n); err != nil {
		b.Fatal(err)
	}
	return p
}

func BenchmarkPulseOf1000(b *testing.B) {
	p := benchHost(b, 1000)
	pulseOf(b, p)
	for b.Loop() {
		if got := pulseOf(b, p); len(got) != 0 {
			b.Fatal(got)
		}
	}
}

// BenchmarkWatch measures from the call that changes a description to the news.
func BenchmarkWatch(b *testing.B) {
	p := benchHost(b, 1000)
	var doms []golibvirt.Domain
	err := p.session.do(b.Context(), work, func(c *golibvirt.Libvirt) (err error) {
		doms, _, err = c.ConnectListAllDomains(1, 0)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	w := watch(b, p)
	for i := 0; b.Loop(); i++ {
		dom := doms[i%len(doms)]
		w.forget()
		err := p.session.do(b.Context(), work, func(c *golibvirt.Libvirt) error {
			return c.DomainSetMetadata(dom, int32(golibvirt.DomainMetadataDescription), golibvirt.OptString{fmt.Sprint(i)}, nil, nil, golibvirt.DomainAffectConfig)
		})
		if err != nil {
			b.Fatal(err)
		}
		if _, ok := w.heard(idOf(dom.UUID), tellLimit); !ok {
			b.Fatal("not told")
		}
	}
	b.StopTimer()
	w.ended(b)
}
