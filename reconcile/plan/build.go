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
	for _, w := range sorted(in.Wanted) {
		b.add(b.wanted(w))
	}
	for _, u := range in.Unresolved {
		b.add(Item{VM: u.VM, Provider: u.Provider, Action: Hold, Disruption: Nothing, Reason: u.Reason})
	}
	b.prune()
	b.leftovers()
	b.suspend()
	b.rationRestarts()
	return b.finish()
}

// sorted returns the VMs by key, for the first of two that claim one name is
// the one that gets it.
func sorted(wanted []*manifest.VM) []*manifest.VM {
	byKey := func(x, y *manifest.VM) int { return x.Key.Compare(y.Key) }
	if slices.IsSortedFunc(wanted, byKey) {
		return wanted
	}
	wanted = slices.Clone(wanted)
	slices.SortFunc(wanted, byKey)
	return wanted
}

// builder holds the indexes that judging needs.
type builder struct {
	in        Input
	ends      []Endpoint // sorted by key
	endpoints map[manifest.Key]*Endpoint
	named     map[manifest.Key]bool      // VMs that the desired state names
	owned     map[manifest.Key]located   // the machine that carries our mark, by owner
	copies    map[manifest.Key][]located // the machines that do, where they are more than one
	claimed   map[place]manifest.Key     // names of machines that this plan creates
	items     []Item
	notes     []string
}

// located is a machine and where it was found.
type located struct {
	at *Endpoint
	vm *providers.VM
}

// place is a name on an endpoint.
type place struct {
	endpoint manifest.Key
	name     string
}

func newBuilder(in Input) *builder {
	b := &builder{
		in:        in,
		ends:      slices.Clone(in.Endpoints),
		endpoints: make(map[manifest.Key]*Endpoint, len(in.Endpoints)),
		named:     make(map[manifest.Key]bool, len(in.Wanted)+len(in.Unresolved)),
		owned:     make(map[manifest.Key]located, len(in.Wanted)),
		copies:    make(map[manifest.Key][]located),
		claimed:   make(map[place]manifest.Key),
		items:     make([]Item, 0, len(in.Wanted)+len(in.Unresolved)),
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
	slices.SortFunc(b.ends, func(x, y Endpoint) int { return x.Key.Compare(y.Key) })
	for i := range b.ends {
		b.index(&b.ends[i])
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
		if vm := &e.Inventory.VMs[i]; vm.Mark != nil && vm.Mark.Owner.Fleet == b.in.Fleet {
			b.own(located{e, vm})
		}
	}
}

// own notes a machine that carries our mark.
func (b *builder) own(l located) {
	key := l.vm.Mark.Owner.VM
	first, taken := b.owned[key]
	if !taken {
		b.owned[key] = l
		return
	}
	if b.copies[key] == nil {
		b.copies[key] = []located{first}
	}
	b.copies[key] = append(b.copies[key], l)
}

func problems(inv *providers.Inventory) string {
	if len(inv.Problems) == 0 {
		return "no cause given"
	}
	first := slices.MinFunc(inv.Problems, func(x, y providers.Problem) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.ID, y.ID))
	})
	text := cmp.Or(first.Name, first.ID)
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
	if copies := b.copies[w.Key]; copies != nil {
		if copies[0].vm.ID == copies[1].vm.ID && copies[0].at != copies[1].at {
			return it.conflict("providers %s and %s show the same machine: they are one hypervisor that is configured twice; remove one of them from the host", copies[0].at.Key, copies[1].at.Key)
		}
		return it.conflict("%s carry the mark of this VM; remove the copies, or their marks", machines(copies))
	}
	here, exists := b.owned[w.Key]
	switch {
	case !exists:
		return b.absent(it, w, e)
	case here.at != e:
		return it.hold("it lives on provider %s; moving it to %s is not done automatically", here.at.Key, e.Key)
	}
	return b.existing(it, w, here)
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

func unhonoured(w *manifest.VM, e *Endpoint) []string {
	if e.Caps.Honours == nil {
		return nil
	}
	var out []string
	for _, path := range w.Declared {
		if !e.Caps.Honours.Acts(path, w) {
			out = append(out, "not honoured by this provider: "+path)
		}
	}
	return out
}

func (it Item) hold(format string, args ...any) Item {
	it.Action, it.Reason, it.Ops = Hold, fmt.Sprintf(format, args...), nil
	it.Disruption = Nothing
	return it
}

func (it Item) conflict(format string, args ...any) Item {
	it.Action, it.Reason, it.Ops = Conflict, fmt.Sprintf(format, args...), nil
	return it
}

func (b *builder) finish() Plan {
	slices.SortFunc(b.items, func(x, y Item) int {
		if c := x.VM.Compare(y.VM); c != 0 {
			return c
		}
		return cmp.Or(x.Provider.Compare(y.Provider), cmp.Compare(x.ID, y.ID),
			cmp.Compare(x.Action, y.Action), cmp.Compare(x.Reason, y.Reason))
	})
	return Plan{
		FormatVersion: FormatVersion, Fleet: b.in.Fleet, Revision: b.in.Revision, Made: b.in.Now,
		Items: b.items, Notes: b.notes, Summary: summarise(b.items),
	}
}
