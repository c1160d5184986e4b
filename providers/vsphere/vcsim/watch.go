package vcsim

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// waits are the streams of updates, one for each property collector that
// somebody waits on. The simulator's own tell of objects that did not change,
// keep changes back that a vCenter tells, read objects while others write
// them, and know no versions.
type waits struct {
	Self types.ManagedObjectReference

	mu      sync.Mutex
	streams map[streamKey]*stream
}

type streamKey struct{ session, collector string }

func newWaits() *waits {
	return &waits{
		Self:    types.ManagedObjectReference{Type: lawType, Value: "waits"},
		streams: make(map[streamKey]*stream),
	}
}

// Reference implements simulator.RegisterObject.
func (w *waits) Reference() types.ManagedObjectReference { return w.Self }

// PutObject implements simulator.RegisterObject.
func (w *waits) PutObject(_ *simulator.Context, o mo.Reference) {
	w.each(func(s *stream) { s.changed(o.Reference()) })
}

// UpdateObject implements simulator.RegisterObject.
func (w *waits) UpdateObject(_ *simulator.Context, o mo.Reference, _ []types.PropertyChange) {
	w.each(func(s *stream) { s.changed(o.Reference()) })
}

// RemoveObject implements simulator.RegisterObject.
func (w *waits) RemoveObject(_ *simulator.Context, ref types.ManagedObjectReference) {
	w.each(func(s *stream) { s.changed(ref) })
}

func (w *waits) each(f func(*stream)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.streams {
		f(s)
	}
}

// open returns the stream of a collector, anew if it begins.
func (w *waits) open(key streamKey, anew bool) *stream {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.streams[key]
	if s == nil || anew {
		s = newStream()
		w.streams[key] = s
	}
	return s
}

// leave ends the wait of a caller that has gone, or the stream of a collector
// that is destroyed.
func (w *waits) leave(session, collector string, forget bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := streamKey{session, collector}
	s := w.streams[key]
	if s == nil {
		return
	}
	s.interrupt()
	if forget {
		delete(w.streams, key)
	}
}

// end ends the streams of a session.
func (w *waits) end(session string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, s := range w.streams {
		if key.session == session {
			s.end()
			delete(w.streams, key)
		}
	}
}

// WaitForUpdatesEx carries the method out.
func (l *law) WaitForUpdatesEx(ctx *simulator.Context, req *types.WaitForUpdatesEx) soap.HasFault {
	pc, ok := ctx.Session.Get(req.This).(*simulator.PropertyCollector)
	if !ok {
		return refuse(&types.ManagedObjectNotFound{Obj: req.This})
	}
	s := l.s.waits.open(streamKey{ctx.Session.Key, req.This.Value}, req.Version == "")
	if again, fault := s.resume(req.Version); fault != nil {
		return refuse(fault)
	} else if again != nil {
		return answered(again)
	}
	limit, cancel := context.WithCancel(l.s.ctx)
	defer cancel()
	most := pageOfUpdates
	if o := req.Options; o != nil {
		if o.MaxWaitSeconds != nil {
			limit, cancel = context.WithTimeout(limit, time.Duration(*o.MaxWaitSeconds)*time.Second)
			defer cancel()
		}
		if o.MaxObjectUpdates > 0 {
			most = int(o.MaxObjectUpdates)
		}
	}
	s.begin(cancel)
	defer s.begin(nil)
	for {
		if fault := s.look(l, ctx, pc); fault != nil {
			return refuse(fault)
		}
		if set := s.page(most); set != nil {
			return answered(set)
		}
		if !s.await(limit) {
			break
		}
	}
	switch {
	case s.over():
		return refuse(&types.NotAuthenticated{NoPermission: types.NoPermission{PrivilegeId: "System.View"}})
	case s.stopped():
		return refuse(&types.RequestCanceled{})
	}
	return answered(nil)
}

// pageOfUpdates is how many objects a set of updates has at most, if the
// caller does not say.
const pageOfUpdates = 100

func answered(set *types.UpdateSet) soap.HasFault {
	return &methods.WaitForUpdatesExBody{Res: &types.WaitForUpdatesExResponse{Returnval: set}}
}

// DestroyPropertyCollector carries the method out.
func (l *law) DestroyPropertyCollector(ctx *simulator.Context, req *types.DestroyPropertyCollector) soap.HasFault {
	pc, ok := ctx.Session.Get(req.This).(*simulator.PropertyCollector)
	if !ok {
		return refuse(&types.ManagedObjectNotFound{Obj: req.This})
	}
	l.s.waits.leave(ctx.Session.Key, req.This.Value, true)
	return pc.DestroyPropertyCollector(ctx, req)
}

// CancelWaitForUpdates carries the method out.
func (l *law) CancelWaitForUpdates(ctx *simulator.Context, req *types.CancelWaitForUpdates) soap.HasFault {
	l.s.waits.leave(ctx.Session.Key, req.This.Value, false)
	return &methods.CancelWaitForUpdatesBody{Res: &types.CancelWaitForUpdatesResponse{}}
}

// versionOf reads a version that we gave out.
func versionOf(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}
