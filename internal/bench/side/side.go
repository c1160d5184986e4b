// Package side is what the programs below internal/bench share: it runs our
// way and the floor in turns, and says by their medians whether a target
// holds. It owns what a bench needs around it: a place for a test host, a
// repository that is pushed to, an engine and a daemon to run. It must not
// know any figure. Tested by its users.
package side

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"slices"
	"time"
)

// Way does the work once and says how long the part took that counts.
type Way func() (time.Duration, error)

// Times are the measurements of one way.
type Times []time.Duration

// Median is the middle one; of an even number, the mean of the middle two.
func (t Times) Median() time.Duration {
	if len(t) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(t))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// Alternate runs the ways one after another, round by round, each round
// beginning with another one. A first round, which warms them, does not count.
func Alternate(rounds int, ways ...Way) ([]Times, error) {
	out := make([]Times, len(ways))
	for round := range rounds + 1 {
		for i := range ways {
			at := (i + round) % len(ways)
			took, err := ways[at]()
			if err != nil {
				return nil, fmt.Errorf("round %d of way %d: %w", round, at, err)
			}
			if round > 0 {
				out[at] = append(out[at], took)
			}
		}
	}
	return out, nil
}

// Timed makes a Way of a function that counts as a whole.
func Timed(fn func() error) Way {
	return func() (time.Duration, error) {
		begun := time.Now()
		err := fn()
		return time.Since(begun), err
	}
}

// Run is one execution of a program.
type Run struct {
	*Stage
	out io.Writer
}

// Main runs a program of the bench: with -cpuprofile FILE it writes a profile
// of all of it. It ends the process.
func Main(program func(*Run) error) {
	profile := flag.String("cpuprofile", "", "write a CPU profile to this file")
	flag.Parse()
	ctx, cancel := context.WithCancel(context.Background())
	r := &Run{Stage: &Stage{name: os.Args[0], log: os.Stderr, ctx: ctx}, out: os.Stdout}
	err := profiled(*profile, func() error { return r.Stage.run(func() error { return program(r) }) })
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func profiled(file string, fn func() error) (err error) {
	if file == "" {
		return fn()
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return fn()
}

// Say prints a line.
func (r *Run) Say(format string, args ...any) { fmt.Fprintf(r.out, format+"\n", args...) }

// Target is the most that ours may take: so many times the floor, and so much
// on top.
type Target struct {
	Factor float64
	Plus   time.Duration
}

func (t Target) String() string {
	s := fmt.Sprintf("%.4g x", t.Factor)
	if t.Plus > 0 {
		s += fmt.Sprintf(" + %v", t.Plus)
	}
	return s
}

// Judge prints both medians, the ratio, the target and whether it holds.
func (r *Run) Judge(what string, ours, floor Times, t Target) {
	o, f := ours.Median(), floor.Median()
	bound := time.Duration(float64(f)*t.Factor) + t.Plus
	r.Say("%s: ours %s, floor %s, ratio %.3f, target %s = %s: %s (%d rounds; ours %s to %s, floor %s to %s)",
		what, short(o), short(f), float64(o)/float64(f), t, short(bound), holds(o <= bound), len(ours),
		short(slices.Min(ours)), short(slices.Max(ours)), short(slices.Min(floor)), short(slices.Max(floor)))
}

// Bound prints a number and whether it is below its limit.
func (r *Run) Bound(what string, got, limit float64, unit string) {
	r.Say("%s: %.3g %s, target under %.3g %s: %s", what, got, unit, limit, unit, holds(got < limit))
}

func holds(yes bool) string {
	if yes {
		return "holds"
	}
	return "MISSED"
}

func short(d time.Duration) string { return d.Round(10 * time.Microsecond).String() }
