package vsphere

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/vmware/govmomi/vim25"

	"github.com/vmsteward/vmsteward/providers"
)

const (
	memoryAge  = 10 * time.Minute // what is remembered is read again after this time
	memoryRest = 5 * time.Second  // and not sooner than this for a name that is not in it
)

// remembered keeps what was read last of something that changes seldom and in
// which names are looked up. It is safe for many goroutines.
type remembered[T any] struct {
	read func(context.Context, *vim25.Client) (*T, error)
	turn chan struct{} // held by the one who reads
	last atomic.Pointer[reading[T]]
	rest time.Duration
}

type reading[T any] struct {
	at   time.Time // when it began
	what *T
}

func remember[T any](read func(context.Context, *vim25.Client) (*T, error)) *remembered[T] {
	return &remembered[T]{read: read, turn: make(chan struct{}, 1), rest: memoryRest}
}

// look calls fn with what is remembered. When fn finds that something is
// missing or ambiguous, that may have changed: all is read anew, and fn is
// called once more.
func (m *remembered[T]) look(ctx context.Context, c *vim25.Client, fn func(*T) error) error {
	known, err := m.since(ctx, c, time.Now().Add(-memoryAge))
	if err != nil {
		return err
	}
	err = fn(known.what)
	if !aboutNames(err) || time.Since(known.at) < m.rest {
		return err
	}
	fresh, again := m.since(ctx, c, known.at)
	if again != nil {
		return again
	}
	return fn(fresh.what)
}

// aboutNames tells whether err says that a name means nothing, or too much.
func aboutNames(err error) bool {
	var e *providers.Error
	return errors.As(err, &e) && (e.Missing != "" || e.Kind == providers.InvalidSpec)
}

// since returns a reading that began after a time: the last one, or a new one.
// Of many callers one reads, and the others wait for it.
func (m *remembered[T]) since(ctx context.Context, c *vim25.Client, t time.Time) (*reading[T], error) {
	if r := m.last.Load(); r != nil && r.at.After(t) {
		return r, nil
	}
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-m.turn }()
	if r := m.last.Load(); r != nil && r.at.After(t) {
		return r, nil
	}
	r := &reading[T]{at: time.Now()}
	var err error
	if r.what, err = m.read(ctx, c); err != nil {
		return nil, err
	}
	m.last.Store(r)
	return r, nil
}

// forget makes the next look read anew: something in it turned out to be gone.
func (m *remembered[T]) forget() { m.last.Store(nil) }
