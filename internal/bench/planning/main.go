// Command planning measures how the time and the memory of a plan grow with
// the fleet, on a hypervisor in memory where everything is as wanted. There is
// no floor but itself: what counts is that a VM costs the same in a large
// fleet as in a small one.
package main

import (
	"context"
	"fmt"
	"runtime"
	"testing/fstest"
	"time"

	"github.com/vmsteward/vmsteward/internal/bench/side"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/reconcile"
	"github.com/vmsteward/vmsteward/reconcile/journal"
	"github.com/vmsteward/vmsteward/sources"
)

// linear is by how much a VM of a fleet a hundred times as large may cost more.
const linear = 1.5

func main() {
	side.Main(func(r *side.Run) error {
		var perVM, held, passed []float64
		for _, n := range []int{1_000, 10_000, 100_000} {
			c, err := measure(r, n)
			if err != nil {
				return fmt.Errorf("%d VMs: %w", n, err)
			}
			r.Say("%d VMs: plan %v, %.2f us per VM; passing through a plan %.0f bytes per VM; held %.0f bytes per VM, hypervisor included",
				n, c.took, c.perVM, c.passing, c.held)
			perVM, held, passed = append(perVM, c.perVM), append(held, c.held), append(passed, c.passing)
		}
		last := len(perVM) - 1
		r.Bound("time per VM at 100,000 against 1,000", perVM[last]/perVM[0], linear, "x")
		r.Bound("memory passing per VM at 100,000 against 1,000", passed[last]/passed[0], linear, "x")
		r.Bound("memory held per VM at 100,000 against 1,000", held[last]/held[0], linear, "x")
		return nil
	})
}

// cost is what a plan takes.
type cost struct {
	took                 time.Duration
	perVM, passing, held float64
}

// fleet is a source in memory.
type fleet struct{ files fstest.MapFS }

// Fetch implements sources.Source.
func (f fleet) Fetch(context.Context) (*sources.Snapshot, error) {
	return &sources.Snapshot{Revision: "1", Files: f.files}, nil
}

// Describe implements sources.Source.
func (f fleet) Describe() string { return "a fleet in memory" }

// Close implements sources.Source.
func (f fleet) Close() error { return nil }

func measure(r *side.Run, n int) (cost, error) {
	src := fleet{fstest.MapFS{}}
	for name, text := range side.Fleet(n, "/images/base.qcow2") {
		src.files[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
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
	times, err := side.Alternate(min(31, max(7, 100_000/n)), side.Timed(plan))
	if err != nil {
		return c, err
	}
	c.took = times[0].Median()
	c.perVM = float64(c.took.Nanoseconds()) / 1000 / float64(n)
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
