package wire

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

// scan reads one message and keeps the first thing in it that is wrong.
type scan struct{ err error }

func (s *scan) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

// count reads a number of things, which is never negative.
func (s *scan) count(what string, n int64) int { return int(s.amount(what, n)) }

func (s *scan) amount(what string, n int64) int64 {
	if n < 0 || int64(int(n)) != n {
		s.fail("%s is %d", what, n)
		return 0
	}
	return n
}

// optCount reads a number that may be unknown.
func (s *scan) optCount(what string, n *int64) (o providers.Opt[int]) {
	if n != nil {
		o = providers.Known(s.count(what, *n))
	}
	return o
}

func (s *scan) optAmount(what string, n *int64) (o providers.Opt[int64]) {
	if n != nil {
		o = providers.Known(s.amount(what, *n))
	}
	return o
}

// counted reads a number that may be left out.
func (s *scan) counted(what string, n *int64) *int {
	if n == nil {
		return nil
	}
	c := s.count(what, *n)
	return &c
}

func (s *scan) amounted(what string, n *int64) *int64 {
	if n == nil {
		return nil
	}
	a := s.amount(what, *n)
	return &a
}

// span reads a duration in milliseconds.
func (s *scan) span(what string, ms int64) time.Duration {
	const most = int64(1<<63-1) / int64(time.Millisecond)
	if ms < 0 || ms > most {
		s.fail("%s is %d ms", what, ms)
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}

// millis rounds a duration up, so that nobody comes too early.
func millis(d time.Duration) int64 {
	return int64(d/time.Millisecond) + min(1, int64(d%time.Millisecond))
}

func (s *scan) unique(what string, names []string) {
	slices.Sort(names)
	for i := 1; i < len(names); i++ {
		if names[i] == names[i-1] {
			s.fail("two are called %s %q", what, names[i])
		}
	}
}

func (s *scan) sorted(what string, l []string) {
	if !slices.IsSorted(l) {
		s.fail("%s is not sorted", what)
	}
}

// The years that a time can have: those that RFC 3339 can write.
var (
	firstTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	lastTime  = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
)

func (s *scan) time(what string, m *stewardv1.Instant) time.Time {
	if m.GetSeconds() == 0 && m.GetNanos() == 0 {
		return time.Time{}
	}
	if m.Seconds < firstTime || m.Seconds > lastTime || m.Nanos < 0 || m.Nanos >= 1e9 {
		s.fail("%s is %d s and %d ns, no point in time", what, m.Seconds, m.Nanos)
		return time.Time{}
	}
	return time.Unix(m.Seconds, int64(m.Nanos)).UTC()
}

// instant is the zero message for the zero time.
func instant(t time.Time) *stewardv1.Instant {
	if t.IsZero() {
		return &stewardv1.Instant{}
	}
	return &stewardv1.Instant{Seconds: t.Unix(), Nanos: int32(t.Nanosecond())}
}

// whole returns a number that may be unknown.
func whole[N int | int64](o providers.Opt[N]) *int64 {
	if !o.Known {
		return nil
	}
	n := int64(o.Value)
	return &n
}

// wide returns a number that may be left out.
func wide[N int | int64](p *N) *int64 {
	if p == nil {
		return nil
	}
	n := int64(*p)
	return &n
}

// text replaces what is not UTF-8: a hypervisor may have any name, and one that
// cannot be written must not keep all the others from being sent.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func texts(l []string) *stewardv1.Texts {
	m := &stewardv1.Texts{Values: make([]string, len(l))}
	for i, s := range l {
		m.Values[i] = text(s)
	}
	return m
}

// list is never nil.
func list(m *stewardv1.Texts) []string { return append([]string{}, m.GetValues()...) }

// each converts a list; none stays none.
func each[A, B any](l []A, convert func(*A) B) []B {
	if len(l) == 0 {
		return nil
	}
	out := make([]B, len(l))
	for i := range l {
		out[i] = convert(&l[i])
	}
	return out
}

// eachOf converts a list of messages.
func eachOf[A, B any](l []*A, convert func(*A) B) []B {
	if len(l) == 0 {
		return nil
	}
	out := make([]B, len(l))
	for i, m := range l {
		out[i] = convert(m)
	}
	return out
}

// maybe converts what may be nil.
func maybe[A, B any](p *A, convert func(*A) B) (none B) {
	if p == nil {
		return none
	}
	return convert(p)
}
