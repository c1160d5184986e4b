package vcsim

import (
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// loose are the tasks that the simulator began. Some of them it does not wait
// for itself, and they would read what others write.
type loose struct {
	Self types.ManagedObjectReference

	mu   sync.Mutex
	refs []types.ManagedObjectReference
}

func newLoose() *loose {
	return &loose{Self: types.ManagedObjectReference{Type: lawType, Value: "loose"}}
}

// Reference implements simulator.RegisterObject.
func (l *loose) Reference() types.ManagedObjectReference { return l.Self }

// PutObject implements simulator.RegisterObject.
func (l *loose) PutObject(_ *simulator.Context, o mo.Reference) {
	t, ok := o.(*simulator.Task)
	if !ok || t.Info.Entity == nil || t.Info.Entity.Type == lawType {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refs = append(l.refs, t.Self)
}

// UpdateObject implements simulator.RegisterObject.
func (*loose) UpdateObject(*simulator.Context, mo.Reference, []types.PropertyChange) {}

// RemoveObject implements simulator.RegisterObject.
func (*loose) RemoveObject(*simulator.Context, types.ManagedObjectReference) {}

func (l *loose) take() []types.ManagedObjectReference {
	l.mu.Lock()
	defer l.mu.Unlock()
	refs := l.refs
	l.refs = nil
	return refs
}

// alone does something to the inventory while nobody else does, and waits for
// all that comes of it.
func (s *Server) alone(what func()) {
	s.world.Lock()
	defer s.world.Unlock()
	what()
	for refs := s.loose.take(); len(refs) > 0; refs = s.loose.take() {
		for _, ref := range refs {
			if s.model.Map().Get(ref) != nil {
				_, _ = await(s.context(), ref)
			}
		}
	}
}
