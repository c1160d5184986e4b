package providertest

import (
	"context"
	"fmt"
	"time"

	"github.com/vmsteward/vmsteward/providers"
)

// call runs one call under the target's timeout.
func (e *Env) call(ctx context.Context, fn func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, e.CallTimeout)
	defer cancel()
	return fn(ctx)
}

// task runs a call and waits for the work that it began.
func (e *Env) task(ctx context.Context, fn func(context.Context) (providers.TaskRef, error)) error {
	var ref providers.TaskRef
	err := e.call(ctx, func(ctx context.Context) (err error) {
		ref, err = fn(ctx)
		return err
	})
	if err != nil {
		return err
	}
	return e.wait(ctx, ref)
}

// wait polls a task until it is complete and returns its error. The empty
// reference is complete.
func (e *Env) wait(ctx context.Context, ref providers.TaskRef) error {
	if ref == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, e.TaskTimeout)
	defer cancel()
	for {
		done, err := e.P.IsTaskComplete(ctx, ref)
		if done || err != nil {
			return err
		}
		if !pause(ctx, e.Poll) {
			return fmt.Errorf("task %s: not complete after %s", ref, e.TaskTimeout)
		}
	}
}

// pause waits and tells whether the context still lives.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// promptly runs fn and reports whether it returned within d; if not, it goes
// on by itself.
func promptly(d time.Duration, fn func() error) (err error, inTime bool) {
	answer := make(chan error, 1)
	go func() { answer <- fn() }()
	return within(d, answer)
}

// within waits for an answer.
func within(d time.Duration, answer <-chan error) (err error, inTime bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case err := <-answer:
		return err, true
	case <-timer.C:
		return nil, false
	}
}
