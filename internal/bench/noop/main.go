// Command noop measures a full pass with nothing to do over a thousand defined
// domains, and a pass after one event. The floor is the same facts, read with
// bare go-libvirt and 16 calls in flight, and nothing made of them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/internal/bench/side"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
	"github.com/vmsteward/vmsteward/reconcile"
)

const rounds = 15

func main() {
	n := flag.Int("domains", 1000, "how many domains there are")
	side.Main(func(r *side.Run) error { return measure(r, *n) })
}

// bench is an engine whose fleet is made, and who wakes it.
type bench struct {
	*side.Run
	n      int
	engine *reconcile.Engine
	bare   *golibvirt.Libvirt
	woken  chan struct{} // capacity 1
}

func measure(r *side.Run, n int) error {
	b, err := prepare(r, n)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go b.engine.Watch(ctx, func(string) { b.knock() })
	times, err := side.Alternate(rounds, b.full, b.afterEvent, side.Timed(func() error { return facts(b.bare) }), side.Timed(b.list))
	if err != nil {
		return err
	}
	r.Judge(fmt.Sprintf("full pass with nothing to do, %d domains", n), times[0], times[2], side.Target{Factor: 1.3})
	r.Judge(fmt.Sprintf("pass after one event (floor: the full pass), %d domains", n), times[1], times[0], side.Target{Factor: 0.05})
	r.Say("of the full pass, reading and planning beside it: %v", times[3].Median())
	return nil
}

// prepare starts the host and has our provider make the fleet.
func prepare(r *side.Run, n int) (*bench, error) {
	host := libvirttest.Start(r, libvirttest.Options{})
	repo, err := side.NewRepo(r.Stage, side.Fleet(n, filepath.Join(host.PoolDir, "base.qcow2")))
	if err != nil {
		return nil, err
	}
	b := &bench{Run: r, n: n, woken: make(chan struct{}, 1)}
	if b.bare, err = side.Bare(r.Stage, host); err != nil {
		return nil, err
	}
	p, err := side.Provider(r.Stage, host)
	if err != nil {
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
	begun := time.Now()
	rep, err := b.engine.Pass(r.Context(), reconcile.PassOptions{})
	if err != nil {
		return nil, err
	}
	r.Say("made %d domains, a qcow2 volume each, in %v", rep.Applied(), time.Since(begun).Round(time.Millisecond))
	_, err = b.full()
	return b, err
}

func (b *bench) knock() {
	select {
	case b.woken <- struct{}{}:
	default:
	}
}

// full is a pass that reads everything.
func (b *bench) full() (time.Duration, error) { return b.pass(reconcile.PassOptions{}) }

// list is what a plan beside a pass does.
func (b *bench) list() error {
	_, err := b.engine.Plan(b.Context())
	return err
}

func (b *bench) pass(opts reconcile.PassOptions) (time.Duration, error) {
	begun := time.Now()
	rep, err := b.engine.Pass(b.Context(), opts)
	took := time.Since(begun)
	if err == nil && rep.Plan.Summary.InSync != b.n {
		err = fmt.Errorf("%d of %d domains are in sync", rep.Plan.Summary.InSync, b.n)
	}
	return took, err
}

// afterEvent defines one domain anew as it is, waits until the engine hears of
// it, and runs the pass that follows.
func (b *bench) afterEvent() (time.Duration, error) {
	select { // of the events so far
	case <-b.woken:
	default:
	}
	dom, err := b.bare.DomainLookupByName("vm-000007")
	if err != nil {
		return 0, err
	}
	text, err := b.bare.DomainGetXMLDesc(dom, golibvirt.DomainXMLInactive|golibvirt.DomainXMLSecure)
	if err != nil {
		return 0, err
	}
	if _, err := b.bare.DomainDefineXML(text); err != nil {
		return 0, err
	}
	select {
	case <-b.woken:
	case <-time.After(10 * time.Second):
		return 0, errors.New("no event within 10 seconds")
	}
	return b.pass(reconcile.PassOptions{Changed: true})
}
