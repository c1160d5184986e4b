package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// Build compares and decides. It is pure: the same input gives the same plan,
// whatever the order of its lists. It never plans a call for a VM that does
// not carry the mark of in.Fleet, and it has no error: a VM that nothing can
// be done for is an item that says so.
func Build(in Input) Plan {
	b := newBuilder(in)
	for _, w := range in.Wanted {
		b.add(b.wanted(w))
	}
	for _, u := range in.Unresolved {
		b.add(Item{VM: u.VM, Provider: u.Provider, Action: Hold, Reason: u.Reason})
	}
	b.prune()
	b.leftovers()
	return b.finish()
}

// builder holds the indexes that judging needs.
type builder struct {
	in        Input
	endpoints map[manifest.Key]*Endpoint
	named     map[manifest.Key]bool      // VMs that the desired state names
	owned     map[manifest.Key][]located // machines that carry our mark, by owner
	items     []Item
	notes     []string
}

// located is a machine and where it was found.
type located struct {
	at *Endpoint
	vm *providers.VM
}

func newBuilder(in Input) *builder {
	b := &builder{
		in:        in,
		endpoints: make(map[manifest.Key]*Endpoint, len(in.Endpoints)),
		named:     make(map[manifest.Key]bool, len(in.Wanted)),
		owned:     make(map[manifest.Key][]located),
	}
	for _, w := range in.Wanted {
		b.named[w.Key] = true
	}
	for _, u := range in.Unresolved {
		b.named[u.VM] = true
	}
	if in.Incomplete != "" {
		b.notes = append(b.notes, "the desired state is not complete, so nothing is retired or deleted: "+in.Incomplete)
	}
	ends := slices.Clone(in.Endpoints)
	slices.SortFunc(ends, func(x, y Endpoint) int { return x.Key.Compare(y.Key) })
	for i := range ends {
		b.index(&ends[i])
	}
	return b
}

func (b *builder) index(e *Endpoint) {
	b.endpoints[e.Key] = e
	switch {
	case e.Inventory == nil:
		b.notes = append(b.notes, fmt.Sprintf("provider %s could not be read: %s", e.Key, e.Unreachable))
		return
	case !e.Inventory.Complete:
		b.notes = append(b.notes, fmt.Sprintf("provider %s could not be read in full: %s", e.Key, problems(e.Inventory)))
	}
	for i := range e.Inventory.VMs {
		vm := &e.Inventory.VMs[i]
		if vm.Mark != nil && vm.Mark.Owner.Fleet == b.in.Fleet {
			key := vm.Mark.Owner.VM
			b.owned[key] = append(b.owned[key], located{e, vm})
		}
	}
}

func problems(inv *providers.Inventory) string {
	if len(inv.Problems) == 0 {
		return "no cause given"
	}
	first := slices.MinFunc(inv.Problems, func(x, y providers.Problem) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.ID, y.ID))
	})
	text := first.Name
	if first.Err != nil {
		text += ": " + first.Err.Error()
	}
	if n := len(inv.Problems) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	return text
}

func (b *builder) add(it Item) { b.items = append(b.items, it) }

// wanted judges one VM of the desired state.
func (b *builder) wanted(w *manifest.VM) Item {
	it := Item{VM: w.Key, Provider: w.Provider, Digest: w.Digest, Disruption: Nothing}
	e := b.endpoints[w.Provider]
	if e == nil {
		return it.hold("provider %s is not configured on this host", w.Provider)
	}
	it.Warnings = unhonoured(w, e)
	if e.Inventory == nil {
		return it.hold("provider %s could not be read: %s", e.Key, e.Unreachable)
	}
	switch here := b.owned[w.Key]; {
	case len(here) > 1:
		return it.conflict("%s carry the mark of this VM; remove the copies, or their marks", machines(here))
	case len(here) == 1 && here[0].at != e:
		return it.hold("it lives on provider %s; moving it to %s is not done automatically", here[0].at.Key, e.Key)
	case len(here) == 1:
		return b.existing(it, w, here[0])
	}
	return b.absent(it, w, e)
}

func machines(l []located) string {
	var names []string
	for _, m := range l {
		names = append(names, fmt.Sprintf("%s (%s) on %s", m.vm.Name, m.vm.ID, m.at.Key))
	}
	slices.Sort(names)
	text := names[0]
	for _, n := range names[1:] {
		text += " and " + n
	}
	return text
}

