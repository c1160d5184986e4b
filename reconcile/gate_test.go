package reconcile

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vmsteward/vmsteward/providers"
)

var errGone = &providers.Error{Op: "list", Kind: providers.Unavailable, Err: errors.New("no route to host")}

func TestCallInFlightDoesNotProveThatTheEndpointIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(Endpoint{})
		begun := time.Now()
		time.Sleep(time.Second)
		g.failed(time.Now(), errGone)
		g.recovered(begun)
		if g.open() == nil {
			t.Error("a call that began before the failure ends the pause")
		}
		time.Sleep(time.Minute)
		if err := g.call(t.Context(), time.Minute, func(context.Context) error { return nil }); err != nil || g.failures != 0 {
			t.Errorf("%v, %d failures", err, g.failures)
		}
	})
}

func TestCallThatWaitedForTheRateLooksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(Endpoint{QPS: 1, Burst: 1})
		made := 0
		fn := func(context.Context) error { made++; return nil }
		if err := g.call(t.Context(), time.Minute, fn); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(500*time.Millisecond, func() { g.failed(time.Now(), errGone) })
		if err := g.call(t.Context(), time.Minute, fn); !errors.Is(err, errEndpointDown) || made != 1 {
			t.Errorf("%v, %d calls", err, made)
		}
	})
}

func TestCallerWhoLeftBlamesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(Endpoint{})
		ctx, cancel := context.WithCancel(t.Context())
		err := g.call(ctx, time.Minute, func(context.Context) error { cancel(); return errGone })
		if !errors.Is(err, errGone) || g.open() != nil {
			t.Errorf("%v, then %v", err, g.open())
		}
		if err := g.call(ctx, time.Minute, nil); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
