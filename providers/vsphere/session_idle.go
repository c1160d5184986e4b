package vsphere

import (
	"context"
	"time"
)

const (
	// idle is how long a session may be unused before we make ourselves heard;
	// a vCenter ends it after 30 minutes.
	idle        = 10 * time.Minute
	beatTimeout = 30 * time.Second
)

// beat keeps an idle session alive. One that has ended all the same is given
// up; a new one is made when somebody needs it.
func (s *session) beat() {
	l := s.beatBegins()
	if l == nil {
		return
	}
	defer s.wg.Done()
	ctx, cancel := context.WithTimeout(s.ctx, beatTimeout)
	defer cancel()
	if loggedOut(s.entry.beat(ctx, l), nil) {
		s.forget(l)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed && s.now == l {
		s.beats.Reset(idle)
	}
}

// beatBegins returns the login that a beat is for, nil if there is none.
func (s *session) beatBegins() *login {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.now == nil {
		return nil
	}
	s.wg.Add(1)
	return s.now
}
