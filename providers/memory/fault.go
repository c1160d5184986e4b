package memory

import (
	"context"
	"errors"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// Fault is a rule by which calls go wrong. It applies to the calls that match
// Op and VM; of those it lets the first Skip pass.
type Fault struct {
	Op    string       // "create", "list", …; empty: every call
	VM    manifest.Key // zero: every VM
	Skip  int          // how many matching calls pass first
	Times int          // how many calls it hits; 0: one; negative: all

	Delay   time.Duration  // the call takes so long
	Hang    bool           // the call ends with its context, or with the connection
	Kind    providers.Kind // of the error; empty: no error
	Missing string         // with NotFound
	After   time.Duration  // with RateLimited
	// Lost lets the call take effect and then loses its answer: Delay, Hang
	// and Kind happen afterwards. A call that fails by itself is not touched.
	Lost bool

	hv *Hypervisor // that it was injected into
}

// matches tells whether the rule is about the call.
func (f *Fault) matches(c call) bool {
	return (f.Op == "" || f.Op == c.op) &&
		(f.VM == manifest.Key{} || f.VM == c.owner.VM)
}

// arrival is what happens before the call takes effect.
func (f *Fault) arrival(ctx context.Context, c call) error {
	if f == nil || f.Lost {
		return nil
	}
	return f.strike(ctx, c)
}

// answer is what happens after the call took effect.
func (f *Fault) answer(ctx context.Context, c call) error {
	if f == nil || !f.Lost {
		return nil
	}
	return f.strike(ctx, c)
}

// strike delays, hangs or fails the call.
func (f *Fault) strike(ctx context.Context, c call) error {
	if f.Hang {
		return f.hv.hang(ctx, c)
	}
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if f.Kind == "" {
		return nil
	}
	return &providers.Error{
		Op: c.op, Subject: c.subject(), Kind: f.Kind, Missing: f.Missing, After: f.After,
		Err: errors.New("injected fault"),
	}
}

// Inject adds faults. The first that matches a call and has not been used up
// hits it.
func (h *Hypervisor) Inject(faults ...Fault) {
	h.ctl.Lock()
	defer h.ctl.Unlock()
	for _, f := range faults {
		if f.Times == 0 {
			f.Times = 1
		}
		f.hv = h
		h.faults = append(h.faults, &f)
	}
}

// Heal forgets all faults and restores the connection.
func (h *Hypervisor) Heal() {
	h.setCut(false)
	h.ctl.Lock()
	defer h.ctl.Unlock()
	h.faults = nil
}

// Cut makes every call of every connection fail with Unavailable, until
// Restore or Heal, and ends every Watch and every call that hangs.
func (h *Hypervisor) Cut() {
	h.setCut(true)
	h.loseStreams("the endpoint does not answer", nil)
}

// Restore ends what Cut began.
func (h *Hypervisor) Restore() { h.setCut(false) }

func (h *Hypervisor) setCut(cut bool) {
	h.ctl.Lock()
	defer h.ctl.Unlock()
	h.cut = cut
	if cut {
		for severed := range h.hanging {
			close(severed)
		}
		clear(h.hanging)
	}
}

// hang returns when the context ends or the connection is cut.
func (h *Hypervisor) hang(ctx context.Context, c call) error {
	severed := make(chan struct{})
	h.ctl.Lock()
	if h.cut {
		close(severed)
	} else {
		h.hanging[severed] = true
	}
	h.ctl.Unlock()
	defer func() {
		h.ctl.Lock()
		defer h.ctl.Unlock()
		delete(h.hanging, severed)
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-severed:
		return c.fail(providers.Unavailable, "the connection was lost")
	}
}

// arrive counts the call and picks the fault that hits it, if any.
func (h *Hypervisor) arrive(c call) (cut bool, hit *Fault) {
	h.ctl.Lock()
	defer h.ctl.Unlock()
	h.counts[c.op]++
	if h.cut {
		return true, nil
	}
	for _, f := range h.faults {
		switch {
		case hit != nil || f.Times == 0 || !f.matches(c):
		case f.Skip > 0:
			f.Skip--
		default:
			if f.Times > 0 {
				f.Times--
			}
			hit = f
		}
	}
	return false, hit
}

// Step is a point between two internal effects of a call.
type Step struct {
	Op   string       // create, delete, reconfigure or power
	VM   manifest.Key // whose
	N    int          // counts from 1 within the call
	Done string       // the effect that has just been made, such as "volume root"
}

// OnStep has fn called after each internal effect of Create, Delete,
// Reconfigure and Power, with no lock held. It may panic or end the process: the effects
// made so far stay, as after kill -9. If it returns an error, the call stops
// there and returns it, as Unavailable unless it has a kind. nil ends it.
func (h *Hypervisor) OnStep(fn func(Step) error) {
	h.ctl.Lock()
	defer h.ctl.Unlock()
	h.onStep = fn
}

// stepper counts the steps of one call.
type stepper struct {
	hv *Hypervisor
	c  call
	n  int
}

// done reports an effect to the hook.
func (s *stepper) done(effect string) error {
	s.hv.ctl.Lock()
	fn := s.hv.onStep
	s.hv.ctl.Unlock()
	s.n++
	if fn == nil {
		return nil
	}
	err := fn(Step{Op: s.c.op, VM: s.c.owner.VM, N: s.n, Done: effect})
	var known *providers.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &providers.Error{Op: s.c.op, Subject: s.c.subject(), Kind: providers.Unavailable, Err: err}
}
