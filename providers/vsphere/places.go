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
	layoutAge  = 10 * time.Minute // a layout is read again after this time
	layoutRest = 5 * time.Second  // and not sooner than this for a name that is not in it
)

// places finds what manifests name: clusters, hosts, resource pools, folders,
// datastores and networks of every datacenter. It keeps the layout that it
// read last, because places change seldom.
type places struct {
	turn  chan struct{} // held by the one who reads
	known atomic.Pointer[layout]
	rest  time.Duration
}

func newPlaces() *places {
	return &places{turn: make(chan struct{}, 1), rest: layoutRest}
}

// look calls fn with the layout. When fn finds that something is missing or
// ambiguous, that may have changed: a fresh layout is read, and fn is called
// once more.
func (p *places) look(ctx context.Context, c *vim25.Client, fn func(*layout) error) error {
	l, err := p.since(ctx, c, time.Now().Add(-layoutAge))
	if err != nil {
		return err
	}
	err = fn(l)
	if !aboutNames(err) || time.Since(l.readAt) < p.rest {
		return err
	}
	fresh, again := p.since(ctx, c, l.readAt)
	if again != nil {
		return again
	}
	return fn(fresh)
}

// aboutNames tells whether err says that a name means nothing, or too much.
func aboutNames(err error) bool {
	var e *providers.Error
	return errors.As(err, &e) && (e.Missing != "" || e.Kind == providers.InvalidSpec)
}

// since returns a layout that was read after a time: the known one, or a new
// one. Of many callers one reads, and the others wait for it.
func (p *places) since(ctx context.Context, c *vim25.Client, t time.Time) (*layout, error) {
	if l := p.known.Load(); l != nil && l.readAt.After(t) {
		return l, nil
	}
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-p.turn }()
	if l := p.known.Load(); l != nil && l.readAt.After(t) {
		return l, nil
	}
	l, err := readLayout(ctx, c)
	if err != nil {
		return nil, err
	}
	p.known.Store(l)
	return l, nil
}

// forget makes the next look read the layout anew: something in it turned out
// to be gone.
func (p *places) forget() { p.known.Store(nil) }
