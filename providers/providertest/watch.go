package providertest

import (
	"context"
	"errors"
	"slices"

	"github.com/vmsteward/vmsteward/providers"
)

func watchChecks() []Check {
	return []Check{{
		"watch-is-ready-once-and-first", "Watch calls ready once, before it tells of any change, and one call at a time.", watchReady,
	}, {
		"outside-changes-are-told", "A VM that somebody else changed, made or removed after ready is told by Watch or found by Pulse.", toldOutside,
	}, {
		"own-changes-are-told", "What our own calls change is told by Watch or found by Pulse like anybody's.", toldOwn,
	}, {
		"told-ids-are-those-of-list", "Watch and Pulse name VMs by the ids that List reports.", toldIDs,
	}, {
		"watch-ends-with-its-context", "Watch returns the context's error soon after its end, also when the endpoint does not answer, and another Watch may begin.",
		watchContext,
	}, {
		"watch-ends-with-the-connection", "Watch returns Unavailable when the connection is lost, and another Watch works when the endpoint is back.",
		watchLost,
	}, {
		"pulse-finds-what-differs", "The first Pulse returns nothing, and each later one the VMs that changed since the one before, and no others.",
		pulseDiffers,
	}}
}

// follows skips the check unless the provider tells of changes.
func (e *Env) follows() bool {
	_, watches := providers.As[providers.Watcher](e.P)
	_, pulses := providers.As[providers.Pulse](e.P)
	return e.need(watches || pulses, "Watcher or Pulse")
}

// watches skips the check unless the provider has a Watch.
func (e *Env) watches() bool {
	_, can := providers.As[providers.Watcher](e.P)
	return e.need(can, "Watcher")
}

func watchReady(ctx context.Context, e *Env) error {
	if !e.watches() {
		return e.Err()
	}
	ref, _ := e.made(ctx, "a")
	f := e.follow(ctx)
	defer f.stop()
	for _, op := range []providers.PowerOp{providers.PowerStart, providers.PowerStop} {
		f.act(ctx, string(op), ref.ID, func() { e.power(ctx, ref, op) })
	}
	f.close()
	return e.Err()
}

func toldOutside(ctx context.Context, e *Env) error {
	if !e.follows() || !e.need(e.Outside.SetCPU != nil, "SetCPU hook") {
		return e.Err()
	}
	ref, vm := e.made(ctx, "a")
	f := e.follow(ctx)
	defer f.stop()
	f.act(ctx, "another number of CPUs", ref.ID, func() {
		e.ok("SetCPU hook", e.Outside.SetCPU(ctx, ref.ID, vm.Config.CPU.Value+1))
	})
	if e.Outside.Foreign != nil {
		f.forget()
		id := e.foreign(ctx, e.owner(ctx, "stranger").VM.Name)
		f.expect(ctx, "a stranger's new VM", id)
	}
	if e.Outside.Suspend != nil {
		e.power(ctx, ref, providers.PowerStart)
		f.expect(ctx, "a start", ref.ID)
		f.act(ctx, "a pause", ref.ID, func() { e.ok("Suspend hook", e.Outside.Suspend(ctx, ref.ID)) })
		e.power(ctx, ref, providers.PowerStop)
	}
	if e.Outside.Undefine != nil {
		f.act(ctx, "a removal", ref.ID, func() { e.ok("Undefine hook", e.Outside.Undefine(ctx, ref.ID)) })
	}
	f.close()
	return e.Err()
}

