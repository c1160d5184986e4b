package remote

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"google.golang.org/grpc"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
	"github.com/vmsteward/vmsteward/providers/remote/wire"
)

// answers keeps the last full answer of a server, so that the next one need
// only say what differs.
type answers struct {
	mu   sync.Mutex
	last *answer // guarded by mu; nil: none
}

// answer is what a server had at one time. It is never changed.
type answer struct {
	cursor string // by which the server knows it
	vms    []providers.VM
	at     map[string]int // index in vms by id
}

func (a *answers) get() *answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

func (a *answers) set(last *answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = last
}

// List implements providers.Lister.
func (p *Provider) List(ctx context.Context) (inv *providers.Inventory, err error) {
	err = p.do(ctx, "list", "", func(ctx context.Context, s peer) (err error) {
		inv, err = s.List(ctx)
		return err
	})
	return inv, err
}

// List implements peer. VMs that are as they were in the answer before are the
// same values, and if all are, they are the same list.
func (s *steward) List(ctx context.Context) (*providers.Inventory, error) {
	if err := s.offers(stewardv1.Part_PART_LIST, "it reads no more than one VM at once"); err != nil {
		return nil, err
	}
	before := s.answers.get()
	req := &stewardv1.ListRequest{}
	if before != nil {
		req.Cursor = before.cursor
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pages, err := s.client.List(ctx, req)
	if err != nil {
		return nil, err
	}
	r := reading{before: before}
	inv, err := r.all(pages)
	if err != nil {
		return nil, err
	}
	var last *answer
	if r.cursor != "" && len(r.unread) == 0 { // what was not understood has to be said again
		last = &answer{r.cursor, r.vms, r.at}
	}
	s.answers.set(last)
	s.restate(ctx)
	return inv, nil
}

// reading puts the pages of an answer together.
type reading struct {
	before *answer // that the server was told of; nil: none
	begun  bool
	delta  bool
	own    bool // vms and at are not those of before any more
	vms    []providers.VM
	at     map[string]int
	cursor string
	unread []providers.Problem // what cannot be understood

	problems  []providers.Problem
	leftovers []providers.Leftover
}

// all reads every page. An answer without its last page is none.
func (r *reading) all(pages grpc.ServerStreamingClient[stewardv1.ListResponse]) (*providers.Inventory, error) {
	for {
		page, err := pages.Recv()
		if errors.Is(err, io.EOF) {
			return nil, &providers.Error{Kind: providers.Unavailable, Err: errors.New("the list ends before its last page")}
		}
		if err != nil {
			return nil, err
		}
		if err := r.page(page); err != nil {
			return nil, broken(err)
		}
		if !page.GetLast() {
			continue
		}
		return r.inventory(page), nil
	}
}

// page takes in one page.
func (r *reading) page(page *stewardv1.ListResponse) error {
	switch {
	case !r.begun && page.GetDelta() && r.before == nil:
		return errors.New("a list says what differs from an answer that was never given")
	case r.begun && page.GetDelta() != r.delta:
		return errors.New("a list says on some pages what differs, and on others everything")
	case !r.begun && page.GetDelta():
		r.vms, r.at = r.before.vms, r.before.at
	case !r.begun:
		r.own, r.at = true, make(map[string]int)
	}
	r.begun, r.delta = true, page.GetDelta()
	r.remove(page.GetGone())
	for _, m := range page.GetVms() {
		vm, err := wire.DecodeVM(m)
		if err == nil {
			r.put(vm)
			continue
		}
		r.remove([]string{m.GetId()})
		r.unread = append(r.unread, unread(m.GetId(), m.GetName(), err))
	}
	r.beside(page)
	return nil
}

// beside reads what a page has beside VMs. It may be on every one.
func (r *reading) beside(page *stewardv1.ListResponse) {
	for _, m := range page.GetProblems() {
		r.problems = append(r.problems, wire.DecodeProblem(m))
	}
	for _, m := range page.GetLeftovers() {
		left, err := wire.DecodeLeftover(m)
		if err != nil {
			r.unread = append(r.unread, unread(m.GetId(), m.GetId(), err))
			continue
		}
		r.leftovers = append(r.leftovers, left)
	}
}

// put replaces the VM of an id, or adds one.
func (r *reading) put(vm providers.VM) {
	r.detach()
	if i, known := r.at[vm.ID]; known {
		r.vms[i] = vm
		return
	}
	r.at[vm.ID] = len(r.vms)
	r.vms = append(r.vms, vm)
}

// remove drops the VMs of some ids.
func (r *reading) remove(ids []string) {
	for _, id := range ids {
		i, known := r.at[id]
		if !known {
			continue
		}
		r.detach()
		last := len(r.vms) - 1
		r.vms[i] = r.vms[last]
		r.at[r.vms[i].ID] = i
		r.vms = r.vms[:last]
		delete(r.at, id)
	}
}

// detach gives the reading a list of its own before it changes something.
func (r *reading) detach() {
	if r.own {
		return
	}
	r.own, r.vms = true, slices.Clone(r.vms)
	at := make(map[string]int, len(r.at)+1)
	for i := range r.vms {
		at[r.vms[i].ID] = i
	}
	r.at = at
}

// inventory makes the inventory of what was read and of the last page. What
// cannot be understood hides nothing else.
func (r *reading) inventory(page *stewardv1.ListResponse) *providers.Inventory {
	r.cursor = page.GetCursor()
	inv := &providers.Inventory{VMs: r.vms, Leftovers: r.leftovers, Problems: append(r.problems, r.unread...)}
	inv.Complete = page.GetComplete() && len(r.unread) == 0
	return inv
}

func unread(id, name string, err error) providers.Problem {
	return providers.Problem{ID: id, Name: name, Err: named("list", name, broken(err))}
}
