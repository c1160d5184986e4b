package vcsim

import (
	"context"

	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

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
// server does.
func (s *Server) EndSessions() {
	for _, key := range s.Sessions() {
		_, _ = methods.TerminateSession(context.Background(), s.admin, &types.TerminateSession{
			This: *s.admin.ServiceContent.SessionManager, SessionId: []string{key},
		})
	}
}
