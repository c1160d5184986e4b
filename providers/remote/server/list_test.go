package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
	"github.com/vmsteward/vmsteward/providers/remote/wire"
)

// listed is the far end of a List without a connection: it keeps the pages.
type listed struct {
	grpc.ServerStream
	ctx   context.Context
	pages []*stewardv1.ListResponse
	left  int // pages until the stream breaks; negative: it does not
}

func (l *listed) Context() context.Context { return l.ctx }

func (l *listed) Send(m *stewardv1.ListResponse) error {
	if l.left--; l.left == -1 {
		return errors.New("the stream is broken")
	}
	b, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	page := &stewardv1.ListResponse{}
	l.pages = append(l.pages, page)
	return proto.Unmarshal(b, page)
}

func ask(t testing.TB, s *steward, cursor string) []*stewardv1.ListResponse {
	t.Helper()
	l := &listed{ctx: t.Context(), left: -1}
	if err := s.List(&stewardv1.ListRequest{Cursor: cursor}, l); err != nil {
		t.Fatal(err)
	}
	return l.pages
}

// view is what a client has put together from answers.
type view struct {
	cursor string
	vms    map[string]*stewardv1.VM
}

// fold takes an answer over, as the schema says, and returns how many VMs were
// sent, and how many ids as gone.
func (v *view) fold(t *testing.T, pages []*stewardv1.ListResponse) (sent, gone int) {
	t.Helper()
	next := map[string]*stewardv1.VM{}
	if pages[0].Delta {
		next = maps.Clone(v.vms)
	}
	for i, p := range pages {
		if p.Delta != pages[0].Delta || p.Last != (i == len(pages)-1) {
			t.Fatalf("page %d of %d: delta %v, last %v", i, len(pages), p.Delta, p.Last)
		}
		for _, id := range p.Gone {
			delete(next, id)
		}
		for _, vm := range p.Vms {
			next[vm.Id] = vm
		}
		sent, gone = sent+len(p.Vms), gone+len(p.Gone)
	}
	v.vms, v.cursor = next, pages[len(pages)-1].Cursor
	return sent, gone
}

// world is an endpoint whose VMs change at random.
type world struct {
	r        *rand.Rand
	n        int
	vms      []providers.VM
	complete bool
}

func (w *world) list(context.Context) (*providers.Inventory, error) {
	return &providers.Inventory{VMs: slices.Clone(w.vms), Complete: w.complete}, nil
}

// turn changes a few things.
func (w *world) turn() {
	for range w.r.IntN(4) {
		switch kind := w.r.IntN(6); {
		case kind == 0 || len(w.vms) == 0:
			w.n++
			w.vms = append(w.vms, providers.VM{ID: fmt.Sprint("vm-", w.n), Name: "new", Power: providers.Off})
		case kind == 1:
			at := w.r.IntN(len(w.vms))
			w.vms = slices.Delete(w.vms, at, at+1)
		case kind == 2: // gone and back as another at the same id
			w.vms[w.r.IntN(len(w.vms))].Mark = &providers.Mark{Owner: ownerOf(fmt.Sprint(w.r.IntN(3)))}
		case kind == 3:
			w.r.Shuffle(len(w.vms), func(i, j int) { w.vms[i], w.vms[j] = w.vms[j], w.vms[i] })
		default:
			w.vms[w.r.IntN(len(w.vms))].Config.CPU = providers.Known(w.r.IntN(3))
		}
	}
	w.complete = w.r.IntN(4) > 0
}

// TestWhatDiffersIsAllThatDiffers lets several clients follow a world that
// changes at random: whatever is lost on the way, each has what there is, and
// is told of nothing that it has.
func TestWhatDiffersIsAllThatDiffers(t *testing.T) {
	deltas, fulls := 0, 0
	for seed := range uint64(60) {
		w := &world{r: rand.New(rand.NewPCG(seed, 1))}
		srv, err := New(&stub{list: w.list}, Options{Fleet: fleet, Log: discard, Insecure: true})
		if err != nil {
			t.Fatal(err)
		}
		s := newSteward(&stub{list: w.list}, srv)
		clients := make([]view, 3)
		for step := range 150 {
			w.turn()
			c := &clients[w.r.IntN(len(clients))]
			switch w.r.IntN(12) {
			case 0: // the answer does not arrive
				ask(t, s, c.cursor)
				continue
			case 1: // a client that begins anew
				*c = view{}
			case 2: // an answer that nobody gave
				*c = view{cursor: "elsewhere-1", vms: map[string]*stewardv1.VM{"vm-0": {Id: "vm-0"}}}
			case 3: // the server is another process
				s = newSteward(&stub{list: w.list}, srv)
			}
			had := maps.Clone(c.vms)
			pages := ask(t, s, c.cursor)
			sent, gone := c.fold(t, pages)
			if last := pages[len(pages)-1]; last.Complete != w.complete || last.Cursor == "" {
				t.Fatalf("seed %d, step %d: complete %v with cursor %q, want %v with one", seed, step, last.Complete, last.Cursor, w.complete)
			}
			same(t, fmt.Sprintf("seed %d, step %d", seed, step), w.vms, c.vms)
			if !pages[0].Delta {
				fulls++
				continue
			}
			deltas++
			if wantSent, wantGone := differs(w.vms, had); sent != wantSent || gone != wantGone {
				t.Fatalf("seed %d, step %d: %d were sent and %d gone, want %d and %d", seed, step, sent, gone, wantSent, wantGone)
			}
		}
	}
	if deltas < fulls {
		t.Errorf("%d answers said what differs, %d everything", deltas, fulls)
	}
	t.Logf("%d answers said what differs, %d everything", deltas, fulls)
}

