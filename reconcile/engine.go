package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/reconcile/journal"
	"github.com/vmsteward/vmsteward/reconcile/plan"
	"github.com/vmsteward/vmsteward/sources"
)

// Options is what an Engine works with. Fleet, Source, Load, Journal and Log
// are required.
type Options struct {
	Fleet     string
	Source    sources.Source
	Load      func(fs.FS) *manifest.Desired // decode and resolve; pure
	Endpoints []Endpoint
	Journal   journal.Store
	// Policy gives the host's policy at an instant, disruption windows weighed.
	Policy func(now time.Time) plan.Policy
	Log    *slog.Logger

	// ObserveTimeout bounds the bulk read of one endpoint and CallTimeout one
	// call to it; zero: 2 and 5 minutes.
	ObserveTimeout, CallTimeout time.Duration
}

// Endpoint is one configured provider.
type Endpoint struct {
	Key      manifest.Key
	Provider providers.Provider // nil: it could not be built, see Unusable
	Unusable error
	// QPS and Burst limit calls that change something or describe one VM;
	// zero: no limit.
	QPS   float64
	Burst int
}

// Engine runs passes, one at a time. It is safe for concurrent use: passes
// wait for each other.
type Engine struct {
	opts   Options
	gates  map[manifest.Key]*gate
	memory *recall

	origin string // start of every pass id of this process

	pass    sync.Mutex   // held during a pass
	retired bool         // guarded by pass
	number  int          // guarded by pass
	said    repeats      // guarded by pass
	told    []*plan.Item // guarded by pass: the items that said was last said of
	noted   noted        // guarded by pass
	kept    *Brief       // guarded by pass: what the journal has of the last pass
	memo    plan.Memo    // guarded by pass
	seen    sighted      // guarded by pass

	reads everRead

	reading sync.Mutex // held while the source is read
	last    *desired   // guarded by reading

	suspending sync.Mutex // held while the suspensions change

	latest atomic.Pointer[Report]
}

// New checks the options and reads the journal.
func New(opts Options) (*Engine, error) {
	switch {
	case opts.Fleet == "":
		return nil, errors.New("the fleet has no name")
	case opts.Source == nil || opts.Load == nil || opts.Journal == nil || opts.Log == nil || opts.Policy == nil:
		return nil, errors.New("reconcile: an option is missing")
	}
	if opts.ObserveTimeout <= 0 {
		opts.ObserveTimeout = 2 * time.Minute
	}
	if opts.CallTimeout <= 0 {
		opts.CallTimeout = 5 * time.Minute
	}
	mem, err := remember(opts.Journal)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		opts: opts, memory: mem, gates: make(map[manifest.Key]*gate),
		said: repeats{}, origin: time.Now().UTC().Format("20060102T150405"),
	}
	if err := e.reads.load(opts.Journal); err != nil {
		return nil, err
	}
	for _, ep := range opts.Endpoints {
		if e.gates[ep.Key] != nil {
			return nil, fmt.Errorf("provider %s is configured twice", ep.Key)
		}
		e.gates[ep.Key] = newGate(ep)
	}
	return e, nil
}

// PassOptions shapes one pass. The zero value is an ordinary pass.
type PassOptions struct {
	Reason string // what woke the pass, for the log
	// Changed lets endpoints that tell of their changes be read in part: what
	// changed since the last pass. Otherwise everything is read.
	Changed bool
	// Only restricts calls to these VMs; empty: all.
	Only []manifest.Key
	// Waits, when it ends, ends the waiting for long work, which a later pass
	// picks up. Nil: the pass waits as long as its context lives.
	Waits context.Context
	// Progress is called at every step, from many goroutines; nil: nobody asks.
	Progress func()
	// Expect is the fingerprint of the plan that was agreed to. A pass whose
	// plan is another makes no call and returns ErrPlanMoved.
	Expect string
}

// ErrPlanMoved says that the plan is not the one that was agreed to any more.
var ErrPlanMoved = errors.New("the plan has changed since it was shown")

// Outlook is what a pass would do.
type Outlook struct {
	Plan     plan.Plan          `json:"plan"` // of a pass: spelled in JSON only, see plan.Plan.Spelled
	Snapshot Snapshot           `json:"snapshot"`
	Findings []manifest.Finding `json:"findings,omitempty"`
	VMs      []View             `json:"vms"` // in the plan's order; of a pass: in JSON only, see Report.Views
}

