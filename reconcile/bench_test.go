package reconcile

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"slices"
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

// BenchmarkFirstCall is what a changed manifest costs after it was resolved,
// up to the first call to its hypervisor, which tells of its changes.
func BenchmarkFirstCall(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			src, hv := &tree{}, memory.NewHypervisor()
			e := engineOf(b, n, src, hv)
			state := e.last.state
			var resolved, called time.Time
			e.opts.Load = func(fs.FS) *manifest.Desired {
				state = oneMore(state)
				resolved = time.Now()
				return state
			}
			hv.OnStep(func(memory.Step) error {
				called = time.Now()
				return nil
			})
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			followed := make(chan struct{}, 64)
			go e.Watch(ctx, func(string) {
				select {
				case followed <- struct{}{}:
				default:
				}
			})
			<-followed
			took := time.Duration(0)
			for b.Loop() {
				src.rev++
				if _, err := e.Pass(ctx, PassOptions{Changed: true}); err != nil {
					b.Fatal(err)
				}
				took += called.Sub(resolved)
			}
			b.ReportMetric(float64(took.Microseconds())/float64(b.N)/1000, "ms/call")
		})
	}
}

// oneMore returns the desired state with another amount of memory for one VM.
func oneMore(d *manifest.Desired) *manifest.Desired {
	next := *d
	next.VMs = slices.Clone(d.VMs)
	at := rand.IntN(len(next.VMs))
	vm := *next.VMs[at]
	vm.MemoryMiB++
	vm.Digest += "'"
	next.VMs[at] = &vm
	return &next
}

func idleEngine(b *testing.B, n int) *Engine {
	b.Helper()
	return engineOf(b, n, &tree{}, memory.NewHypervisor())
}

func engineOf(b *testing.B, n int, src *tree, hv *memory.Hypervisor) *Engine {
	b.Helper()
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
