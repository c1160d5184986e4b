package plan

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/vmsteward/vmsteward/manifest"
)

// BenchmarkBuild plans for VMs that are all as wanted, as nearly every pass does.
func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{10, 1000, 10000, 100000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := fleetOf(n)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			for b.Loop() {
				if p := Build(s.Input); p.Summary.InSync != n {
					b.Fatalf("%+v", p.Summary)
				}
			}
			runtime.ReadMemStats(&after)
			vms := float64(n) * float64(b.N)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/vms, "ns/VM")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/vms, "B/VM")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/vms, "allocs/VM")
		})
	}
}

// fleetOf returns n VMs that are all as wanted.
func fleetOf(n int) *scenario {
	wanted := make([]*manifest.VM, n)
	for i := range wanted {
		wanted[i] = wantedVM(fmt.Sprintf("vm-%06d", i))
	}
	return scene(wanted...)
}
