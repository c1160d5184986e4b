package reconcile

import (
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/reconcile/journal"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// BenchmarkPass is an idle pass: everything is as wanted.
func BenchmarkPass(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			e := idleEngine(b, n)
			for b.Loop() {
				rep, err := e.Pass(b.Context(), PassOptions{})
				if err != nil || rep.Plan.Summary.InSync != n {
					b.Fatal(err, rep.Plan.Summary)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/VM")
		})
	}
}

func idleEngine(b *testing.B, n int) *Engine {
	b.Helper()
	src, hv := &tree{}, memory.NewHypervisor()
	src.put("common.yaml", common)
	text := ""
	for i := range n {
		text += "---" + vmText(fmt.Sprintf("vm-%05d", i), "")
		if i%500 == 499 {
			src.put(fmt.Sprintf("vms-%05d.yaml", i), text)
			text = ""
		}
	}
	e, err := New(Options{
		Fleet: "lab", Source: src, Journal: journal.NewMemory(), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Load: func(files fs.FS) *manifest.Desired {
			return manifest.Resolve(manifest.Load(files, manifest.Options{}), manifest.ResolveOptions{Providers: []manifest.Key{labKey}})
		},
		Endpoints: []Endpoint{{Key: labKey, Provider: hv.Connect(providers.Settings{Fleet: "lab", Key: labKey})}},
		Policy:    func(time.Time) plan.Policy { return plan.Policy{Drift: plan.Enforce, MaxDisruption: plan.Restart} },
	})
	if err != nil {
		b.Fatal(err)
	}
	for range 2 {
		if _, err := e.Pass(b.Context(), PassOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	return e
}
