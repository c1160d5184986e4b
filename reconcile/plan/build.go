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
func Build(in Input) Plan { return new(Memo).Build(in).Spelled() }

// builder is one making of a plan.
type builder struct {
	in        Input
	ends      []Endpoint // sorted by key
	endpoints map[manifest.Key]*Endpoint
	machines  *machines
	wanted    []*manifest.VM // sorted by key
	// unresolved are the VMs that are named without being in wanted.
	unresolved map[manifest.Key]bool
	claimed    map[place]manifest.Key // names of machines that this plan creates
	met        int                    // machines of ours that the desired state names
	time       span                   // of the judgement under way
	warned     map[declared][]string  // what is said of those who set the same

	items   []*Item // of the wanted VMs, in their order
	telling []int   // indexes of items, except those that are quiet
	extras  []*Item // of everything else
	told    []*Item // all of them without the quiet ones, in the plan's order
	notes   []string
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
		in:         in,
		ends:       slices.Clone(in.Endpoints),
		endpoints:  make(map[manifest.Key]*Endpoint, len(in.Endpoints)),
		unresolved: make(map[manifest.Key]bool, len(in.Unresolved)),
		claimed:    make(map[place]manifest.Key),
		warned:     make(map[declared][]string),
	}
	for _, u := range in.Unresolved {
		b.unresolved[u.VM] = true
	}
	if in.Incomplete != "" {
		b.notes = append(b.notes, "the desired state is not complete, so nothing is retired or deleted: "+in.Incomplete)
	}
	slices.SortFunc(b.ends, func(x, y Endpoint) int { return x.Key.Compare(y.Key) })
	for i := range b.ends {
		e := &b.ends[i]
		if e.Caps == nil {
			e.Caps = noCaps
		}
		b.endpoints[e.Key] = e
		switch {
		case e.Inventory == nil:
			b.notes = append(b.notes, fmt.Sprintf("provider %s could not be read: %s", e.Key, e.Unreachable))
		case !e.Inventory.Complete:
			b.notes = append(b.notes, fmt.Sprintf("provider %s could not be read in full: %s", e.Key, problems(e.Inventory)))
		}
	}
	return b
}

// noCaps are the capabilities of a provider that states none.
var noCaps = &providers.Capabilities{}

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

// facts returns what is remembered of a VM, never nil.
func (b *builder) facts(vm manifest.Key) *Facts {
	if f := b.in.Facts[vm]; f != nil {
		return f
	}
	return noFacts
}

var noFacts = &Facts{}

// names tells whether the desired state names a VM.
func (b *builder) names(vm manifest.Key) bool {
	_, wanted := slices.BinarySearchFunc(b.wanted, vm, func(w *manifest.VM, key manifest.Key) int { return w.Key.Compare(key) })
	return wanted || b.unresolved[vm]
}

// namesNone tells whether the desired state names no VM at all.
func (b *builder) namesNone() bool { return len(b.wanted) == 0 && len(b.unresolved) == 0 }

func problems(inv *Inventory) string {
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

// add adds an item that is not about a wanted VM.
func (b *builder) add(it Item) { b.extras = append(b.extras, &it) }

// judgeWanted judges one VM of the desired state, and tells whether the
// judgement hangs on nothing but the VM, the one machine that stands for it,
// its facts and the policy.
func (b *builder) judgeWanted(w *manifest.VM, berth int32) (it Item, alone bool) {
	it = Item{VM: w.Key, Provider: w.Provider, Digest: w.Digest, Disruption: Nothing, Wanted: w}
	e := b.endpoints[w.Provider]
	if e == nil {
		return it.hold("provider %s is not configured on this host", w.Provider), false
	}
	it.Warnings = b.unhonoured(w, e)
	if e.Inventory == nil {
		return it.hold("provider %s could not be read: %s", e.Key, e.Unreachable), false
	}
	if berth < 0 {
		return b.absent(it, w, e), false
	}
	if copies := b.copies(w.Key); copies != nil {
		if copies[0].vm.ID == copies[1].vm.ID && copies[0].at != copies[1].at {
			return it.conflict("providers %s and %s show the same machine: they are one hypervisor that is configured twice; remove one of them from the host", copies[0].at.Key, copies[1].at.Key), false
		}
		return it.conflict("%s carry the mark of this VM; remove the copies, or their marks", listed(copies)), false
	}
	here := b.located(berth)
	if here.at != e {
		return it.hold("it lives on provider %s; moving it to %s is not done automatically", here.at.Key, e.Key), false
	}
	return b.existing(it, w, here), true
}

func listed(l []located) string {
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

func (it Item) hold(format string, args ...any) Item {
	it.Action, it.Reason, it.Ops = Hold, fmt.Sprintf(format, args...), nil
	it.Disruption = Nothing
	return it
}

func (it Item) conflict(format string, args ...any) Item {
	it.Action, it.Reason, it.Ops = Conflict, fmt.Sprintf(format, args...), nil
	return it
}
