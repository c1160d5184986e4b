package reconcile

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/reconcile/journal"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// observe reads every endpoint at once, each within its own deadline.
func (e *Engine) observe(ctx context.Context) []plan.Endpoint {
	out := make([]plan.Endpoint, len(e.opts.Endpoints))
	var wg sync.WaitGroup
	for i, ep := range e.opts.Endpoints {
		wg.Go(func() { out[i] = e.look(ctx, e.gates[ep.Key]) })
	}
	wg.Wait()
	return out
}

// look reads one endpoint. An endpoint that failed a moment ago is not asked
// again before its pause is over.
func (e *Engine) look(ctx context.Context, g *gate) (out plan.Endpoint) {
	out = plan.Endpoint{Key: g.Key, Caps: g.caps}
	defer func() { g.observed(out.Inventory != nil && out.Inventory.Complete) }()
	if g.Provider == nil {
		out.Unreachable = g.Unusable.Error()
		return out
	}
	if wait, why := g.paused(time.Now()); wait > 0 {
		out.Unreachable = why
		return out
	}
	ctx, cancel := context.WithTimeout(ctx, e.opts.ObserveTimeout)
	defer cancel()
	inv, err := e.inventory(ctx, g.Provider)
	if err == nil {
		g.recovered()
		out.Inventory = inv
		return out
	}
	out.Unreachable = err.Error()
	retry := g.failed(time.Now(), err)
	e.opts.Log.Warn("provider cannot be read", logkey.Provider, g.Key.String(), logkey.Kind, providers.KindOf(err),
		logkey.Err, err, logkey.RetryInMS, retry.Milliseconds())
	return out
}

// inventory reads everything at once, or, from a provider that cannot, each
// VM that the journal knows to be there and each that may have been made.
func (e *Engine) inventory(ctx context.Context, p providers.Provider) (*providers.Inventory, error) {
	if l, ok := p.(providers.Lister); ok {
		return l.List(ctx)
	}
	inv := &providers.Inventory{Complete: true}
	for key := range e.memory.all() {
		ref := providers.Ref{Owner: providers.Owner{Fleet: e.opts.Fleet, VM: key}}
		if err := describeInto(ctx, p, ref, inv); err != nil {
			return nil, err
		}
	}
	if e.last == nil {
		return inv, nil
	}
	for _, w := range e.last.state.VMs {
		if _, known := e.memory.get(w.Key); known {
			continue
		}
		ref := providers.Ref{Owner: providers.Owner{Fleet: e.opts.Fleet, VM: w.Key}}
		if err := describeInto(ctx, p, ref, inv); err != nil {
			return nil, err
		}
	}
	return inv, nil
}

func describeInto(ctx context.Context, p providers.Provider, ref providers.Ref, inv *providers.Inventory) error {
	vm, err := p.Describe(ctx, ref)
	switch {
	case err == nil:
		inv.VMs = append(inv.VMs, *vm)
	case providers.IsAbsent(err):
	case errors.Is(err, context.Canceled), providers.KindOf(err) == providers.Unavailable, providers.KindOf(err) == providers.Timeout:
		return err
	default:
		inv.Complete = false
		inv.Problems = append(inv.Problems, providers.Problem{Name: ref.Owner.VM.Name, Err: err})
	}
	return nil
}

// settleTasks asks after the long work that earlier passes began, and clears
// what has ended. What it did is seen by observing.
func (e *Engine) settleTasks(ctx context.Context) {
	for key, rec := range e.memory.all() {
		if rec.Intent == nil || rec.Intent.Task == "" {
			continue
		}
		g := e.gates[rec.Provider]
		if g == nil || g.Provider == nil {
			continue
		}
		if wait, _ := g.paused(time.Now()); wait > 0 {
			continue
		}
		e.settleTask(ctx, g, key, rec.Intent)
	}
}

func (e *Engine) settleTask(ctx context.Context, g *gate, key manifest.Key, in *journal.Intent) {
	ctx, cancel := context.WithTimeout(ctx, e.opts.CallTimeout)
	defer cancel()
	done, err := g.Provider.IsTaskComplete(ctx, providers.TaskRef(in.Task))
	if !done {
		return
	}
	e.opts.Log.Info("long work has ended", logkey.VM, key.String(), logkey.Provider, g.Key.String(),
		logkey.Action, in.Op, logkey.Err, err)
	if err := e.memory.update(key, func(r *journal.Record) { r.Intent = nil }); err != nil {
		e.opts.Log.Error("journal cannot be written", logkey.VM, key.String(), logkey.Err, err)
	}
}