// same compares what a client has with what there is.
func same(t *testing.T, when string, want []providers.VM, have map[string]*stewardv1.VM) {
	t.Helper()
	if len(have) != len(want) {
		t.Fatalf("%s: the client has %d VMs, want %d", when, len(have), len(want))
	}
	for i := range want {
		if !proto.Equal(wire.EncodeVM(&want[i]), have[want[i].ID]) {
			t.Fatalf("%s: the client has %v, want %+v", when, have[want[i].ID], want[i])
		}
	}
}

// differs counts what a client that has some VMs needs to be told.
func differs(vms []providers.VM, had map[string]*stewardv1.VM) (changed, gone int) {
	gone = len(had)
	for i := range vms {
		before, known := had[vms[i].ID]
		if known {
			gone--
		}
		if !known || !proto.Equal(before, wire.EncodeVM(&vms[i])) {
			changed++
		}
	}
	return changed, gone
}

// TestTwoOfOneIDAreSentWhole: nobody could tell which of them changed.
func TestTwoOfOneIDAreSentWhole(t *testing.T) {
	vms := []providers.VM{{ID: "a"}, {ID: "b"}}
	s := bare(t, &stub{list: func(context.Context) (*providers.Inventory, error) {
		return &providers.Inventory{VMs: vms, Complete: true}, nil
	}})
	cursor := ask(t, s, "")[0].Cursor
	vms = []providers.VM{{ID: "a"}, {ID: "a", Name: "twin"}}
	p := ask(t, s, cursor)[0]
	if p.Delta || p.Cursor != "" || len(p.Vms) != 2 || len(p.Gone) != 0 {
		t.Errorf("the answer is %v", p)
	}
	vms = []providers.VM{{ID: "a"}, {ID: "new"}, {ID: "new", Name: "twin"}}
	if p := ask(t, s, cursor)[0]; p.Delta || p.Cursor != "" || len(p.Vms) != 3 {
		t.Errorf("the answer with two that are new is %v", p)
	}
	vms = vms[:1]
	if p := ask(t, s, cursor)[0]; !p.Delta || len(p.Vms) != 0 || !slices.Equal(p.Gone, []string{"b"}) {
		t.Errorf("the answer after it is %v", p)
	}
}

// TestTheSameAgainKeepsItsName, so that an answer is remembered for as long as
// it is asked for.
func TestTheSameAgainKeepsItsName(t *testing.T) {
	vms := make([]providers.VM, 3)
	for i := range vms {
		vms[i].ID = fmt.Sprint(i)
	}
	s := bare(t, &stub{list: func(context.Context) (*providers.Inventory, error) {
		return &providers.Inventory{VMs: slices.Clone(vms), Complete: true}, nil
	}})
	first := ask(t, s, "")[0].Cursor
	for range 3 * answersKept { // others ask, too
		if got := ask(t, s, first)[0]; got.Cursor != first || len(got.Vms) != 0 {
			t.Fatalf("the same is named %q, want %q", got.Cursor, first)
		}
		ask(t, s, "")
	}
	if n := len(s.answers.kept); n > answersKept {
		t.Errorf("%d answers are remembered, want at most %d", n, answersKept)
	}
	other := ask(t, s, "")[0].Cursor
	for range 3 * answersKept {
		ask(t, s, first)
	}
	if !ask(t, s, other)[0].Delta {
		t.Error("a client that asks often takes the place of another's answer")
	}
}

