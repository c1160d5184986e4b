package daemon

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/vmsteward/vmsteward/internal/logkey"
)

// How often a provider that is served is asked whether its endpoint works, and
// how long it may take to tell.
const (
	lookEvery   = 30 * time.Second
	lookTimeout = 20 * time.Second
)

// readiness is what the endpoint said of itself when it was last asked.
type readiness struct {
	mu    sync.Mutex
	asked bool  // guarded by mu
	err   error // guarded by mu
}

var errNotAsked = errors.New("the endpoint has not been asked yet")

func (r *readiness) get() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.asked {
		return errNotAsked
	}
	return r.err
}

// set returns whether it is news.
func (r *readiness) set(err error) (news bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	news = !r.asked || (r.err == nil) != (err == nil)
	r.asked, r.err = true, err
	return news
}

// look asks the endpoint from time to time, until the context ends.
func (s *ProviderServer) look(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		s.heart.Beat()
		asking, cancel := context.WithTimeout(ctx, lookTimeout)
		err := s.provider.Validate(asking)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case !s.ready.set(err):
		case err != nil:
			s.log.Warn("the endpoint cannot be used", logkey.Err, err)
			_ = s.opts.Notify.Status("the endpoint cannot be used: " + err.Error())
		default:
			s.log.Info("the endpoint can be used")
			_ = s.opts.Notify.Status("serves; the endpoint can be used")
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
