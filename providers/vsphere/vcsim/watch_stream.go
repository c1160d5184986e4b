package vcsim

import (
	"context"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// stream is what one property collector knows of the objects that its filters
// select, and what it has told of them. A set of updates whose answer was lost
// is told again; a version that is none of the last two is refused.
type stream struct {
	wake chan struct{} // holds a token when something happened

	mu        sync.Mutex
	version   int
	last      *types.UpdateSet // told as version
	dirty     map[types.ManagedObjectReference]bool
	seen      map[types.ManagedObjectReference]*selection
	pending   []pendingUpdate
	cancel    context.CancelFunc // of the wait under way
	cancelled bool
	ended     bool // with its session
}

// selection is what was seen through one filter.
type selection struct {
	filter  types.ManagedObjectReference
	spec    types.PropertyFilterSpec
	objects map[types.ManagedObjectReference]map[string]types.AnyType
	all     bool // everything is to be looked at
}

type pendingUpdate struct {
	filter types.ManagedObjectReference
	update types.ObjectUpdate
}

func newStream() *stream {
	return &stream{
		wake:  make(chan struct{}, 1),
		dirty: make(map[types.ManagedObjectReference]bool),
		seen:  make(map[types.ManagedObjectReference]*selection),
	}
}

func (s *stream) ring() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// changed notes that an object is another, new or gone. All that a filter
// selects is looked at for one that is not known and that it may select.
func (s *stream) changed(ref types.ManagedObjectReference) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sel := range s.seen {
		if _, ok := sel.objects[ref]; ok {
			s.dirty[ref] = true
		} else if sel.mayHave(ref.Type) {
			sel.all = true
		} else {
			continue
		}
		s.ring()
	}
}

func (sel *selection) mayHave(kind string) bool {
	return slices.ContainsFunc(sel.spec.PropSet, func(p types.PropertySpec) bool {
		return p.Type == kind || p.Type == "ManagedEntity"
	})
}

// resume returns what was told last if it was not heard.
func (s *stream) resume(version string) (*types.UpdateSet, types.BaseMethodFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch n := versionOf(version); {
	case version == "", n == s.version:
		return nil, nil
	case n == s.version-1 && s.last != nil:
		return s.last, nil
	}
	return nil, &types.InvalidCollectorVersion{}
}

func (s *stream) begin(cancel context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel, s.cancelled = cancel, s.cancelled && cancel == nil
}

func (s *stream) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil {
		s.cancelled = true
		s.cancel()
	}
}

func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if s.cancel != nil {
		s.cancel()
	}
}

func (s *stream) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

func (s *stream) stopped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cancelled
}

// gather is how long more may happen before it is told.
const gather = 5 * time.Millisecond

// await waits until something happened, and returns false if nothing did.
func (s *stream) await(limit context.Context) bool {
	select {
	case <-s.wake:
		pause(limit, gather)
		return true
	case <-limit.Done():
		return false
	}
}

// look reads what may have changed, and notes what has.
func (s *stream) look(l *law, ctx *simulator.Context, pc *simulator.PropertyCollector) types.BaseMethodFault {
	s.mu.Lock()
	dirty := s.dirty
	s.dirty = make(map[types.ManagedObjectReference]bool)
	s.mu.Unlock()
	l.s.world.Lock()
	defer l.s.world.Unlock()
	for _, ref := range pc.Filter {
		filter, ok := ctx.Session.Get(ref).(*simulator.PropertyFilter)
		if !ok {
			continue
		}
		sel := s.through(ref, filter.Spec)
		var fault types.BaseMethodFault
		if s.toldOf(sel) {
			fault = s.lookAtAll(l, ctx, pc, sel)
		} else {
			fault = s.lookAt(l, ctx, pc, sel, dirty)
		}
		if fault != nil {
			return fault
		}
	}
	return nil
}

// toldOf tells whether all that a filter selects is to be looked at.
func (s *stream) toldOf(sel *selection) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := sel.all || sel.objects == nil
	sel.all = false
	return all
}

func (s *stream) through(ref types.ManagedObjectReference, spec types.PropertyFilterSpec) *selection {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[ref] == nil {
		s.seen[ref] = &selection{filter: ref, spec: spec}
	}
	return s.seen[ref]
}