func bare(t *testing.T, p providers.Provider) *steward {
	t.Helper()
	srv, err := New(p, Options{Fleet: fleet, Log: discard, Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	return newSteward(p, srv)
}

// TestPages sends more than fits in one message, and each thing once.
func TestPages(t *testing.T) {
	inv := &providers.Inventory{Complete: false}
	for i := range 20_000 {
		inv.VMs = append(inv.VMs, providers.VM{ID: fmt.Sprint("vm-", i), Name: strings.Repeat("n", 200)})
	}
	inv.VMs[77].Name = strings.Repeat("N", 3*pageBytes) // larger than any page
	for i := range 10_000 {
		inv.Problems = append(inv.Problems, providers.Problem{ID: fmt.Sprint(i), Err: errors.New(strings.Repeat("p", 100))})
		inv.Leftovers = append(inv.Leftovers, providers.Leftover{ID: fmt.Sprint(strings.Repeat("l", 100), i), Owner: ownerOf("web")})
	}
	s := bare(t, &stub{list: func(context.Context) (*providers.Inventory, error) { return inv, nil }})
	pages := ask(t, s, "")
	v := &view{}
	if sent, _ := v.fold(t, pages); sent != 20_000 || len(v.vms) != 20_000 {
		t.Errorf("%d VMs were sent, and %d are different", sent, len(v.vms))
	}
	problems, leftovers, total := 0, 0, 0
	for i, p := range pages {
		size := proto.Size(p)
		total += size
		if size > pageBytes+1024 && len(p.Vms) != 1 {
			t.Errorf("page %d has %d bytes and %d VMs", i, size, len(p.Vms))
		}
		problems, leftovers = problems+len(p.Problems), leftovers+len(p.Leftovers)
	}
	if problems != 10_000 || leftovers != 10_000 || len(pages) > 2*total/pageBytes {
		t.Errorf("%d problems, %d leftovers, %d pages of %d bytes in all", problems, leftovers, len(pages), total)
	}
	t.Logf("%d bytes in %d pages", total, len(pages))

	inv.VMs = nil
	if _, gone := v.fold(t, ask(t, s, v.cursor)); gone != 20_000 || len(v.vms) != 0 {
		t.Errorf("%d were said to be gone, and %d are left", gone, len(v.vms))
	}
}

// TestABrokenStreamEndsTheCall and leaves the answer before it as it was.
func TestABrokenStreamEndsTheCall(t *testing.T) {
	inv := &providers.Inventory{Complete: true}
	for i := range 5000 {
		inv.VMs = append(inv.VMs, providers.VM{ID: fmt.Sprint(i), Name: strings.Repeat("n", 1000)})
	}
	s := bare(t, &stub{list: func(context.Context) (*providers.Inventory, error) { return inv, nil }})
	v := &view{}
	v.fold(t, ask(t, s, ""))
	for i := range inv.VMs {
		inv.VMs[i].Power = providers.On
	}
	l := &listed{ctx: t.Context(), left: 2}
	if err := s.List(&stewardv1.ListRequest{Cursor: v.cursor}, l); err == nil || len(l.pages) != 2 {
		t.Errorf("after %d pages: %v", len(l.pages), err)
	}
	v.fold(t, ask(t, s, v.cursor))
	same(t, "after a broken stream", inv.VMs, v.vms)
}

// TestAListThatFails is no inventory.
func TestAListThatFails(t *testing.T) {
	s := bare(t, &stub{list: func(context.Context) (*providers.Inventory, error) {
		return nil, &providers.Error{Op: "list", Kind: providers.RateLimited, Err: errors.New("slow down")}
	}})
	l := &listed{ctx: t.Context(), left: -1}
	err := s.List(&stewardv1.ListRequest{}, l)
	if got := wire.Err(t.Context(), "", "", err); providers.KindOf(got) != providers.RateLimited || len(l.pages) != 0 {
		t.Errorf("%d pages and %v", len(l.pages), got)
	}
}

// BenchmarkListNothingNew is what a pass costs the server in which nothing
// changed: the comparison of 5,000 VMs that the provider read anew.
func BenchmarkListNothingNew(b *testing.B) {
	a := newAnswers()
	cursor := a.since("", manyVMs()).cursor
	again := manyVMs()
	b.ReportAllocs()
	for b.Loop() {
		if d := a.since(cursor, again); d.cursor != cursor {
			b.Fatal("something is new")
		}
	}
}

func manyVMs() []providers.VM {
	vms := make([]providers.VM, 5000)
	for i := range vms {
		vms[i] = providers.VM{
			ID: fmt.Sprint("vm-", i), Name: fmt.Sprint("name-", i), Power: providers.On,
			Mark: &providers.Mark{Owner: ownerOf(fmt.Sprint(i)), Image: "sha256:1", MACs: map[string]string{"lan": "52:54:00:00:00:01"}},
			Config: providers.Hardware{
				CPU: providers.Known(2), MemoryMiB: providers.Known(int64(4096)), DisksKnown: true, NICsKnown: true,
				Disks: []providers.Disk{{Name: "root", Origin: "pool/vol", SizeGiB: providers.Known(10)}},
				NICs:  []providers.NIC{{Name: "lan", Network: "default", Model: "virtio", MAC: "52:54:00:00:00:01"}},
			},
			Tags: providers.Known([]string{"a", "b"}),
		}
	}
	return vms
}
