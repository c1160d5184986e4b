package reconcile

import (
	"context"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
	"github.com/vmsteward/vmsteward/reconcile/journal"
	"github.com/vmsteward/vmsteward/reconcile/plan"
	"github.com/vmsteward/vmsteward/sources"
)

// tree is a source whose content a test sets.
type tree struct {
	files fstest.MapFS
	rev   int
	err   error
}

func (s *tree) put(name, text string) {
	s.files = maps.Clone(s.files)
	if s.files == nil {
		s.files = fstest.MapFS{}
	}
	s.files[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	s.rev++
}

func (s *tree) remove(name string) {
	s.files = maps.Clone(s.files)
	delete(s.files, name)
	s.rev++
}

func (s *tree) Fetch(context.Context) (*sources.Snapshot, error) {
	if s.err != nil {
		return nil, s.err
	}
	return &sources.Snapshot{Revision: strings.Repeat("r", s.rev), Files: fs.FS(s.files)}, nil
}
func (s *tree) Describe() string { return "test" }
func (s *tree) Close() error     { return nil }

const common = `
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMClass
metadata: {name: small}
spec: {cpu: 2, memory: 1Gi, performanceProfile: {cpuHotAddEnabled: true}}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMImage
metadata: {name: base}
spec: {source: {libvirt: {path: /images/base.qcow2}}}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMNetworkAttachment
metadata: {name: lan}
spec: {network: {libvirt: {networkName: lan}}}
`

func vmText(name, extra string) string {
	return `
apiVersion: infra.virtrigaud.io/v1beta1
kind: VirtualMachine
metadata: {name: ` + name + `}
spec:
  providerRef: {name: lab}
  classRef: {name: small}
  imageRef: {name: base}
  networks: [{name: lan, networkRef: {name: lan}}]
` + extra
}

// world is an engine with everything around it.
type world struct {
	t       *testing.T
	src     *tree
	hv      *memory.Hypervisor
	store   journal.Store
	policy  plan.Policy
	log     *strings.Builder
	engine  *Engine
	qps     float64
	waits   context.Context
	outside memory.Outside
}

var labKey = manifest.Key{Name: "lab"}

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, src: &tree{}, hv: memory.NewHypervisor(), store: journal.NewMemory(), log: &strings.Builder{},
		policy: plan.Policy{
			Drift: plan.Enforce, MaxDisruption: plan.Restart,
			Prune: plan.Prune{Mode: plan.PruneDelete, Grace: 24 * time.Hour, MaxCount: 5, MaxPercent: 50},
		},
	}
	w.outside = w.hv.Outside()
	w.src.put("common.yaml", common)
	w.restart()
	return w
}

// restart builds a new engine on the same journal and hypervisor, as a new
// process would.
func (w *world) restart() {
	w.t.Helper()
	e, err := New(Options{
		Fleet: "lab", Source: w.src, Journal: w.store,
		Load: func(files fs.FS) *manifest.Desired {
			return manifest.Resolve(manifest.Load(files, manifest.Options{}), manifest.ResolveOptions{Providers: []manifest.Key{labKey}})
		},
		Endpoints: []Endpoint{{Key: labKey, Provider: w.hv.Connect(providers.Settings{Fleet: "lab", Key: labKey}), QPS: w.qps, Burst: 1}},
		Policy:    func(time.Time) plan.Policy { return w.policy },
		Log:       slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{ReplaceAttr: dropTime})),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.engine = e
}

func dropTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey || a.Key == "pass" || a.Key == "took_ms" {
		return slog.Attr{}
	}
	return a
}

// pass runs one pass and returns the calls that it made.
func (w *world) pass() []string {
	w.t.Helper()
	w.hv.ForgetCalls()
	w.log.Reset()
	if _, err := w.engine.Pass(w.t.Context(), PassOptions{Waits: w.waits}); err != nil {
		w.t.Fatal(err)
	}
	calls := w.hv.Calls()
	slices.Sort(calls)
	return calls
}

func (w *world) want(reason string, calls ...string) {
	w.t.Helper()
	if diff := cmp.Diff(calls, w.pass(), cmpEmpty); diff != "" {
		w.t.Errorf("%s: calls (-want +got):\n%s\nlog:\n%s", reason, diff, w.log)
	}
}

// cmpEmpty makes no difference between nil and empty.
var cmpEmpty = cmp.Transformer("empty", func(s []string) []string {
	if len(s) == 0 {
		return nil
	}
	return s
})

func TestCommitBecomesVMAndNothingIsLeftToDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.src.put("web.yaml", vmText("web", ""))
		w.want("a new manifest is created and started", "create lab/default/web", "power default/web start")
		w.want("the second pass has nothing to do")
	})
}
