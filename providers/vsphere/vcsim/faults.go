package vcsim

import (
	"context"
	"sync"
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

// Rule is a way by which calls go wrong. It applies to the calls that match
// Method and Object; of those it lets the first Skip pass.
type Rule struct {
	Method string // "CloneVM_Task"; empty: every method
	Object string // what the call is about, "vm-12"; empty: anything
	Skip   int    // how many calls pass first
	Times  int    // how many calls it hits; 0: one; negative: all

	// EndSessions ends every session right before the call.
	EndSessions bool
	Delay       time.Duration         // the answer takes so long
	Hang        bool                  // there is no answer
	Drop        bool                  // the connection ends in place of an answer
	Status      int                   // the answer is that of HTTP, such as 503
	Fault       types.BaseMethodFault // the answer is that fault
	// Lost lets the call take effect first; the rest happens to its answer.
	Lost bool
	// Task has the call answer with a task, which fails with Fault.
	Task bool
	// Hold has the call answer with a task that does not begin before Heal.
	Hold bool
}

// faults are the rules in force.
type faults struct {
	mu     sync.Mutex
	rules  []*Rule
	healed chan struct{} // closed by heal, for what is held
	ended  <-chan struct{}
}

func newFaults(ended <-chan struct{}) *faults {
	return &faults{healed: make(chan struct{}), ended: ended}
}

// Fail adds rules. The first that matches a call and is not used up hits it.
func (s *Server) Fail(rules ...Rule) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	for _, r := range rules {
		if r.Times == 0 {
			r.Times = 1
		}
		s.faults.rules = append(s.faults.rules, &r)
	}
}

// Heal forgets all rules, and lets go of what was held.
func (s *Server) Heal() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.rules = nil
	close(s.faults.healed)
	s.faults.healed = make(chan struct{})
}

// hit returns the rule that hits a call, or the task of one; nil: none.
func (f *faults) hit(method, object string, task bool) *Rule {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.rules {
		if r.Times == 0 || (r.Task || r.Hold) != task ||
			r.Method != "" && r.Method != method || r.Object != "" && r.Object != object {
			continue
		}
		if r.Skip > 0 {
			r.Skip--
			continue
		}
		if r.Times > 0 {
			r.Times--
		}
		return r
	}
	return nil
}

// atTask is where a task begins: it waits while it is held, and returns the
// fault that it fails with, if any.
func (f *faults) atTask(method, object string) types.BaseMethodFault {
	r := f.hit(method, object, true)
	if r == nil {
		return nil
	}
	if r.Hold {
		f.mu.Lock()
		until := f.healed
		f.mu.Unlock()
		select {
		case <-until:
		case <-f.ended:
		}
	}
	return r.Fault
}

// pause waits for d, or until the caller leaves.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
