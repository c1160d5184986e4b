// Command planning measures how the time and the memory of a plan grow with
// the fleet, on a hypervisor in memory where everything is as wanted. The floor
// is the bare list of that hypervisor, in the same run: a VM of a large fleet
// costs more to touch at all than one of a small fleet, which the caches of
// the processor hold. What counts is that the plan does not grow beyond that.
package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/vmsteward/vmsteward/internal/bench/side"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/journal"
)

// linear is by how much a VM of a fleet a hundred times as large may cost more.
const linear = 1.5

func main() {
	side.Main(func(r *side.Run) error {
		var overList, held, passed []float64
		for _, n := range []int{1_000, 10_000, 100_000} {
			c, err := measure(r, n)
			if err != nil {
				return fmt.Errorf("%d VMs: %w", n, err)
			}
			r.Say("%d VMs: plan %v, %.2f us per VM, of which the list %.2f us; passing through a plan %.0f bytes per VM; held %.0f bytes per VM, hypervisor included",
				n, c.took, c.perVM, c.list, c.passing, c.held)
			overList, held, passed = append(overList, c.perVM/c.list), append(held, c.held), append(passed, c.passing)
		}
		last := len(held) - 1
		r.Bound("time per VM over that of the list, at 100,000 against 1,000", overList[last]/overList[0], linear, "x")
		r.Bound("memory passing per VM at 100,000 against 1,000", passed[last]/passed[0], linear, "x")
		r.Bound("memory held per VM at 100,000 against 1,000", held[last]/held[0], linear, "x")
		return nil
	})
}

// cost is what a plan takes.
type cost struct {
	took                       time.Duration
	perVM, list, passing, held float64
}

func measure(r *side.Run, n int) (cost, error) {
	src := side.FleetSource(n)
	before := heap()
	p := memory.NewHypervisor().Connect(providers.Settings{Fleet: side.FleetName, Key: side.Lab()})
	e, err := side.Engine(src, p, journal.NewMemory())
	if err != nil {
		return cost{}, err
	}
	for range 2 { // the first makes them all
		if _, err := e.Pass(r.Context(), reconcile.PassOptions{}); err != nil {
			return cost{}, err
		}
	}
	plan := func() error {
		look, err := e.Plan(r.Context())
		if err == nil && look.Plan.Summary.InSync != n {
			err = fmt.Errorf("only %d are in sync", look.Plan.Summary.InSync)
		}
		return err
	}
	c := cost{held: float64(heap().HeapAlloc-before.HeapAlloc) / float64(n)}
	list := func() error {
		inv, err := p.List(r.Context())
		if err == nil && len(inv.VMs) != n {
			err = fmt.Errorf("only %d are listed", len(inv.VMs))
		}
		return err
	}
	times, err := side.Alternate(min(31, max(7, 100_000/n)), side.Timed(plan), side.Timed(list))
	if err != nil {
		return c, err
	}
	c.took = times[0].Median()
	c.perVM = float64(c.took.Nanoseconds()) / 1000 / float64(n)
	c.list = float64(times[1].Median().Nanoseconds()) / 1000 / float64(n)
	begun := heap()
	if err := plan(); err != nil {
		return c, err
	}
	var end runtime.MemStats
	runtime.ReadMemStats(&end)
	c.passing = float64(end.TotalAlloc-begun.TotalAlloc) / float64(n)
	runtime.KeepAlive(src)
	return c, nil
}

// heap collects the garbage and tells what is left.
func heap() runtime.MemStats {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}
