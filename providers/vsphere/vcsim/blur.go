package vcsim

import (
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// Blur is a way in which a VM cannot be read.
type Blur string

// The ways. A vCenter knows an inaccessible VM by its object alone: what its
// files hold is not there, and nothing says that it is missing. Of a forbidden
// one it says for each property that the permission is missing.
const (
	Clear        Blur = ""
	Inaccessible Blur = "inaccessible"
	Forbidden    Blur = "forbidden"
)

type blurs struct {
	mu  sync.Mutex
	how map[types.ManagedObjectReference]Blur
}

func newBlurs() *blurs { return &blurs{how: make(map[types.ManagedObjectReference]Blur)} }

// Blur makes a VM unreadable, or readable again.
func (s *Server) Blur(vm types.ManagedObjectReference, how Blur) {
	s.blurs.mu.Lock()
	if how == Clear {
		delete(s.blurs.how, vm)
	} else {
		s.blurs.how[vm] = how
	}
	s.blurs.mu.Unlock()
	ctx := s.context()
	if m, fault := machine(ctx, vm); fault == nil { // whoever watches is told
		ctx.WithLock(m, func() {
			state := types.VirtualMachineConnectionStateConnected
			if how == Inaccessible {
				state = types.VirtualMachineConnectionStateInaccessible
			}
			ctx.Update(m, []types.PropertyChange{
				{Name: "runtime.connectionState", Val: state}, {Name: "summary.runtime.connectionState", Val: state},
			})
		})
	}
}

func (b *blurs) of(ref types.ManagedObjectReference) Blur {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.how[ref]
}

func (b *blurs) none() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.how) == 0
}

// RetrievePropertiesEx carries the method out.
func (l *law) RetrievePropertiesEx(ctx *simulator.Context, req *types.RetrievePropertiesEx) soap.HasFault {
	pc, ok := ctx.Session.Get(req.This).(*simulator.PropertyCollector)
	if !ok {
		return refuse(&types.ManagedObjectNotFound{Obj: req.This})
	}
	res := pc.RetrievePropertiesEx(ctx, req)
	body, ok := res.(*methods.RetrievePropertiesExBody)
	if !ok || body.Res == nil || body.Res.Returnval == nil {
		return res
	}
	l.s.sessions.page(body.Res.Returnval.Token, ctx.Session.Key)
	if l.s.blurs.none() {
		return res
	}
	for i := range body.Res.Returnval.Objects {
		l.s.blurs.object(&body.Res.Returnval.Objects[i], paths(req.SpecSet))
	}
	return body
}

// ContinueRetrievePropertiesEx carries the method out. A reading belongs to the
// session that began it.
func (l *law) ContinueRetrievePropertiesEx(ctx *simulator.Context, req *types.ContinueRetrievePropertiesEx) soap.HasFault {
	pc, ok := ctx.Session.Get(req.This).(*simulator.PropertyCollector)
	if !ok {
		return refuse(&types.ManagedObjectNotFound{Obj: req.This})
	}
	if !l.s.sessions.turn(req.Token, ctx.Session.Key) {
		return refuse(&types.InvalidProperty{Name: "token"})
	}
	res := pc.ContinueRetrievePropertiesEx(ctx, req)
	if body, ok := res.(*methods.ContinueRetrievePropertiesExBody); ok && body.Res != nil {
		l.s.sessions.page(body.Res.Returnval.Token, ctx.Session.Key)
		for i := range body.Res.Returnval.Objects {
			l.s.blurs.object(&body.Res.Returnval.Objects[i], nil)
		}
	}
	return res
}

// paths returns the properties of a VM that are asked for.
func paths(specs []types.PropertyFilterSpec) (all []string) {
	for _, s := range specs {
		for _, p := range s.PropSet {
			if p.Type == "VirtualMachine" || p.Type == "ManagedEntity" {
				all = append(all, p.PathSet...)
			}
		}
	}
	return all
}

// object blurs what was read of one object.
func (b *blurs) object(o *types.ObjectContent, asked []string) {
	switch b.of(o.Obj) {
	case Inaccessible:
		var seen []types.DynamicProperty
		for _, p := range o.PropSet {
			if visible(p.Name) {
				seen = append(seen, p)
			}
		}
		o.PropSet = seen
	case Forbidden:
		for _, p := range o.PropSet {
			if len(asked) == 0 { // a later page
				o.MissingSet = append(o.MissingSet, missing(o.Obj, p.Name))
			}
		}
		o.PropSet = nil
		for _, path := range asked {
			o.MissingSet = append(o.MissingSet, missing(o.Obj, path))
		}
	}
}

// visible tells whether a property is there of a VM whose files cannot be read.
func visible(path string) bool {
	return path == "name" || path == "parent" || strings.HasPrefix(path, "runtime")
}

func missing(ref types.ManagedObjectReference, path string) types.MissingProperty {
	return types.MissingProperty{Path: path, Fault: types.LocalizedMethodFault{
		Fault: &types.NoPermission{Object: &ref, PrivilegeId: "System.Read"},
	}}
}
