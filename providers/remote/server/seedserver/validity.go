package seedserver

import (
	"context"
	"sync/atomic"
	"time"
)

// fresh is how long an answer of Validate is good for.
const fresh = 5 * time.Second

// validity remembers whether the endpoint can be used. Callers that come at
// once share one question.
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
	select {
	case v.free <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-v.free }()
	if doubted := v.doubted.Swap(false); !doubted && !v.at.IsZero() && time.Since(v.at) < fresh {
		return v.err
	}
	err := v.ask(ctx)
	if ctx.Err() == nil { // an answer that nobody waited for says nothing
		v.at, v.err = time.Now(), err
	}
	return err
}
