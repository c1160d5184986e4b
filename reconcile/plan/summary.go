package plan

import "slices"

// Summary counts items by action.
type Summary struct {
	Wanted    int `json:"wanted"`
	InSync    int `json:"inSync"`
	Create    int `json:"create"`
	Update    int `json:"update"` // changes without a restart
	Restart   int `json:"restart"`
	Retire    int `json:"retire"`
	Delete    int `json:"delete"`
	Deferred  int `json:"deferred"` // items with at least one deferred difference
	Reported  int `json:"reported"`
	Held      int `json:"held"`
	Conflicts int `json:"conflicts"`
	Waiting   int `json:"waiting"` // of those held: that need nobody, only time
	Drifted   int `json:"drifted"` // VMs with at least one drift
}

func summarise(items []*Item) Summary {
	var s Summary
	for _, it := range items {
		if it.Digest != "" {
			s.Wanted++
		}
		s.count(it)
		if slices.ContainsFunc(it.Diffs, func(d Diff) bool { return d.Verdict == Defer || d.Verdict == Refuse }) {
			s.Deferred++
		}
		if slices.ContainsFunc(it.Diffs, func(d Diff) bool { return d.Drift }) {
			s.Drifted++
		}
	}
	return s
}

func (s *Summary) count(it *Item) {
	switch it.Action {
	case None:
		s.InSync++
	case Create:
		s.Create++
	case Update:
		if it.Disruption == Restart {
			s.Restart++
		} else {
			s.Update++
		}
	case Retire:
		s.Retire++
	case Delete, Sweep:
		s.Delete++
	case Report:
		s.Reported++
	case Hold:
		s.Held++
		if it.Digest == "" && !it.Until.IsZero() {
			s.Waiting++
		}
	case Conflict:
		s.Conflicts++
	}
}
