package reconcile

import (
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
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
	t      *testing.T
	src    *tree
	hv     *memory.Hypervisor
	store  *spyStore
	policy plan.Policy
	out    *logLines
	engine *Engine
	opts   PassOptions // of every pass
	// What the next restart builds the engine with.
	wrap      func(providers.Provider) providers.Provider
	more      []Endpoint
	qps       float64
	slots     int
	call, obs time.Duration
}

var labKey = manifest.Key{Name: "lab"}

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, src: &tree{}, hv: memory.NewHypervisor(), store: &spyStore{Store: journal.NewMemory()}, out: &logLines{},
		policy: plan.Policy{
			Drift: plan.Enforce, MaxDisruption: plan.Restart,
			Prune: plan.Prune{Mode: plan.PruneDelete, Grace: 24 * time.Hour, MaxCount: 5, MaxPercent: 50},
		},
	}
	w.src.put("common.yaml", common)
	w.restart()
	return w
}

// restart builds a new engine on the same journal and hypervisor, as a new
// process would.
func (w *world) restart() {
	w.t.Helper()
	var p providers.Provider = w.hv.Connect(providers.Settings{Fleet: "lab", Key: labKey, MaxConnections: w.slots})
	if w.wrap != nil {
		p = w.wrap(p)
	}
	keys := []manifest.Key{labKey}
	for _, ep := range w.more {
		keys = append(keys, ep.Key)
	}
	e, err := New(Options{
		Fleet: "lab", Source: w.src, Journal: w.store,
		Load: func(files fs.FS) *manifest.Desired {
			return manifest.Resolve(manifest.Load(files, manifest.Options{}), manifest.ResolveOptions{Providers: keys})
		},
		Endpoints:   append([]Endpoint{{Key: labKey, Provider: p, QPS: w.qps, Burst: 1}}, w.more...),
		Policy:      func(time.Time) plan.Policy { return w.policy },
		Log:         slog.New(slog.NewJSONHandler(w.out, &slog.HandlerOptions{Level: slog.LevelDebug})),
		CallTimeout: w.call, ObserveTimeout: w.obs,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.engine = e
}

// pass runs one pass and returns its report and the mutating calls that
// reached the hypervisor.
func (w *world) pass() (*Report, []string) {
	w.t.Helper()
	w.hv.ForgetCalls()
	w.out.reset()
	w.store.reset()
	rep, err := w.engine.Pass(w.t.Context(), w.opts)
	if err != nil {
		w.t.Fatal(err)
	}
	return rep, w.hv.Calls()
}

// want runs one pass and compares its calls, those of one VM in order.
func (w *world) want(reason string, calls ...string) *Report {
	w.t.Helper()
	rep, got := w.pass()
	if len(calls) > 1 && strings.HasPrefix(calls[0], "in any order") {
		calls = calls[1:]
		slices.Sort(calls)
		slices.Sort(got)
	}
	if diff := cmp.Diff(calls, got, cmpEmpty); diff != "" {
		w.t.Errorf("%s: calls (-want +got):\n%s\nlog:\n%s", reason, diff, w.out)
	}
	return rep
}

// outcome returns how the VM's calls of a pass went.
func outcome(rep *Report, vm string) Result {
	for _, res := range rep.Results {
		if res.VM.Name == vm {
			return res
		}
	}
	return Result{}
}

// cmpEmpty makes no difference between nil and empty.
var cmpEmpty = cmp.Transformer("empty", func(s []string) []string {
	if len(s) == 0 {
		return nil
	}
	return s
})

// spyStore counts writes, and fails or dies at one.
type spyStore struct {
	journal.Store
	mu     sync.Mutex
	writes int
	// before is called ahead of each write, with its number from 1; after is
	// called when it is done. An error is returned in place of writing.
	before func(n int) error
	after  func(n int)
}

func (s *spyStore) write(fn func() error) error {
	s.mu.Lock()
	s.writes++
	n := s.writes
	s.mu.Unlock()
	if s.before != nil {
		if err := s.before(n); err != nil {
			return err
		}
	}
	err := fn()
	if s.after != nil {
		s.after(n)
	}
	return err
}

func (s *spyStore) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = 0
}

func (s *spyStore) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

func (s *spyStore) Put(records map[manifest.Key]journal.Record) error {
	return s.write(func() error { return s.Store.Put(records) })
}
func (s *spyStore) Forget(vm manifest.Key) error {
	return s.write(func() error { return s.Store.Forget(vm) })
}
func (s *spyStore) SetState(name string, v any) error {
	return s.write(func() error { return s.Store.SetState(name, v) })
}
func (s *spyStore) Append(e journal.Event) error {
	return s.write(func() error { return s.Store.Append(e) })
}

// logLines collects the lines of the log.
type logLines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logLines) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Reset()
}

// with returns the values of some keys of every line with that message, the
// level first, separated by bars.
func (l *logLines) with(message string, keys ...string) []string {
	var out []string
	for line := range strings.Lines(l.String()) {
		var m map[string]any
		if json.Unmarshal([]byte(line), &m) != nil || m["msg"] != message {
			continue
		}
		text := m["level"].(string)
		for _, k := range keys {
			v, _ := m[k].(string)
			text += "|" + v
		}
		out = append(out, text)
	}
	return out
}