func toldOwn(ctx context.Context, e *Env) error {
	if !e.follows() {
		return e.Err()
	}
	o := e.owner(ctx, "a")
	f := e.follow(ctx)
	defer f.stop()
	ref := e.create(ctx, o, e.wanted(o))
	f.expect(ctx, "create", ref.ID)
	if e.can(providers.FieldCPU) != providers.Never {
		cpu := e.VM(o.VM).CPU + 1
		f.act(ctx, "reconfigure", ref.ID, func() { e.reconfigure(ctx, ref, providers.Change{CPU: &cpu}) })
	}
	if e.can(providers.FieldTags) != providers.Never {
		f.act(ctx, "new tags", ref.ID, func() { e.reconfigure(ctx, ref, providers.Change{Tags: &[]string{"other"}}) })
	}
	f.act(ctx, "start", ref.ID, func() { e.power(ctx, ref, providers.PowerStart) })
	f.act(ctx, "stop", ref.ID, func() { e.power(ctx, ref, providers.PowerStop) })
	f.act(ctx, "delete", ref.ID, func() { e.delete(ctx, ref) })
	f.close()
	return e.Err()
}

func toldIDs(ctx context.Context, e *Env) error {
	if _, lists := providers.As[providers.Lister](e.P); !e.follows() || !e.need(lists, "Lister") {
		return e.Err()
	}
	f := e.follow(ctx)
	defer f.stop()
	var known []string
	see := func() {
		for _, vm := range e.list(ctx).VMs {
			known = append(known, vm.ID)
		}
	}
	see()
	ref, _ := e.running(ctx, "a")
	f.expect(ctx, "a start", ref.ID)
	see()
	e.power(ctx, ref, providers.PowerStop)
	f.act(ctx, "delete", ref.ID, func() { e.delete(ctx, ref) })
	see()
	f.close()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range f.allTold {
		if id != "" && !slices.Contains(known, id) {
			e.failf("%q is told and was never listed", id)
		}
	}
	return e.Err()
}

func watchContext(ctx context.Context, e *Env) error {
	if !e.watches() {
		return e.Err()
	}
	e.follow(ctx).close()
	f := e.follow(ctx)
	defer f.stop()
	ref, _ := e.made(ctx, "a")
	f.expect(ctx, "create during the second watch", ref.ID)
	if e.Outside.Stall == nil || e.failed() {
		f.close()
		return e.Err()
	}
	release := e.Outside.Stall()
	f.close()
	release()
	return e.Err()
}

func watchLost(ctx context.Context, e *Env) error {
	if !e.watches() || !e.need(e.Outside.Cut != nil, "Cut hook") {
		return e.Err()
	}
	ref, _ := e.made(ctx, "a")
	f := e.follow(ctx)
	defer f.stop()
	if e.failed() {
		return e.Err()
	}
	restore := e.Outside.Cut()
	err := f.ended("the connection was lost")
	restore()
	var known *providers.Error
	if !e.failed() && (!errors.As(err, &known) || known.Kind != providers.Unavailable) {
		e.failf("watch on a lost connection: want Unavailable: %w", orNone(err))
	}
	again := e.follow(ctx)
	defer again.stop()
	again.act(ctx, "a start after the endpoint came back", ref.ID, func() { e.power(ctx, ref, providers.PowerStart) })
	again.close()
	return e.Err()
}

func pulseDiffers(ctx context.Context, e *Env) error {
	if _, can := providers.As[providers.Pulse](e.P); !e.need(can, "Pulse") {
		return e.Err()
	}
	a, _ := e.made(ctx, "a")
	b, _ := e.made(ctx, "b")
	f := &following{e: e}
	look := func(when string, want ...string) {
		ids := f.pulse(ctx)
		for _, id := range []string{a.ID, b.ID} {
			if !e.failed() && slices.Contains(ids, id) != slices.Contains(want, id) {
				e.failf("pulse %s found %q, want %q", when, ids, want)
			}
		}
	}
	if first := f.pulse(ctx); len(first) > 0 {
		e.failf("the first pulse found %q", first)
	}
	look("when nothing has changed")
	e.power(ctx, a, providers.PowerStart)
	look("after a start", a.ID)
	look("after the one after the start")
	e.power(ctx, a, providers.PowerStop)
	e.delete(ctx, b)
	look("after a stop and a removal", a.ID, b.ID)
	look("at the end")
	return e.Err()
}
