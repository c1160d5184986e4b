package providertest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/vmsteward/vmsteward/providers"
)

func contextChecks() []Check {
	return []Check{{
		"a-cancelled-context-does-nothing", "A call whose context has ended returns the context's error, unwrapped, at once, and does nothing.",
		contextCancelled,
	}, {
		"deadlines-are-honoured", "A call returns by its context's deadline when the endpoint does not answer, with the context's error or Timeout.",
		contextDeadline,
	}}
}

// everyCall is each call of the contract, and of the interfaces beside it that
// the provider has, for one VM.
func (e *Env) everyCall(ref providers.Ref) map[string]func(context.Context) error {
	cpu := 3
	all := map[string]func(context.Context) error{
		"validate": e.P.Validate,
		"create": func(ctx context.Context) error {
			_, err := e.P.Create(ctx, providers.CreateRequest{Owner: ref.Owner, VM: e.wanted(ref.Owner)})
			return err
		},
		"delete": func(ctx context.Context) error { _, err := e.P.Delete(ctx, ref); return err },
		"power":  func(ctx context.Context) error { _, err := e.P.Power(ctx, ref, providers.PowerStart); return err },
		"reconfigure": func(ctx context.Context) error {
			_, err := e.P.Reconfigure(ctx, ref, providers.Change{CPU: &cpu})
			return err
		},
		"describe": func(ctx context.Context) error { _, err := e.P.Describe(ctx, ref); return err },
	}
	if l, ok := providers.As[providers.Lister](e.P); ok {
		all["list"] = func(ctx context.Context) error { _, err := l.List(ctx); return err }
	}
	if p, ok := providers.As[providers.Pulse](e.P); ok {
		all["pulse"] = func(ctx context.Context) error { _, err := p.Pulse(ctx); return err }
	}
	if w, ok := providers.As[providers.Watcher](e.P); ok {
		all["watch"] = func(ctx context.Context) error { return w.Watch(ctx, func() {}, func(...string) {}) }
	}
	if s, ok := providers.As[providers.Snapshotter](e.P); ok {
		all["snapshots"] = func(ctx context.Context) error { _, err := s.Snapshots(ctx, ref); return err }
		all["take a snapshot"] = func(ctx context.Context) error {
			_, err := s.TakeSnapshot(ctx, ref, providers.SnapshotRequest{Name: "some"})
			return err
		}
		all["revert to a snapshot"] = func(ctx context.Context) error { _, err := s.RevertSnapshot(ctx, ref, "some"); return err }
		all["drop a snapshot"] = func(ctx context.Context) error { _, err := s.DropSnapshot(ctx, ref, "some"); return err }
	}
	if s, ok := providers.As[providers.Sweeper](e.P); ok {
		all["sweep"] = func(ctx context.Context) error {
			return s.Sweep(ctx, providers.Leftover{ID: "no-such-volume", Owner: ref.Owner})
		}
	}
	return all
}

func contextCancelled(ctx context.Context, e *Env) error {
	ref, before := e.made(ctx, "a")
	absent := providers.Ref{Owner: e.owner(ctx, "b")}
	volumes := e.volumes(ctx)
	if e.failed() {
		return e.Err()
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	calls := e.everyCall(ref)
	calls["create of another"] = e.everyCall(absent)["create"]
	calls["task"] = func(ctx context.Context) error {
		_, err := e.P.IsTaskComplete(ctx, "providertest/no-such-task/1")
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		err, inTime := promptly(e.CallTimeout, func() error { return calls[name](ended) })
		var wrapped *providers.Error
		switch {
		case !inTime:
			e.failf("%s with an ended context did not return within %s", name, e.CallTimeout)
		case !errors.Is(err, context.Canceled) || errors.As(err, &wrapped):
			e.failf("%s with an ended context: want the context's error, unwrapped: %w", name, orNone(err))
		}
	}
	e.untouched(ctx, "calls with an ended context", ref, before)
	e.gone(ctx, absent)
	e.sameVolumes("calls with an ended context", volumes, e.volumes(ctx))
	return e.Err()
}

func contextDeadline(ctx context.Context, e *Env) error {
	const patience, grace = 50 * time.Millisecond, 2 * time.Second
	if !e.need(e.Outside.Stall != nil, "Stall hook") {
		return e.Err()
	}
	ref, _ := e.made(ctx, "a")
	if e.failed() {
		return e.Err()
	}
	release := e.Outside.Stall()
	calls := e.everyCall(ref)
	for _, name := range slices.Sorted(maps.Keys(calls)) { // one that need ask nobody is not the first
		if e.failed() {
			break
		}
		fn := calls[name]
		err, inTime := promptly(patience+grace, func() error {
			short, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			return fn(short)
		})
		switch {
		case !inTime:
			e.failf("%s did not return %s after its deadline", name, grace)
		case providers.KindOf(err) != providers.Timeout:
			e.failf("%s at its deadline: want the context's error or Timeout: %w", name, orNone(err))
		}
	}
	release()
	e.ok("validate after the endpoint answers again", e.call(ctx, e.P.Validate))
	return e.Err()
}

func connectionChecks() []Check {
	return []Check{{
		"a-lost-connection-is-unavailable", "Calls on a lost connection are Unavailable, never NotFound, and the same provider works when the endpoint is back.",
		connectionLost,
	}, {
		"everything-survives-a-restart", "A new connection finds everything again: VMs by owner, and a task by its reference.",
		connectionNew,
	}}
}

func connectionLost(ctx context.Context, e *Env) error {
	if !e.need(e.Outside.Cut != nil, "Cut hook") {
		return e.Err()
	}
	ref, before := e.made(ctx, "a")
	if e.failed() {
		return e.Err()
	}
	restore := e.Outside.Cut()
	calls := e.everyCall(ref)
	for _, name := range slices.Sorted(maps.Keys(calls)) { // one that need ask nobody is not the first
		e.refused(name+" without a connection", e.call(ctx, calls[name]), providers.Unavailable)
	}
	restore()
	if e.failed() {
		return e.Err()
	}
	e.ok("validate when the endpoint is back", e.call(ctx, e.P.Validate))
	e.untouched(ctx, "losing the connection", ref, before)
	e.power(ctx, ref, providers.PowerStart)
	return e.Err()
}

func connectionNew(ctx context.Context, e *Env) error {
	ref, _ := e.running(ctx, "a")
	if !e.NoGuest && e.Booted != nil && !e.failed() {
		e.ok("booted hook", e.Booted(ctx, ref.ID))
	}
	off, before := e.made(ctx, "b")
	var task providers.TaskRef
	if !e.NoGuest {
		task = e.shutdown(ctx, ref)
	}
	e.connectAgain(ctx)
	e.untouched(ctx, "connecting again", providers.Ref{Owner: off.Owner}, before)
	again := e.create(ctx, ref.Owner, e.wanted(ref.Owner))
	if again.ID != ref.ID {
		e.failf("the VM was %q before the restart and is %q after it", ref.ID, again.ID)
	}
	if task != "" && !e.failed() {
		e.ok("wait for the task of before", e.wait(ctx, task))
		if vm := e.describe(ctx, ref); vm.Power != providers.Off {
			e.failf("the shutdown's task is complete and the VM is %s", vm.Power)
		}
	}
	return e.Err()
}
