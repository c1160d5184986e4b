// Package watch notices that folders on this host change. It owns what makes
// that reliable: watches that outlive folders which are replaced, bursts that
// become one call, and lost events that count as a change. It must not know
// what is in the folders: a survey says which of them matter. It is tested by
// real folders, and by the sources that watch with it.
//
// Where the kernel has no events, as for what another machine does on a network
// file system, there are no calls; whoever watches also polls.
package watch

import (
	"context"
	"time"
)

// A burst is over when nothing was heard for quiet; a call comes at the latest
// this long after the first event, however much is still going on.
const (
	quiet   = 15 * time.Millisecond
	latest  = 100 * time.Millisecond
	forever = 1<<63 - 1
)

// Survey walks to the folders that matter and has the round watch each of them
// before it looks into it, so that nothing slips through in between. It is
// called again whenever one of them may have appeared, gone or been replaced.
type Survey func(*Round)

// Run calls changed once as soon as it watches, because something may have
// changed before, and then after every burst of changes; after the last change
// there is always a call. changed is called by the goroutine of Run. A folder
// that is not there, or may not be read, is waited for. Run returns the
// context's error, or a *sources.Error when watching is not possible.
func Run(ctx context.Context, survey Survey, changed func()) error {
	s := &session{survey: survey, settle: quiet}
	defer s.close()
	if err := s.renew(ctx); err != nil {
		return err
	}
	for {
		changed()
		news, err := s.await(ctx)
		if err != nil {
			return err
		}
		switch news {
		case replaced:
			err = s.renew(ctx)
		case moved:
			err = s.arm(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// news says what has to be done before changed is called.
type news int

const (
	nothing  news = iota
	content       // only tell
	moved         // folders came or went: survey again
	replaced      // folders were moved away or events lost: begin anew
)

// await returns when a burst of relevant events is over or lasts too long.
func (s *session) await(ctx context.Context) (news, error) {
	pause, limit := time.NewTimer(forever), time.NewTimer(forever)
	defer pause.Stop()
	defer limit.Stop()
	var sum news
	for {
		select {
		case <-ctx.Done():
			return nothing, ctx.Err()
		case <-s.inbox.ring:
			n, err := s.read()
			switch {
			case err != nil:
				return nothing, err
			case n == nothing:
				continue
			case sum == nothing:
				limit.Reset(latest)
			}
			sum = max(sum, n)
			pause.Reset(s.settle)
		case <-pause.C:
			return sum, nil
		case <-limit.C:
			return sum, nil
		}
	}
}
