package plan

import (
	"slices"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// Memo makes the plans that Build makes, and remembers of each what the next
// can use again: the judgement on a VM, for as long as nothing has changed
// that it was based on. Values are known again by their pointers. The zero
// value remembers nothing yet. It is not safe for concurrent use.
type Memo struct {
	policy   Policy
	caps     []abilities // of the endpoints, sorted by key
	machines machines
	judged   []judged // of the wanted VMs, sorted by key
	telling  []*Item
}

// abilities are what one endpoint states about itself.
type abilities struct {
	endpoint manifest.Key
	caps     *providers.Capabilities
}

// judged is the judgement on one wanted VM, with what it was based on.
type judged struct {
	vm    *manifest.VM
	berth int32
	quiet bool // found as wanted, and nothing is to be said
	found *providers.VM
	facts *Facts
	item  *Item // nil: it hangs on more, and holds for one plan only
	// when is the time during which it holds under the same policy; nil: it
	// hangs on neither.
	when *span
}

// Build makes a plan like the function Build, which is not Spelled.
func (m *Memo) Build(in Input) Plan {
	b := newBuilder(in)
	b.machines = &m.machines
	m.follow(b)
	b.wanted = m.align(in.Wanted)
	samePolicy := m.policy == in.Policy
	m.policy = in.Policy
	b.judgeAll(m.judged, samePolicy)
	for _, u := range in.Unresolved {
		b.name(b.machines.berth(u.VM))
		b.add(Item{VM: u.VM, Provider: u.Provider, Action: Hold, Disruption: Nothing, Reason: u.Reason})
	}
	b.prune()
	b.leftovers()
	b.suspend()
	b.rationRestarts()
	p := b.finish()
	m.telling = b.told
	return p
}

// follow takes over what the endpoints have, and forgets what does not hold
// for them.
func (m *Memo) follow(b *builder) {
	if !m.machines.follow(b.in.Fleet, b.ends) {
		for i := range m.judged {
			m.judged[i].berth = unknownBerth
		}
	}
	caps := make([]abilities, len(b.ends))
	for i := range b.ends {
		caps[i] = abilities{b.ends[i].Key, b.ends[i].Caps}
	}
	if !slices.Equal(caps, m.caps) {
		m.judged, m.caps = nil, caps
	}
}

// Telling returns the items of the last plan without those that say nothing
// but that a VM was found as wanted, in the plan's order.
func (m *Memo) Telling() []*Item { return m.telling }

const (
	noBerth      int32 = -1 // no machine carries the mark
	unknownBerth int32 = -2 // nobody has looked yet
)

// align gives each wanted VM its judgement of before, or an empty one, and
// returns the VMs in the same order.
func (m *Memo) align(wanted []*manifest.VM) []*manifest.VM {
	if slices.EqualFunc(m.judged, wanted, func(j judged, w *manifest.VM) bool { return j.vm == w || j.vm.Key == w.Key }) {
		return wanted
	}
	wanted = sorted(wanted)
	before := m.judged
	m.judged = make([]judged, len(wanted))
	for i, w := range wanted {
		for len(before) > 0 && before[0].vm.Key.Compare(w.Key) < 0 {
			before = before[1:]
		}
		if len(before) > 0 && before[0].vm.Key == w.Key {
			m.judged[i], before = before[0], before[1:]
			continue
		}
		m.judged[i] = judged{vm: w, berth: unknownBerth}
	}
	return wanted
}

// judgeAll judges every wanted VM whose judgement does not hold any more.
func (b *builder) judgeAll(all []judged, samePolicy bool) {
	b.items = make([]*Item, len(all))
	for i := range all {
		j := &all[i]
		if j.berth == unknownBerth {
			j.berth = b.machines.berth(b.wanted[i].Key)
		}
		b.name(j.berth)
		if facts := b.in.Facts[b.wanted[i].Key]; !b.holds(j, b.wanted[i], facts, samePolicy) {
			b.judgeAnew(j, b.wanted[i], facts)
		}
		b.items[i] = j.item
		if !j.quiet {
			b.telling = append(b.telling, i)
		}
	}
}

// holds tells whether a judgement is what judging anew would come to.
func (b *builder) holds(j *judged, w *manifest.VM, facts *Facts, samePolicy bool) bool {
	if j.found == nil || j.vm != w || j.facts != facts || j.berth < 0 {
		return false
	}
	at := &b.machines.berths[j.berth]
	if at.vm != j.found || b.ends[at.at].Key != w.Provider || b.machines.copies[w.Key] != nil {
		return false
	}
	return j.when == nil || samePolicy && j.when.holds(b.in.Now)
}

// judgeAnew judges one VM, and keeps the judgement if it may be used again.
func (b *builder) judgeAnew(j *judged, w *manifest.VM, facts *Facts) {
	b.time = span{}
	it, alone := b.judgeWanted(w, j.berth)
	*j = judged{
		vm: w, berth: j.berth, facts: facts, item: &it,
		quiet: it.Action == None && it.Digest != "" && len(it.Diffs) == 0 && len(it.Warnings) == 0,
	}
	if !alone {
		return
	}
	j.found = b.machines.berths[j.berth].vm
	if it.Action != None {
		when := b.time
		j.when = &when
	}
}

// name notes that the desired state names the VM of a machine.
func (b *builder) name(berth int32) {
	if berth < 0 {
		return
	}
	if at := &b.machines.berths[berth]; at.named != b.machines.round {
		at.named = b.machines.round
		b.met++
	}
}

// located returns the machine of a berth.
func (b *builder) located(berth int32) located {
	at := b.machines.berths[berth]
	return located{&b.ends[at.at], at.vm}
}

// copies returns the machines that carry the mark of one VM, if they are more
// than one.
func (b *builder) copies(vm manifest.Key) (out []located) {
	for _, c := range b.machines.copies[vm] {
		out = append(out, located{&b.ends[c.at], c.vm})
	}
	return out
}