// absent judges a wanted VM that no machine with our mark stands for.
func (b *builder) absent(it Item, w *manifest.VM, e *Endpoint) Item {
	facts := b.in.Facts[w.Key]
	if foreign := findForeign(e.Inventory, w.Key.Name, b.in.Fleet, w.Key); foreign != nil {
		it.ID = foreign.ID
		return it.conflict("a machine named %s exists on %s and does not carry the mark of this VM; rename one of the two", foreign.Name, e.Key)
	}
	if !e.Inventory.Complete {
		return it.hold("it was not found, and provider %s could not be read in full: %s", e.Key, problems(e.Inventory))
	}
	if last := facts.Provider; last != (manifest.Key{}) && last != e.Key {
		if was := b.endpoints[last]; was == nil || was.Inventory == nil || !was.Inventory.Complete {
			return it.hold("it was last seen on provider %s, which could not be read", last)
		}
	}
	if p := facts.Pending; p != nil && p.Op == CreateVM && p.Task != "" {
		it.Action, it.Reason = Create, "its creation is under way"
		it.Ops = []Op{{Kind: CreateVM, Task: p.Task}}
		return it
	}
	return b.create(it, w, facts)
}

func findForeign(inv *providers.Inventory, name, fleet string, owner manifest.Key) *providers.VM {
	for i := range inv.VMs {
		vm := &inv.VMs[i]
		if vm.Name != name {
			continue
		}
		if vm.Mark == nil || vm.Mark.Owner != (providers.Owner{Fleet: fleet, VM: owner}) {
			return vm
		}
	}
	return nil
}

func (b *builder) create(it Item, w *manifest.VM, facts Facts) Item {
	caps := &b.endpoints[w.Provider].Caps
	it.Wanted = base(w, caps, nil)
	drift := facts.Applied != nil
	it.Diffs = fields(w, caps, nil)
	it.Diffs[0].Drift = drift
	it.Signature = signature([]difference{{Diff: it.Diffs[0]}})
	if drift && b.in.Policy.Drift == ReportOnly {
		it.Action, it.Reason = Report, "it was removed outside, and drift is only reported"
		it.Diffs = it.Diffs[:1]
		it.Diffs[0].Verdict, it.Diffs[0].Reason = Tell, "drift is only reported on this host"
		return it
	}
	if held, ok := b.held(it, facts); ok {
		held.Diffs = it.Diffs[:1]
		return held
	}
	it.Action, it.Reason = Create, "it does not exist"
	if drift {
		it.Reason = "it was removed outside"
	}
	it.Ops = []Op{{Kind: CreateVM}}
	if w.Power == manifest.PowerOn {
		it.Ops = append(it.Ops, Op{Kind: Start})
	}
	return it
}

// held applies what the journal says about earlier attempts.
func (b *builder) held(it Item, facts Facts) (Item, bool) {
	if f := facts.Failure; f != nil {
		switch {
		case f.ForDigest && f.Digest == it.Digest:
			return it.hold("the last attempt failed and cannot work as written: %s", f.Text), true
		case b.in.Now.Before(f.NotBefore):
			return it.hold("the last attempt failed, the next is at %s: %s", stamp(f.NotBefore), f.Text), true
		}
	}
	if facts.Signature == it.Signature && facts.Strikes >= maxStrikes {
		return it.hold("the same difference came back after it was applied successfully %d times; something undoes it, or the provider cannot do it", facts.Strikes), true
	}
	return it, false
}

// maxStrikes is how often the same difference may come back.
const maxStrikes = 2

func (it Item) hold(format string, args ...any) Item {
	it.Action, it.Reason, it.Ops = Hold, fmt.Sprintf(format, args...), nil
	return it
}

func (it Item) conflict(format string, args ...any) Item {
	it.Action, it.Reason, it.Ops = Conflict, fmt.Sprintf(format, args...), nil
	return it
}

func unhonoured(w *manifest.VM, e *Endpoint) []string {
	if e.Caps.Honours == nil {
		return nil
	}
	var out []string
	for _, path := range w.Declared {
		if !e.Caps.Honours(path, w) {
			out = append(out, "not honoured by this provider: "+path)
		}
	}
	return out
}

func (b *builder) finish() Plan {
	slices.SortStableFunc(b.items, func(x, y Item) int {
		return cmp.Or(x.VM.Compare(y.VM), x.Provider.Compare(y.Provider), cmp.Compare(x.ID, y.ID),
			cmp.Compare(x.Action, y.Action), cmp.Compare(x.Reason, y.Reason))
	})
	p := Plan{
		FormatVersion: FormatVersion, Fleet: b.in.Fleet, Revision: b.in.Revision, Made: b.in.Now,
		Items: b.items, Notes: b.notes,
	}
	p.Summary = summarise(p.Items)
	return p
}

func summarise(items []Item) Summary {
	var s Summary
	for i := range items {
		it := &items[i]
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
	case Conflict:
		s.Conflicts++
	}
}