func (s *stream) lookAtAll(l *law, ctx *simulator.Context, pc *simulator.PropertyCollector, sel *selection) types.BaseMethodFault {
	found, fault := readObjects(l, ctx, pc, sel.spec)
	if fault != nil {
		return fault
	}
	here := make(map[types.ManagedObjectReference]bool, len(found))
	for i := range found {
		here[found[i].Obj] = true
		s.compare(sel, &found[i])
	}
	for ref := range sel.objects {
		if !here[ref] {
			s.left(sel, ref)
		}
	}
	return nil
}

func (s *stream) lookAt(l *law, ctx *simulator.Context, pc *simulator.PropertyCollector, sel *selection, dirty map[types.ManagedObjectReference]bool) types.BaseMethodFault {
	spec := types.PropertyFilterSpec{PropSet: sel.spec.PropSet, ReportMissingObjectsInResults: types.NewBool(true)}
	for ref := range dirty {
		if _, ok := sel.objects[ref]; ok {
			spec.ObjectSet = append(spec.ObjectSet, types.ObjectSpec{Obj: ref})
		}
	}
	found, fault := readObjects(l, ctx, pc, spec)
	if fault != nil {
		return fault
	}
	here := make(map[types.ManagedObjectReference]bool, len(found))
	for i := range found {
		here[found[i].Obj] = true
		s.compare(sel, &found[i])
	}
	for _, o := range spec.ObjectSet {
		if !here[o.Obj] {
			s.left(sel, o.Obj)
		}
	}
	return nil
}

// readObjects reads through a filter, and blurs what cannot be read.
func readObjects(l *law, ctx *simulator.Context, pc *simulator.PropertyCollector, spec types.PropertyFilterSpec) ([]types.ObjectContent, types.BaseMethodFault) {
	specs := []types.PropertyFilterSpec{spec}
	res := pc.RetrievePropertiesEx(ctx, &types.RetrievePropertiesEx{SpecSet: specs})
	if f := res.Fault(); f != nil {
		return nil, f.VimFault().(types.BaseMethodFault)
	}
	found := res.(*methods.RetrievePropertiesExBody).Res.Returnval.Objects
	for i := range found {
		l.s.blurs.object(&found[i], paths(specs))
	}
	return found, nil
}

// compare notes how an object differs from what was seen of it.
func (s *stream) compare(sel *selection, o *types.ObjectContent) {
	values := make(map[string]types.AnyType, len(o.PropSet))
	update := types.ObjectUpdate{Obj: o.Obj, Kind: types.ObjectUpdateKindModify, MissingSet: o.MissingSet}
	old, known := sel.objects[o.Obj]
	for _, p := range o.PropSet {
		values[p.Name] = p.Val
		if before, had := old[p.Name]; !had || !reflect.DeepEqual(before, p.Val) {
			update.ChangeSet = append(update.ChangeSet, types.PropertyChange{Name: p.Name, Op: types.PropertyChangeOpAssign, Val: p.Val})
		}
	}
	for name := range old {
		if _, has := values[name]; !has {
			update.ChangeSet = append(update.ChangeSet, types.PropertyChange{Name: name, Op: types.PropertyChangeOpAssign})
		}
	}
	if !known {
		update.Kind = types.ObjectUpdateKindEnter
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if sel.objects == nil {
		sel.objects = make(map[types.ManagedObjectReference]map[string]types.AnyType)
	}
	sel.objects[o.Obj] = values
	if !known || len(update.ChangeSet) > 0 {
		s.pending = append(s.pending, pendingUpdate{sel.filter, update})
	}
}

// left notes that an object is not selected any more.
func (s *stream) left(sel *selection, ref types.ManagedObjectReference) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(sel.objects, ref)
	s.pending = append(s.pending, pendingUpdate{sel.filter, types.ObjectUpdate{Obj: ref, Kind: types.ObjectUpdateKindLeave}})
}

// page takes the next set of updates; nil: there is none.
func (s *stream) page(most int) *types.UpdateSet {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(most, len(s.pending))
	if n == 0 && s.version > 0 {
		return nil
	}
	set := &types.UpdateSet{}
	for _, p := range s.pending[:n] {
		if i := len(set.FilterSet) - 1; i >= 0 && set.FilterSet[i].Filter == p.filter {
			set.FilterSet[i].ObjectSet = append(set.FilterSet[i].ObjectSet, p.update)
			continue
		}
		set.FilterSet = append(set.FilterSet, types.PropertyFilterUpdate{Filter: p.filter, ObjectSet: []types.ObjectUpdate{p.update}})
	}
	s.pending = s.pending[n:]
	if len(s.pending) > 0 {
		set.Truncated = types.NewBool(true)
	}
	s.version++
	set.Version = strconv.Itoa(s.version)
	s.last = set
	return set
}
