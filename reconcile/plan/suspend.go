package plan

import (
	"time"

	"github.com/vmsteward/vmsteward/manifest"
)

// Suspension is a person's wish that nothing be done for a while.
type Suspension struct {
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"` // zero: until it is resumed
	Reason string    `json:"reason,omitempty"`
	By     string    `json:"by,omitempty"` // who asked for it, as far as known
}

// Everything is the key of a suspension of all VMs.
var Everything manifest.Key

// Over tells whether the suspension has ended by itself.
func (s Suspension) Over(now time.Time) bool { return !s.Until.IsZero() && !now.Before(s.Until) }

// String says the suspension in words.
func (s Suspension) String() string {
	text := "suspended"
	if s.By != "" {
		text += " by " + s.By
	}
	if !s.Until.IsZero() {
		text += " until " + stamp(s.Until)
	}
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	return text
}

// suspend holds what would be done to suspended VMs. Their differences stay in
// the plan, so that drift is still reported.
func (b *builder) suspend() {
	all, everything := b.in.Suspended[Everything]
	if everything && !all.Over(b.in.Now) {
		b.notes = append(b.notes, "everything is "+all.String())
	} else {
		everything = false
	}
	if len(b.in.Suspended) == 0 {
		return
	}
	for it := range b.said() {
		s, ok := b.in.Suspended[(*it).VM]
		if !ok || s.Over(b.in.Now) {
			s, ok = all, everything
		}
		if ok && len((*it).Ops) > 0 {
			held := (*it).hold("%s", s)
			held.Until = s.Until
			*it = &held
		}
	}
}
