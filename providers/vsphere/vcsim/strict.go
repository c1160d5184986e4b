package vcsim

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// open are the methods that need no session.
var open = map[string]bool{
	"Login": true, "LoginByToken": true, "RetrieveServiceContent": true,
}

// refuse is called before each call of the simulator. It refuses what the
// simulator would do and a vCenter would not.
func (s *Server) refuse(ctx *simulator.Context, m *simulator.Method) (mo.Reference, types.BaseMethodFault) {
	if ctx.Session == nil && !open[m.Name] {
		return nil, &types.NotAuthenticated{
			NoPermission: types.NoPermission{Object: &m.This, PrivilegeId: "System.View"},
		}
	}
	return nil, nil
}
