package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/vmsteward/vmsteward/internal/bench/side"
	"github.com/vmsteward/vmsteward/providers/vsphere"
	"github.com/vmsteward/vmsteward/reconcile"
)

// bench is an engine whose fleet is made, and who wakes it.
type bench struct {
	*side.Run
	n      int
	engine *reconcile.Engine
	floor  *floor
	woken  chan struct{} // capacity 1
}

// measure times passes over n machines. after is called in the end with the
// vCenter and the repository.
func measure(r *side.Run, n, rounds int, after func(*side.Run, int, *center, *side.Repo) error) error {
	repo, err := side.NewRepo(r.Stage, fleet(n))
	if err != nil {
		return err
	}
	c, err := startCenter(r, repo.Work)
	if err != nil {
		return err
	}
	b, err := prepare(r, n, c, repo)
	if err != nil {
		return err
	}
	if err := b.times(rounds); err != nil || after == nil {
		return err
	}
	return after(r, n, c, repo)
}

func prepare(r *side.Run, n int, c *center, repo *side.Repo) (*bench, error) {
	b := &bench{Run: r, n: n, woken: make(chan struct{}, 1)}
	p, err := vsphere.New(c.settings(), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	r.Cleanup(func() { _ = p.Close() })
	if b.floor, err = newFloor(r.Context(), c); err != nil {
		return nil, err
	}
	src, err := side.Source(r.Stage, repo)
	if err != nil {
		return nil, err
	}
	store, err := side.Journal(r.Stage)
	if err != nil {
		return nil, err
	}
	if b.engine, err = side.Engine(src, p, store); err != nil {
		return nil, err
	}
	_, err = b.full()
	return b, err
}

func (b *bench) times(rounds int) error {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	go b.engine.Watch(ctx, func(string) { b.knock() })
	if err := b.heard(); err != nil { // that it is watched
		return err
	}
	times, err := side.Alternate(rounds, b.full, side.Timed(func() error { return b.floor.read(b.Context(), b.n) }), b.afterChange)
	if err != nil {
		return err
	}
	b.Judge(fmt.Sprintf("full pass with nothing to do, %d machines of vSphere", b.n), times[0], times[1], side.Target{Factor: 1.5})
	b.Judge(fmt.Sprintf("pass after one change outside (floor: the full pass), %d machines of vSphere", b.n), times[2], times[0], side.Target{Factor: 0.02})
	return nil
}

func (b *bench) knock() {
	select {
	case b.woken <- struct{}{}:
	default:
	}
}

// heard waits until the engine is woken.
func (b *bench) heard() error {
	select {
	case <-b.woken:
		return nil
	case <-time.After(2 * time.Minute):
		return errors.New("the engine was not woken within two minutes")
	}
}

// full is a pass that reads everything.
func (b *bench) full() (time.Duration, error) { return b.pass(reconcile.PassOptions{}) }

func (b *bench) pass(opts reconcile.PassOptions) (time.Duration, error) {
	begun := time.Now()
	rep, err := b.engine.Pass(b.Context(), opts)
	took := time.Since(begun)
	if err == nil && rep.Plan.Summary.InSync != b.n {
		err = fmt.Errorf("%d of %d machines are in sync: %s", rep.Plan.Summary.InSync, b.n, odd(rep))
	}
	return took, err
}

// odd says what is wrong with the first machine that is not in sync.
func odd(rep *reconcile.Report) string {
	for _, it := range rep.Plan.Items {
		if len(it.Diffs) > 0 || it.Action != "none" {
			return fmt.Sprintf("%s: %s: %s %+v", it.VM, it.Action, it.Reason, it.Diffs)
		}
	}
	return fmt.Sprint(rep.Plan.Notes)
}

// afterChange is a pass that an outside change has woken.
func (b *bench) afterChange() (time.Duration, error) {
	select { // of what was before
	case <-b.woken:
	default:
	}
	if err := b.floor.change(b.Context()); err != nil {
		return 0, err
	}
	if err := b.heard(); err != nil {
		return 0, err
	}
	return b.pass(reconcile.PassOptions{Changed: true})
}
