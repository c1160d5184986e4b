package daemon

import (
	"math/rand/v2"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// cronParser reads five fields, or a descriptor such as @hourly.
var cronParser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// schedule gives the instants of scheduled passes.
type schedule struct {
	cron     cron.Schedule // nil: interval
	interval time.Duration
	zone     *time.Location
	text     string
}

func newSchedule(c *Config) (*schedule, error) {
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return nil, err
	}
	s := &schedule{zone: zone, interval: time.Duration(c.Interval), text: "every " + time.Duration(c.Interval).String()}
	if c.Schedule != "" {
		s.text = c.Schedule + " (" + zone.String() + ")"
		if s.cron, err = cronParser.Parse(c.Schedule); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// next returns the first instant after t. A run that a change to daylight
// saving time skips comes at the first instant after the gap. An interval is
// drawn out by up to a tenth, at random, so that many hosts do not come at once.
func (s *schedule) next(t time.Time) time.Time {
	if s.cron == nil {
		return t.Add(s.interval + rand.N(s.interval/10+1))
	}
	return cronNext(s.cron, t, s.zone)
}

// missed tells whether a scheduled instant passed between the last pass and
// now; however many did, they are caught up by one pass.
func (s *schedule) missed(last, now time.Time) bool {
	return last.IsZero() || !s.next(last).After(now)
}

// cronNext works around robfig/cron skipping the whole day when the local time
// asked for does not exist: it also asks in the offset that is in force at t,
// and takes that instant if the zone's own answer lies beyond it and the
// instant fell into a gap.
func cronNext(c cron.Schedule, t time.Time, zone *time.Location) time.Time {
	local := t.In(zone)
	next := c.Next(local)
	name, offset := local.Zone()
	fixed := c.Next(t.In(time.FixedZone(name, offset)))
	if fixed.IsZero() || !fixed.Before(next) {
		return next
	}
	_, after := fixed.In(zone).Zone()
	if after > offset && fixed.In(zone).Add(-time.Duration(after-offset)*time.Second).Before(next) && inGap(fixed, zone, offset, after) {
		return fixed
	}
	return next
}

// inGap tells whether the wall time of t at the offset before does not exist
// in the zone, which jumped to the offset after.
func inGap(t time.Time, zone *time.Location, before, after int) bool {
	wall := t.In(time.FixedZone("", before))
	same := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, zone)
	return same.Hour() != wall.Hour() || same.Minute() != wall.Minute()
}

// windows weighs the disruption windows.
type windows struct {
	zone *time.Location
	open []window
}

type window struct {
	start    cron.Schedule
	duration time.Duration
}

func newWindows(c *Config) (*windows, error) {
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return nil, err
	}
	w := &windows{zone: zone}
	for _, wc := range c.Disruption.Windows {
		start, err := cronParser.Parse(wc.Start)
		if err != nil {
			return nil, err
		}
		w.open = append(w.open, window{start, time.Duration(wc.Duration)})
	}
	return w, nil
}

// at returns the state of the windows at an instant.
func (w *windows) at(now time.Time) plan.Window {
	out := plan.Window{Restricted: len(w.open) > 0}
	for _, o := range w.open {
		// The window is open if it opened within its duration before now.
		if opened := cronNext(o.start, now.Add(-o.duration), w.zone); !opened.IsZero() && !opened.After(now) {
			out.Open = true
		}
		if next := cronNext(o.start, now, w.zone); !next.IsZero() && (out.Opens.IsZero() || next.Before(out.Opens)) {
			out.Opens = next
		}
	}
	return out
}
