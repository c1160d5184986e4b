// Command read measures the way from a commit that is there to the VMs that it
// wants: fetching it, decoding what it changed and resolving it. The floor is a
// bare go-git fetch and a read of the blob that changed. It also says what
// desired state and source hold of memory per VM.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"

	gogit "github.com/go-git/go-git/v5"

	"github.com/vmsteward/vmsteward/internal/bench/side"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/sources"
)

const (
	rounds = 41

	// beside is what all of the reading may take on top of the floor, and held
	// what it may keep of 10,000 VMs.
	beside = 15 * time.Millisecond
	held   = 25 // MB
)

func main() {
	side.Main(func(r *side.Run) error {
		for _, n := range []int{1_000, 10_000} {
			if err := measure(r, n); err != nil {
				return fmt.Errorf("%d manifests: %w", n, err)
			}
		}
		return nil
	})
}

func measure(r *side.Run, n int) error {
	repo, err := side.NewRepo(r.Stage, side.Fleet(n, "/images/base.qcow2"))
	if err != nil {
		return err
	}
	before := live()
	src, err := side.Source(r.Stage, repo)
	if err != nil {
		return err
	}
	ours := &reader{ctx: r.Context(), src: src, load: side.Load(), wanted: n}
	if _, err := ours.read(); err != nil {
		return err
	}
	clone, err := side.Clone(r.Stage, repo.URL())
	if err != nil {
		return err
	}
	round := 0
	next := func(read func() error) side.Way {
		return func() (time.Duration, error) {
			round++
			file, text := side.VM(round*37%n, 128+round)
			if err := errors.Join(repo.Commit(map[string]string{file: text}), repo.Push()); err != nil {
				return 0, err
			}
			return side.Timed(read)()
		}
	}
	times, err := side.Alternate(rounds,
		next(func() error { _, err := ours.read(); return err }),
		next(func() error { return bare(clone, round, n) }))
	if err != nil {
		return err
	}
	r.Say("of it, medians: fetch %v, load and resolve %v, %v of processor time", ours.fetched.Median(), ours.resolved.Median(), ours.busy.Median())
	r.Judge(fmt.Sprintf("a commit to its VMs, %d manifests", n), times[0], times[1], side.Target{Factor: 1, Plus: beside})
	return weigh(r, ours, n, before)
}

// reader reads as an engine does.
type reader struct {
	ctx    context.Context
	src    sources.Source
	load   side.Loader
	wanted int
	snap   *sources.Snapshot // the last, kept as an engine keeps it
	state  *manifest.Desired

	fetched, resolved, busy side.Times
}

func (d *reader) read() (*manifest.Desired, error) {
	begun, used := time.Now(), processor()
	snap, err := d.src.Fetch(d.ctx)
	if err != nil {
		return nil, err
	}
	between := time.Now()
	d.snap, d.state = snap, d.load(snap.Files)
	if len(d.state.VMs) != d.wanted {
		return nil, fmt.Errorf("%d VMs, want %d", len(d.state.VMs), d.wanted)
	}
	d.fetched = append(d.fetched, between.Sub(begun))
	d.resolved = append(d.resolved, time.Since(between))
	d.busy = append(d.busy, processor()-used)
	return d.state, nil
}

func bare(clone *gogit.Repository, round, n int) error {
	file, want := side.VM(round*37%n, 128+round)
	got, err := side.Fetched(clone, file)
	if err == nil && got != want {
		err = errors.New("the blob that was read is not the one that was pushed")
	}
	return err
}

// weigh says what is held.
func weigh(r *side.Run, ours *reader, n int, before uint64) error {
	after := live()
	if file := os.Getenv("HEAPPROFILE"); file != "" {
		f, err := os.Create(file)
		if err != nil {
			return err
		}
		if err := errors.Join(pprof.Lookup("heap").WriteTo(f, 0), f.Close()); err != nil {
			return err
		}
	}
	mb := float64(after-min(before, after)) / 1e6
	r.Bound(fmt.Sprintf("held of %d VMs by desired state and source, %.0f bytes each", n, mb*1e6/float64(n)), mb, held, "MB")
	runtime.KeepAlive(ours)
	return nil
}

// processor is the processor time of this process so far, which other work on
// the machine does not touch.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// live is what the heap holds, in bytes.
func live() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
