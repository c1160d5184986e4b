package reconcile

import (
	"context"
	"slices"
	"sync"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// execute makes the calls of every item, the VMs in parallel and each VM's
// calls in order. A gate in front of each endpoint bounds what reaches it.
func (r *run) execute(ctx context.Context, items []*plan.Item) {
	var wg sync.WaitGroup
	todo := r.byEndpoint(items)
	n := 0
	for _, work := range todo {
		n += len(work)
	}
	r.results = slices.Grow(r.results, n)
	for endpoint, work := range todo {
		wg.Go(func() { r.executeAt(ctx, r.gates[endpoint], work) })
	}
	wg.Wait()
	slices.SortFunc(r.results, func(a, b Result) int { return a.VM.Compare(b.VM) })
}

// byEndpoint returns the items that the pass acts on.
func (r *run) byEndpoint(items []*plan.Item) map[manifest.Key][]*plan.Item {
	out := make(map[manifest.Key][]*plan.Item)
	for _, it := range items {
		if len(it.Ops) > 0 && r.chosen(it.VM) {
			out[it.Provider] = append(out[it.Provider], it)
		}
	}
	return out
}

// executeAt makes the calls to one endpoint.
func (r *run) executeAt(ctx context.Context, g *gate, items []*plan.Item) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, it := range items {
		g.crew.join()
		wg.Go(func() {
			defer g.crew.leave()
			res := r.item(ctx, it)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.results = append(r.results, res)
		})
	}
}

// crew is how many VMs of an endpoint are in the midst of their calls at once.
// More would wait before its gate and hold nothing but memory. One that waits
// for long work steps aside meanwhile.
type crew chan struct{}

// atWork is the least size of a crew: enough for the journal, which writes for
// many at once, to keep up with an endpoint that answers at once.
const atWork = 256

func (c crew) join()  { c <- struct{}{} }
func (c crew) leave() { <-c }

// aside lets another join while wait lasts.
func (c crew) aside(wait func()) {
	c.leave()
	defer c.join()
	wait()
}
