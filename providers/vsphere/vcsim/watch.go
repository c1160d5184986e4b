package vcsim

import (
	"strconv"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// waits are the streams of updates. They end with their session and with their
// caller, and know their versions: a set of updates whose answer was lost is
// sent again, and a version that is none of the last two is refused.
type waits struct {
	mu      sync.Mutex
	streams map[streamKey]*stream
}

type streamKey struct{ session, collector string }

// stream is what a property collector has told.
type stream struct {
	version int
	last    *types.UpdateSet // told as version
	cancel  func()           // of the wait under way; nil: none
	ended   bool             // with its session
}

func newWaits() *waits { return &waits{streams: make(map[streamKey]*stream)} }

// leave ends the wait of a caller that has gone.
func (w *waits) leave(session, collector string) {
	w.mu.Lock()
	st := w.streams[streamKey{session, collector}]
	var cancel func()
	if st != nil {
		cancel = st.cancel
	}
	w.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// end ends the streams of a session.
func (w *waits) end(session string) {
	w.mu.Lock()
	var cancels []func()
	for key, st := range w.streams {
		if key.session != session {
			continue
		}
		st.ended = true
		if st.cancel != nil {
			cancels = append(cancels, st.cancel)
		}
		delete(w.streams, key)
	}
	w.mu.Unlock()
	for _, cancel := range cancels {
		cancel()
	}
}

// WaitForUpdatesEx carries the method out.
func (l *law) WaitForUpdatesEx(ctx *simulator.Context, req *types.WaitForUpdatesEx) soap.HasFault {
	pc, ok := ctx.Session.Get(req.This).(*simulator.PropertyCollector)
	if !ok {
		return refuse(&types.ManagedObjectNotFound{Obj: req.This})
	}
	st, again, fault := l.s.waits.resume(streamKey{ctx.Session.Key, req.This.Value}, req.Version)
	if fault != nil {
		return refuse(fault)
	}
	if again != nil {
		return &methods.WaitForUpdatesExBody{Res: &types.WaitForUpdatesExResponse{Returnval: again}}
	}
	inner := *req
	if inner.Version != "" {
		inner.Version = "-" // the only one that the simulator knows
	}
	done := make(chan struct{})
	l.s.waits.begin(st, func() { go cancelUntil(pc, done) })
	res := pc.WaitForUpdatesEx(ctx, &inner)
	close(done)
	return l.told(st, res)
}

// cancelUntil cancels a wait, also one that has not quite begun.
func cancelUntil(pc *simulator.PropertyCollector, done <-chan struct{}) {
	for {
		pc.CancelWaitForUpdates(&types.CancelWaitForUpdates{})
		select {
		case <-done:
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// resume returns the stream at a version, or what was told last if that was
// not heard.
func (w *waits) resume(key streamKey, version string) (st *stream, again *types.UpdateSet, fault types.BaseMethodFault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	st = w.streams[key]
	if st == nil {
		st = &stream{}
		w.streams[key] = st
	}
	switch {
	case version == "":
		st.version, st.last = 0, nil
	case version == strconv.Itoa(st.version):
	case version == strconv.Itoa(st.version-1) && st.last != nil:
		return st, st.last, nil
	default:
		return nil, nil, &types.InvalidCollectorVersion{}
	}
	return st, nil, nil
}

func (w *waits) begin(st *stream, cancel func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	st.cancel = cancel
}

// told gives the answer its version.
func (l *law) told(st *stream, res soap.HasFault) soap.HasFault {
	l.s.waits.mu.Lock()
	defer l.s.waits.mu.Unlock()
	st.cancel = nil
	if st.ended {
		return refuse(&types.NotAuthenticated{NoPermission: types.NoPermission{PrivilegeId: "System.View"}})
	}
	body, ok := res.(*methods.WaitForUpdatesExBody)
	if !ok || body.Res == nil || body.Res.Returnval == nil {
		return res
	}
	set := *body.Res.Returnval
	st.version++
	set.Version = strconv.Itoa(st.version)
	set.FilterSet = l.s.blurs.updates(set.FilterSet)
	st.last = &set
	body.Res.Returnval = &set
	return body
}
