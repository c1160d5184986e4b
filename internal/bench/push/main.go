// Command push measures how long it takes from a push to a repository on this
// host to the first call that changes something on a hypervisor. The floor is
// the push, a bare go-git fetch, and a read of the blob that changed.
package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/vmsteward/vmsteward/daemon"
	"github.com/vmsteward/vmsteward/internal/bench/side"
	"github.com/vmsteward/vmsteward/providers/memory"
)

const rounds = 21

func main() {
	side.Main(func(r *side.Run) error {
		for _, n := range []int{1_000, 10_000} {
			for _, m := range []func(*side.Run, int) error{measure, measureHook} {
				if err := m(r, n); err != nil {
					return fmt.Errorf("%d manifests: %w", n, err)
				}
			}
		}
		return nil
	})
}

func measure(r *side.Run, n int) error {
	ours, err := ourWay(r, n)
	if err != nil {
		return err
	}
	floor, err := floorWay(r, n)
	if err != nil {
		return err
	}
	times, err := side.Alternate(rounds, ours, floor)
	if err != nil {
		return err
	}
	r.Judge(fmt.Sprintf("push to first call, %d manifests", n), times[0], times[1], side.Target{Factor: 2, Plus: 20 * time.Millisecond})
	return nil
}

// ourWay pushes a change of one VM and waits for its reconfiguration.
func ourWay(r *side.Run, n int) (side.Way, error) {
	repo, err := side.NewRepo(r.Stage, side.Fleet(n, "/images/base.qcow2"))
	if err != nil {
		return nil, err
	}
	d, hv, err := side.Daemon(r, repo, n)
	if err != nil {
		return nil, err
	}
	return untilCalled(r, d, hv, func(round *int) error { return change(repo, n, round) }, repo.Push), nil
}

// untilCalled is the time from a push to the first step on the hypervisor.
func untilCalled(r *side.Run, d *daemon.Daemon, hv *memory.Hypervisor, commit func(*int) error, push func() error) side.Way {
	called := make(chan time.Time, 64)
	hv.OnStep(func(memory.Step) error {
		select {
		case called <- time.Now():
		default:
		}
		return nil
	})
	round := 0
	return func() (time.Duration, error) {
		if err := commit(&round); err != nil {
			return 0, err
		}
		begun := time.Now()
		if err := push(); err != nil {
			return 0, err
		}
		select {
		case at := <-called:
			err := side.Rest(r.Context(), d)
			for len(called) > 0 {
				<-called
			}
			return at.Sub(begun), err
		case <-time.After(20 * time.Second):
			return 0, errors.New("no call within 20 seconds")
		}
	}
}

// change commits another size of one VM.
func change(repo *side.Repo, n int, round *int) error {
	*round++
	file, text := side.VM(*round*37%n, 128+*round)
	return repo.Commit(map[string]string{file: text})
}

// floorWay pushes the same change elsewhere, fetches it and reads it.
func floorWay(r *side.Run, n int) (side.Way, error) {
	repo, err := side.NewRepo(r.Stage, side.Fleet(n, "/images/base.qcow2"))
	if err != nil {
		return nil, err
	}
	return fetchOnce(r, repo, repo.URL(), n)
}

// fetchOnce pushes a change and fetches it from the URL into a bare clone.
func fetchOnce(r *side.Run, repo *side.Repo, url string, n int) (side.Way, error) {
	clone, err := side.Clone(r.Stage, url)
	if err != nil {
		return nil, err
	}
	round := 0
	return func() (time.Duration, error) {
		if err := change(repo, n, &round); err != nil {
			return 0, err
		}
		file, want := side.VM(round*37%n, 128+round)
		begun := time.Now()
		if err := repo.Push(); err != nil {
			return 0, err
		}
		got, err := side.Fetched(clone, file)
		took := time.Since(begun)
		if err == nil && got != want {
			err = errors.New("the blob that was read is not the one that was pushed")
		}
		return took, err
	}, nil
}
