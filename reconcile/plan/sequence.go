package plan

import (
	"reflect"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// sequence orders the calls that remove a set of differences.
type sequence struct {
	w     *manifest.VM
	f     *providers.VM
	facts Facts
	now   time.Time

	change  providers.Change
	restart bool // something needs the guest to stop
	start   bool // it is wanted on and is not
	stop    bool // it is wanted off and is not
}

// take adds one difference.
func (s *sequence) take(d difference) {
	if d.Field == string(providers.FieldPower) {
		if s.w.Power == manifest.PowerOn {
			s.start = true
		} else {
			s.stop = true
		}
		return
	}
	if d.apply != nil {
		d.apply(&s.change)
	}
	if d.Disruption == Restart {
		s.restart = true
	}
}

// ops returns the calls. A guest that must stop is asked first; a change that
// needs it stopped is made while it is; it is started again only if it ran.
func (s *sequence) ops() []Op {
	runs := s.f.Power == providers.On || s.f.Power == providers.Suspended
	changes := !reflect.ValueOf(s.change).IsZero()
	var ops []Op
	switch {
	case runs && (s.restart || s.stop):
		ops = s.halt()
		if changes {
			ops = append(ops, Op{Kind: Reconfigure, Change: &s.change})
		}
		if !s.stop {
			ops = append(ops, Op{Kind: Start})
		}
		return ops
	case changes:
		s.change.Live = runs
		ops = append(ops, Op{Kind: Reconfigure, Change: &s.change})
	}
	if s.start {
		ops = append(ops, Op{Kind: Start})
	}
	return ops
}

// halt stops the guest: gracefully, unless the manifest wants it off hard. A
// shutdown that is under way is picked up and not asked for again.
func (s *sequence) halt() []Op {
	if s.stop && !s.w.Shutdown.Graceful && !s.restart {
		return []Op{{Kind: Stop}}
	}
	return halt(s.w.Shutdown.Timeout, s.f, s.facts, s.now)
}

func halt(timeout time.Duration, f *providers.VM, facts Facts, now time.Time) []Op {
	if f.Power == providers.Suspended {
		return []Op{{Kind: Stop}}
	}
	if timeout <= 0 {
		timeout = defaultShutdown
	}
	if p := facts.Pending; p != nil && p.Op == ShutDown {
		left := p.Deadline.Sub(now)
		if left <= 0 {
			return []Op{{Kind: Stop}}
		}
		if p.Task != "" {
			return []Op{{Kind: ShutDown, Task: p.Task, Timeout: min(left, timeout)}}
		}
		timeout = min(left, timeout)
	}
	return []Op{{Kind: ShutDown, Timeout: timeout}}
}

// defaultShutdown is how long a guest may take when no manifest says.
const defaultShutdown = 60 * time.Second
