package providers_test

import (
	"context"
	"testing"

	"github.com/vmsteward/vmsteward/providers"
)

// sweeps has the calls of a Sweeper and of a Closer.
type sweeps struct{ providers.Provider }

func (sweeps) Sweep(context.Context, providers.Leftover) error { return nil }
func (sweeps) Close() error                                    { return nil }

// partial is one whose endpoint has some powers.
type partial struct {
	sweeps
	has providers.Power
}

func (p partial) Has(power providers.Power) bool { return power == p.has }

func TestAs(t *testing.T) {
	sweeper := func(p providers.Provider) bool { _, ok := providers.As[providers.Sweeper](p); return ok }
	closer := func(p providers.Provider) bool { _, ok := providers.As[providers.Closer](p); return ok }
	lister := func(p providers.Provider) bool { _, ok := providers.As[providers.Lister](p); return ok }
	for _, r := range []struct {
		reason string
		is     bool
		want   bool
	}{
		{"it has the calls, and no endpoint that may lack the power", sweeper(sweeps{}), true},
		{"it has no such calls", lister(sweeps{}), false},
		{"its endpoint has the power", sweeper(partial{has: providers.Sweeping}), true},
		{"its endpoint lacks the power", sweeper(partial{has: providers.Listing}), false},
		{"its endpoint has the power, and it has no such calls", lister(partial{has: providers.Listing}), false},
		{"what is no power of an endpoint is asked of nobody", closer(partial{}), true},
	} {
		if r.is != r.want {
			t.Errorf("%s: %t, want %t", r.reason, r.is, r.want)
		}
	}
}
