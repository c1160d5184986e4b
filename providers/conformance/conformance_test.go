package conformance_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/conformance"
	"github.com/vmsteward/vmsteward/providers/providertest"
)

func TestJUnit(t *testing.T) {
	rep := &conformance.Report{
		Endpoint: "grpc://kvm1:9443", Begun: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), TookMS: 1500, Kept: 1, Broken: 1, NotTried: 1,
		Verdicts: []conformance.Verdict{
			{Name: "a", Promise: "A holds.", Outcome: conformance.Kept, TookMS: 1000},
			{Name: "b", Promise: "B holds.", Outcome: conformance.Broken, Seen: "b < c & \"d\"", TookMS: 500},
			{Name: "c", Promise: "C holds.", Outcome: conformance.NotTried, Seen: "the target has no C"},
		},
		Left: []string{"VM pt-b"},
	}
	const want = `<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="grpc://kvm1:9443" tests="3" failures="1" skipped="1" time="1.500" timestamp="2026-11-24T12:00:00Z">
  <testcase classname="provider" name="a" time="1.000"></testcase>
  <testcase classname="provider" name="b" time="0.500">
    <failure message="B holds.">b &lt; c &amp; &#34;d&#34;</failure>
  </testcase>
  <testcase classname="provider" name="c" time="0.000">
    <skipped message="the target has no C"></skipped>
  </testcase>
  <system-out>left behind: VM pt-b</system-out>
</testsuite>
`
	var got strings.Builder
	if err := rep.JUnit(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestChoose(t *testing.T) {
	all := len(providertest.Checks())
	for _, row := range []struct {
		only, skip []string
		ok         func(n int) bool
		why        string
	}{
		{nil, nil, func(n int) bool { return n == all }, "without patterns, all"},
		{[]string{"create-twice-is-once"}, nil, func(n int) bool { return n == 1 }, "a name is a pattern"},
		{[]string{"delete-*"}, []string{"delete-twice-*"}, func(n int) bool { return n > 2 && n < 20 }, "what is skipped wins"},
		{nil, []string{"*"}, func(n int) bool { return n == 0 }, "everything may be left out"},
	} {
		got, err := conformance.Choose(row.only, row.skip)
		if err != nil || !row.ok(len(got)) {
			t.Errorf("%v without %v: %d, %v (%s)", row.only, row.skip, len(got), err, row.why)
		}
	}
	for _, bad := range []string{"nosuch", "[", ""} {
		if _, err := conformance.Choose([]string{bad}, nil); err == nil {
			t.Errorf("%q is taken for a promise", bad)
		}
	}
}

// lost is a provider whose endpoint cannot be reached.
type lost struct{ providers.Provider }

var errLost = &providers.Error{Op: "validate", Kind: providers.Unavailable, Err: errors.New("no route to host")}

func (lost) Validate(context.Context) error { return errLost }

// TestCannotTry holds that nothing is tried where nothing can be known.
func TestCannotTry(t *testing.T) {
	for name, connect := range map[string]func(context.Context) (providers.Provider, error){
		"an endpoint that is gone": func(context.Context) (providers.Provider, error) { return lost{}, nil },
		"settings that are no use": func(context.Context) (providers.Provider, error) { return nil, errLost },
	} {
		rep, err := conformance.Run(t.Context(), conformance.Options{
			Target: providertest.Target{Fleet: "lab", Connect: connect}, Checks: providertest.Checks(),
			Begins: func(c providertest.Check, _, _ int) { t.Errorf("%s: %s is tried", name, c.Name) },
		})
		if !errors.Is(err, conformance.ErrCannotTry) || providers.KindOf(err) != providers.Unavailable || len(rep.Verdicts) > 0 {
			t.Errorf("%s: %v, %d verdicts", name, err, len(rep.Verdicts))
		}
	}
}

// TestInterrupted holds that the rest is not tried, and said.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	skip := func(name string) providertest.Check {
		return providertest.Check{Name: name, Run: func(context.Context, *providertest.Env) error {
			cancel()
			return nil
		}}
	}
	rep, err := conformance.Run(ctx, conformance.Options{
		Target: providertest.Target{Fleet: "lab", Connect: func(context.Context) (providers.Provider, error) { return idle{}, nil }},
		Checks: []providertest.Check{skip("first"), skip("second")},
	})
	var outcomes []conformance.Outcome
	for _, v := range rep.Verdicts {
		outcomes = append(outcomes, v.Outcome)
	}
	if want := []conformance.Outcome{conformance.Kept, conformance.NotTried}; !errors.Is(err, context.Canceled) || !slices.Equal(outcomes, want) {
		t.Errorf("want %v and the context's error, got %v, %v", want, outcomes, err)
	}
}

// idle is a provider that is well and does nothing.
type idle struct{ providers.Provider }

func (idle) Validate(context.Context) error { return nil }