// Snapshot says which desired state was weighed.
type Snapshot struct {
	Source   string         `json:"source"`
	Revision string         `json:"revision"`
	Title    string         `json:"title,omitempty"`
	Author   string         `json:"author,omitempty"`
	Time     time.Time      `json:"time,omitzero"`
	Notes    []string       `json:"notes,omitempty"`
	Stale    string         `json:"stale,omitempty"` // why it is not the newest
	Skipped  map[string]int `json:"skipped,omitempty"`
}

// Plan does everything of a pass that has no effect. It does not wait for a
// pass that is under way.
func (e *Engine) Plan(ctx context.Context) (*Outlook, error) {
	look, _, err := e.outlook(ctx, readApart)
	if err != nil {
		return nil, err
	}
	look.VMs = views(look.Plan.Items)
	return look, nil
}

// ErrRetired says that another engine has taken over.
var ErrRetired = errors.New("another engine has taken over")

// Retire waits for the pass under way, runs swap, and lets no further pass
// begin.
func (e *Engine) Retire(swap func()) {
	e.pass.Lock()
	defer e.pass.Unlock()
	e.retired = true
	swap()
}

// Recall reads the journal again: an engine that this one takes over from has
// written to it since New. It is called before this engine is used.
func (e *Engine) Recall() error {
	e.pass.Lock()
	defer e.pass.Unlock()
	mem, err := remember(e.opts.Journal)
	if err != nil {
		return err
	}
	e.memory = mem
	return e.reads.load(e.opts.Journal)
}

// Latest returns the report of the last pass of this process; nil: none yet.
// It is read-only.
func (e *Engine) Latest() *Report { return e.latest.Load() }

// Unfinished tells whether work was begun whose end is not known.
func (e *Engine) Unfinished() bool {
	for _, rec := range e.memory.unsettled() {
		if rec.intent != nil {
			return true
		}
	}
	return false
}

// Pass reads, observes, plans, executes, verifies and records. The error is
// about the pass as a whole: no desired state could be had. Everything else,
// what failed for one VM above all, is in the Report.
func (e *Engine) Pass(ctx context.Context, opts PassOptions) (*Report, error) {
	e.pass.Lock()
	defer e.pass.Unlock()
	if e.retired {
		return nil, ErrRetired
	}
	e.number++
	r := &run{
		Engine: e, opts: opts, begun: time.Now(),
		id: fmt.Sprintf("%s-%d", e.origin, e.number),
	}
	r.log = e.opts.Log.With(logkey.Pass, r.id)
	return r.do(ctx)
}

// outlook fetches, loads, observes and builds the plan.
func (e *Engine) outlook(ctx context.Context, how reading) (*Outlook, *scene, error) {
	d, err := e.read(ctx)
	if err != nil {
		return nil, nil, err
	}
	sc := &scene{desired: d, endpoints: e.observe(ctx, d, how)}
	sc.now = time.Now()
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	look := &Outlook{Snapshot: d.describe(e.opts.Source), Findings: d.state.Findings}
	in := e.input(sc)
	if in.Suspended, err = e.Suspensions(); err != nil {
		return nil, nil, err
	}
	if how == readApart {
		in.Facts = e.memory.copyFacts()
		look.Plan = plan.Build(in)
	} else {
		in.Facts = e.memory.facts
		look.Plan = e.memo.Build(in)
	}
	return look, sc, nil
}

// scene is what a pass weighs.
type scene struct {
	desired   *desired
	now       time.Time
	endpoints []plan.Endpoint
}

func (e *Engine) input(sc *scene) plan.Input {
	in := plan.Input{
		Fleet: e.opts.Fleet, Revision: sc.desired.snapshot.Revision, Now: sc.now,
		Wanted: sc.desired.state.VMs, Incomplete: sc.desired.incomplete(),
		Endpoints: sc.endpoints, Policy: e.opts.Policy(sc.now),
	}
	for _, h := range sc.desired.state.Held {
		in.Unresolved = append(in.Unresolved, plan.Unresolved{VM: h.Key, Provider: h.Provider, Reason: heldReason(h)})
	}
	return in
}

func heldReason(h manifest.Held) string {
	for _, f := range h.Reasons {
		if f.Severity == manifest.Error {
			return "its manifest cannot be used: " + f.String()
		}
	}
	return "its manifest cannot be used: see " + h.At.String()
}
