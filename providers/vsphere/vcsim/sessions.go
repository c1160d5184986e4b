package vcsim

import (
	"context"
	"sync"

	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// sessions are those that have made a call, with the objects that live in
// them.
type sessions struct {
	mu     sync.Mutex
	open   map[string]*simulator.Registry
	tokens map[string]string // of readings under way, and whose they are
}

func newSessions() *sessions {
	return &sessions{open: make(map[string]*simulator.Registry), tokens: make(map[string]string)}
}

// page notes that a reading of the session goes on under a token.
func (s *sessions) page(token, session string) {
	if token == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[token] = session
}

// turn takes a token, and tells whether it was the session's.
func (s *sessions) turn(token, session string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	whose, ok := s.tokens[token]
	delete(s.tokens, token)
	return ok && whose == session
}

func (s *sessions) note(us *simulator.Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[us.Key] = us.Registry
}

func (s *sessions) take(key string) *simulator.Registry {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.open[key]
	delete(s.open, key)
	return r
}

// Sessions returns the keys of the sessions that are open.
func (s *Server) Sessions() []string {
	var m mo.SessionManager
	ref := *s.admin.ServiceContent.SessionManager
	pc := property.DefaultCollector(s.admin)
	if err := pc.RetrieveOne(context.Background(), ref, []string{"sessionList"}, &m); err != nil {
		return nil
	}
	keys := make([]string, 0, len(m.SessionList))
	for _, us := range m.SessionList {
		keys = append(keys, us.Key)
	}
	return keys
}

// EndSessions ends every session, as an administrator or a restart of the
// server does. A wait for updates ends at once, and so do the objects that
// live in the sessions.
func (s *Server) EndSessions() {
	for _, key := range s.Sessions() {
		_, _ = methods.TerminateSession(context.Background(), s.admin, &types.TerminateSession{
			This: *s.admin.ServiceContent.SessionManager, SessionId: []string{key},
		})
		s.waits.end(key)
		if r := s.sessions.take(key); r != nil {
			for _, o := range r.AllReference("") {
				if h, ok := o.(simulator.RegisterObject); ok {
					s.model.Map().RemoveHandler(h)
				}
			}
		}
	}
}
