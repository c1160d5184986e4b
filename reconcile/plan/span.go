package plan

import "time"

// span is the time during which the same judgement comes out.
type span struct{ from, until time.Time } // zero: since ever, for ever

func (s *span) holds(now time.Time) bool {
	return !now.Before(s.from) && (s.until.IsZero() || now.Before(s.until))
}

// early tells whether an instant is still to come.
func (b *builder) early(t time.Time) bool {
	s := &b.time
	if !b.in.Now.Before(t) {
		if t.After(s.from) {
			s.from = t
		}
		return false
	}
	if s.until.IsZero() || t.Before(s.until) {
		s.until = t
	}
	return true
}

// now returns the time as part of a judgement, which holds for no other.
func (b *builder) now() time.Time {
	b.time = span{from: b.in.Now, until: b.in.Now.Add(1)}
	return b.in.Now
}
