package seedserver

import (
	"context"
	"sync/atomic"
	"time"
)

// fresh is how long a good answer of Validate holds.
const fresh = 5 * time.Second

// validity remembers whether the endpoint can be used. Callers that come while
// somebody asks share the answer, good or bad; later ones a good one.
type validity struct {
	ask  func(context.Context) error
	free chan struct{} // holds one while somebody looks
	at   time.Time     // of the answer; guarded by free, as is err
	err  error

	doubted atomic.Bool // since the answer
}

// doubt has the next caller ask anew: another call has failed as if the
// endpoint could not be used.
func (v *validity) doubt() { v.doubted.Store(true) }

func (v *validity) check(ctx context.Context) error {
	came := time.Now()
	select {
	case v.free <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-v.free }()
	if v.holds(came) {
		return v.err
	}
	v.doubted.Store(false)
	err := v.ask(ctx)
	if ctx.Err() != nil { // an answer that nobody waits for says nothing
		return ctx.Err()
	}
	v.at, v.err = time.Now(), err
	return err
}

// holds tells whether the last answer does for a caller who came at that time.
func (v *validity) holds(came time.Time) bool {
	switch {
	case v.at.IsZero():
		return false
	case v.at.After(came):
		return true
	}
	return v.err == nil && !v.doubted.Load() && time.Since(v.at) < fresh
}
