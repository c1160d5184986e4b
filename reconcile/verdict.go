package reconcile

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/vmsteward/vmsteward/providers"
)

// verdict is what becomes of a VM, or of an endpoint, after an error.
type verdict struct {
	// forDigest holds the VM until its manifest changes.
	forDigest bool
	// first and most bound the pause before the next attempt, which doubles
	// with each failure. Zero: the next pass tries.
	first, most time.Duration
	after       time.Duration // what the endpoint itself asked for
}

// verdicts is the only table from the kinds of errors to what follows.
var verdicts = map[providers.Kind]verdict{
	providers.NotFound:      {},
	providers.InvalidSpec:   {forDigest: true},
	providers.NotSupported:  {forDigest: true},
	providers.Conflict:      {first: 10 * time.Second, most: 10 * time.Minute},
	providers.Retryable:     {first: 2 * time.Second, most: 5 * time.Minute},
	providers.RateLimited:   {first: 5 * time.Second, most: 5 * time.Minute},
	providers.Unavailable:   {first: 2 * time.Second, most: time.Minute},
	providers.Timeout:       {first: 5 * time.Second, most: 5 * time.Minute},
	providers.Unauthorized:  {first: 30 * time.Second, most: 5 * time.Minute},
	providers.QuotaExceeded: {first: time.Minute, most: 30 * time.Minute},
	providers.Unrecognised:  {first: 5 * time.Second, most: 10 * time.Minute},
}

// missing is the verdict on something that the manifest names and that is not
// there: somebody has to make it.
var missing = verdict{first: 30 * time.Second, most: 10 * time.Minute}

func verdictOf(err error) verdict {
	var e *providers.Error
	if errors.As(err, &e) && e.Kind == providers.NotFound && e.Missing != "" {
		return missing
	}
	v := verdicts[providers.KindOf(err)]
	if e != nil {
		v.after = e.After
	}
	return v
}

// pause returns how long to wait after the given number of failures in a row,
// the last quarter of it at random, so that many do not come back at once.
func (v verdict) pause(failures int) time.Duration {
	if v.after > 0 {
		return v.after
	}
	if v.first == 0 {
		return 0
	}
	d := v.first << min(max(failures-1, 0), 16)
	if d > v.most || d <= 0 {
		d = v.most
	}
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}
