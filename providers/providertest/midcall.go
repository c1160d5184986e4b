package providertest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/vmsteward/vmsteward/providers"
)

// soon is how long a call may go on that has nothing to wait for any more.
const soon = 3 * time.Second

func midCallChecks() []Check {
	return []Check{{
		"cancellation-ends-a-call", "A call that is under way when its context is cancelled returns the context's error, unwrapped, soon.", midCallCancelled,
	}, {
		"a-connection-lost-in-mid-call-is-unavailable", "A call that is under way when the connection is lost returns Unavailable soon, and its repetition reaches the goal.",
		midCallLost,
	}}
}

// midCall makes the endpoint stall, begins each call by turns, and calls
// meanwhile as soon as the call waits for the endpoint. What the call returns
// then is given to judge. One that returns by itself needs no endpoint.
func (e *Env) midCall(ctx context.Context, ref providers.Ref, meanwhile func(cancel func()), judge func(name string, err error)) {
	calls := e.everyCall(ref)
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		if e.failed() {
			return
		}
		release := e.Outside.Stall()
		inner, cancel := context.WithCancel(ctx)
		answer := make(chan error, 1)
		go func() { answer <- calls[name](inner) }()
		if _, answered := within(2*e.Poll, answer); !answered {
			meanwhile(cancel)
			err, inTime := within(soon, answer)
			if !inTime {
				e.failf("%s goes on %s after there was nothing to wait for", name, soon)
			}
			judge(name, err)
		}
		cancel()
		release()
	}
}

func midCallCancelled(ctx context.Context, e *Env) error {
	if !e.need(e.Outside.Stall != nil, "Stall hook") {
		return e.Err()
	}
	ref, _ := e.made(ctx, "a")
	e.midCall(ctx, ref, func(cancel func()) { cancel() }, func(name string, err error) {
		var wrapped *providers.Error
		if !errors.Is(err, context.Canceled) || errors.As(err, &wrapped) {
			e.failf("%s that was cancelled: want the context's error, unwrapped: %w", name, orNone(err))
		}
	})
	e.converges(ctx, ref.Owner)
	return e.Err()
}

func midCallLost(ctx context.Context, e *Env) error {
	if !e.need(e.Outside.Stall != nil && e.Outside.Cut != nil, "Stall hook or Cut hook") {
		return e.Err()
	}
	ref, _ := e.made(ctx, "a")
	restore := func() {}
	e.midCall(ctx, ref, func(func()) { restore = e.Outside.Cut() }, func(name string, err error) {
		restore()
		e.refused(name+" whose connection was lost", err, providers.Unavailable)
	})
	e.converges(ctx, ref.Owner)
	return e.Err()
}

// converges expects that an owner's VM can be had whatever became of the calls
// before, which the endpoint may have done or not.
func (e *Env) converges(ctx context.Context, o providers.Owner) {
	if e.failed() {
		return
	}
	e.ok("validate when the endpoint answers again", e.call(ctx, e.P.Validate))
	e.settled(ctx, "calls that got no answer", providers.Ref{Owner: o})
	ref := e.create(ctx, o, e.wanted(o))
	e.power(ctx, ref, providers.PowerStop)
	e.onlyOne(ctx, o)
	e.delete(ctx, ref)
	ref = e.create(ctx, o, e.wanted(o))
	e.matches(e.wanted(o), o, e.describe(ctx, ref))
	e.onlyOne(ctx, o)
}
