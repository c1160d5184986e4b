package main

import (
	"fmt"
	"time"

	"github.com/vmsteward/vmsteward/internal/bench/side"
	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

// measureHook is measure for a repository behind HTTP, where the daemon hears
// of a push from a webhook. The floor fetches over HTTP, too.
func measureHook(r *side.Run, n int) error {
	ours, err := hookWay(r, n)
	if err != nil {
		return err
	}
	repo, err := side.NewRepo(r.Stage, side.Fleet(n, "/images/base.qcow2"))
	if err != nil {
		return err
	}
	floor, err := fetchOnce(r, repo, served(r, repo), n)
	if err != nil {
		return err
	}
	times, err := side.Alternate(rounds, ours, floor)
	if err != nil {
		return err
	}
	r.Judge(fmt.Sprintf("push and webhook to first call, %d manifests", n), times[0], times[1],
		side.Target{Factor: 2, Plus: 20 * time.Millisecond})
	return nil
}

func served(r *side.Run, repo *side.Repo) string {
	return sourcetest.ServeHTTP(r.Stage, &sourcetest.Repo{Dir: repo.Bare}, sourcetest.HTTPOptions{}).URL
}

// hookWay pushes, delivers the webhook and waits for the reconfiguration.
func hookWay(r *side.Run, n int) (side.Way, error) {
	repo, err := side.NewRepo(r.Stage, side.Fleet(n, "/images/base.qcow2"))
	if err != nil {
		return nil, err
	}
	hook, err := side.NewHook()
	if err != nil {
		return nil, err
	}
	d, hv, err := side.DaemonOn(r, served(r, repo), hook.Config(), n)
	if err != nil {
		return nil, err
	}
	push := func() error {
		if err := repo.Push(); err != nil {
			return err
		}
		return hook.Deliver()
	}
	return untilCalled(r, d, hv, func(round *int) error { return change(repo, n, round) }, push), nil
}
