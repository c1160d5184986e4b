package reconcile

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/reconcile/journal"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// reading is how much an observation reads.
type reading int

const (
	// readApart reads everything and leaves the mirrors alone: for a plan
	// beside a pass.
	readApart reading = iota
	// readAll reads everything, for a pass.
	readAll
	// readChanged reads what the endpoints said has changed.
	readChanged
)

// observe reads every endpoint at once, each within its own deadline.
func (e *Engine) observe(ctx context.Context, d *desired, how reading) []plan.Endpoint {
	out := make([]plan.Endpoint, len(e.opts.Endpoints))
	var wg sync.WaitGroup
	for i, ep := range e.opts.Endpoints {
		wg.Go(func() { out[i] = e.look(ctx, e.gates[ep.Key], d, how) })
	}
	wg.Wait()
	return out
}

// look reads one endpoint. An endpoint that failed a moment ago is not asked
// again before its pause is over.
func (e *Engine) look(ctx context.Context, g *gate, d *desired, how reading) (out plan.Endpoint) {
	out = plan.Endpoint{Key: g.Key, Caps: g.stated.caps(), EverRead: e.reads.has(g.Key)}
	defer func() { g.observed(out.Inventory != nil && out.Inventory.Complete) }()
	if g.Provider == nil {
		out.Unreachable = g.Unusable.Error()
		return out
	}
	if wait, why := g.paused(time.Now()); wait > 0 {
		out.Unreachable = why
		return out
	}
	inv, err := e.inventory(ctx, g, d, how)
	if err != nil {
		out.Unreachable = err.Error()
		return out
	}
	out.Inventory, out.Caps = inv, g.ask()
	if how != readApart {
		g.heed(out.Caps)
	}
	return out
}

// inventory reads everything at once, or, from a provider that cannot, each
// VM that the journal knows to be there and each that may have been made.
func (e *Engine) inventory(ctx context.Context, g *gate, d *desired, how reading) (inv *plan.Inventory, err error) {
	limited, cancel := context.WithTimeout(ctx, e.opts.ObserveTimeout)
	defer cancel()
	begun := time.Now()
	read := func(ctx context.Context) (*providers.Inventory, error) { return e.describeAll(ctx, g, d) }
	l, lists := providers.As[providers.Lister](g.Provider)
	if lists {
		read = l.List
	}
	switch {
	case how == readApart:
		inv, err = apart(limited, read)
	case lists:
		inv, err = e.mirrored(limited, g, read, how)
	default:
		inv, err = whole(limited, g, read)
	}
	if err != nil && ctx.Err() == nil {
		g.failed(time.Now(), err) // an endpoint is not to blame for a caller who left
	}
	if err == nil {
		g.recovered(begun)
	}
	return inv, err
}

// fullRead reads all VMs of an endpoint.
type fullRead func(context.Context) (*providers.Inventory, error)

// apart reads everything, and nothing remembers it.
func apart(ctx context.Context, read fullRead) (*plan.Inventory, error) {
	inv, err := read(ctx)
	if err != nil {
		return nil, err
	}
	return plan.Found(inv), nil
}

// mirrored brings the mirror of an endpoint up to date.
func (e *Engine) mirrored(ctx context.Context, g *gate, read fullRead, how reading) (*plan.Inventory, error) {
	ids, part := g.mirror.take(how == readAll)
	if part {
		if inv, err := e.refreshMirror(ctx, g, ids); err == nil {
			return inv, nil
		}
	}
	return whole(ctx, g, read)
}

// whole reads everything into the mirror of an endpoint.
func whole(ctx context.Context, g *gate, read fullRead) (*plan.Inventory, error) {
	inv, err := read(ctx)
	if err != nil || !inv.Complete {
		g.mirror.changed("") // nothing may be concluded from what is missing in it
	}
	if err != nil {
		return nil, err
	}
	return g.mirror.keep(inv), nil
}

func (e *Engine) describeAll(ctx context.Context, g *gate, d *desired) (*providers.Inventory, error) {
	known := make(map[manifest.Key]bool)
	for _, key := range e.memory.all() {
		rec := e.memory.at(key)
		known[key] = rec != nil && rec.Provider == g.Key
	}
	for _, w := range d.state.VMs {
		known[w.Key] = known[w.Key] || w.Provider == g.Key
	}
	inv := &providers.Inventory{Complete: true}
	for _, key := range slices.SortedFunc(maps.Keys(known), manifest.Key.Compare) {
		if !known[key] {
			continue
		}
		if err := e.describeInto(ctx, g, key, inv); err != nil {
			return nil, err
		}
	}
	return inv, nil
}

func (e *Engine) describeInto(ctx context.Context, g *gate, key manifest.Key, inv *providers.Inventory) error {
	var vm *providers.VM
	err := g.call(ctx, e.opts.CallTimeout, func(ctx context.Context) (err error) {
		vm, err = g.Provider.Describe(ctx, providers.Ref{Owner: providers.Owner{Fleet: e.opts.Fleet, VM: key}})
		return err
	})
	switch {
	case err == nil:
		inv.VMs = append(inv.VMs, *vm)
	case providers.IsAbsent(err):
	case ctx.Err() != nil, g.down(err):
		return err
	default:
		inv.Complete = false
		inv.Problems = append(inv.Problems, providers.Problem{Name: key.String(), Err: err})
	}
	return nil
}

// settleTasks asks after the long work that earlier passes began, and forgets
// the tasks that have ended. What they did is seen by observing; the intents
// stay until it was.
func (e *Engine) settleTasks(ctx context.Context) (errs []error) {
	for key, rec := range e.memory.unsettled() {
		task := rec.task()
		if task == nil {
			continue
		}
		if g := e.gates[rec.Provider]; g != nil && g.Provider != nil {
			if err := e.settleTask(ctx, g, key, task); err != nil {
				errs = append(errs, err)
			}
		}
	}
	return errs
}

// settleTask returns an error of the journal only.
func (e *Engine) settleTask(ctx context.Context, g *gate, key manifest.Key, in *journal.Intent) error {
	done := false
	err := g.call(ctx, e.opts.CallTimeout, func(ctx context.Context) (err error) {
		done, err = g.Provider.IsTaskComplete(ctx, providers.TaskRef(in.Task))
		return err
	})
	if !done {
		return nil
	}
	e.opts.Log.Info("long work has ended", logkey.VM, key.String(), logkey.Provider, g.Key.String(),
		logkey.Action, in.Op, logkey.Err, err)
	return e.memory.update(key, func(r *journal.Record) {
		r.Intent = r.Intent.WithTask("")
		if err != nil {
			r.Failure = failureOf(r.Failure, in.Digest, err, time.Now().UTC())
		}
	})
}
