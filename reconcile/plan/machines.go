package plan

import (
	"cmp"
	"slices"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// machines finds the machines of all endpoints: those that carry our mark by
// their owner, and all by their name. It follows what the endpoints have from
// one plan to the next.
type machines struct {
	fleet  string
	keys   []manifest.Key    // of the endpoints
	lists  [][]*providers.VM // of the endpoints, as they were followed last
	berths []berth
	owned  map[manifest.Key]int32   // index in berths by owner
	copies map[manifest.Key][]berth // where they are more than one, by endpoint and id
	names  [][]*providers.VM        // of the endpoints, sorted by name; nil until many are asked for
	asked  int                      // how often a name was looked for in this round
	round  uint32
}

// berth is the machine that carries the mark of one VM of ours: of several, one
// on the first endpoint that has any.
type berth struct {
	vm *providers.VM
	at int32 // index of the endpoint
	// named is the last round in which the desired state named its VM.
	named uint32
}

// follow brings the index up to date, and tells whether every berth is still
// that of the same VM.
func (m *machines) follow(fleet string, ends []Endpoint) (same bool) {
	m.asked = 0
	if m.round++; m.fleet != fleet || m.owned == nil || !m.followed(ends) {
		m.index(fleet, ends)
		return false
	}
	return true
}

// followed takes over machines that changed without becoming another's. It
// gives up, and returns false, at any other change.
func (m *machines) followed(ends []Endpoint) bool {
	if !slices.EqualFunc(m.keys, ends, func(key manifest.Key, e Endpoint) bool { return key == e.Key }) {
		return false
	}
	for i := range ends {
		was, now := m.lists[i], ends[i].machines()
		if len(was) != len(now) {
			return false
		}
		for j := range now {
			if was[j] != now[j] && !m.replace(was[j], now[j]) {
				return false
			}
		}
		m.lists[i] = now
	}
	return true
}

func (e *Endpoint) machines() []*providers.VM {
	if e.Inventory == nil {
		return nil
	}
	return e.Inventory.VMs
}

// replace puts a machine in the place of its former self.
func (m *machines) replace(was, now *providers.VM) bool {
	clear(m.names)
	if m.ours(was) != m.ours(now) {
		return false
	}
	if !m.ours(now) {
		return true
	}
	owner := now.Mark.Owner.VM
	if owner != was.Mark.Owner.VM || m.copies[owner] != nil {
		return false
	}
	m.berths[m.owned[owner]].vm = now
	return true
}

func (m *machines) ours(vm *providers.VM) bool {
	return vm.Mark != nil && vm.Mark.Owner.Fleet == m.fleet
}

// index reads everything anew.
func (m *machines) index(fleet string, ends []Endpoint) {
	n := 0
	for i := range ends {
		n += len(ends[i].machines())
	}
	*m = machines{
		fleet: fleet, owned: make(map[manifest.Key]int32, n), copies: make(map[manifest.Key][]berth), berths: make([]berth, 0, n), round: m.round,
	}
	m.names = make([][]*providers.VM, len(ends))
	for i := range ends {
		m.keys, m.lists = append(m.keys, ends[i].Key), append(m.lists, ends[i].machines())
		for _, vm := range ends[i].machines() {
			if m.ours(vm) {
				m.own(berth{vm: vm, at: int32(i)})
			}
		}
	}
	for _, all := range m.copies {
		slices.SortFunc(all, func(x, y berth) int { return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.vm.ID, y.vm.ID)) })
	}
}

// own notes a machine that carries our mark.
func (m *machines) own(b berth) {
	owner := b.vm.Mark.Owner.VM
	first, taken := m.owned[owner]
	if !taken {
		m.owned[owner] = int32(len(m.berths))
		m.berths = append(m.berths, b)
		return
	}
	if m.copies[owner] == nil {
		m.copies[owner] = []berth{m.berths[first]}
	}
	m.copies[owner] = append(m.copies[owner], b)
}

// berth returns the index of the machine that carries the mark of a VM,
// negative when there is none.
func (m *machines) berth(owner manifest.Key) int32 {
	if at, ok := m.owned[owner]; ok {
		return at
	}
	return -1
}

// foreign returns the machine of that name on an endpoint that is not the
// owner's: of several, the one with the lowest id.
func (m *machines) foreign(endpoint manifest.Key, name string, owner providers.Owner) *providers.VM {
	var found *providers.VM
	for _, vm := range m.candidates(slices.Index(m.keys, endpoint), name) {
		if vm.Name == name && (vm.Mark == nil || vm.Mark.Owner != owner) && (found == nil || vm.ID < found.ID) {
			found = vm
		}
	}
	return found
}

// fewNames are looked for in the list as it is. Sorting it pays for more.
const fewNames = 8

// candidates returns machines of an endpoint, among them all of that name.
func (m *machines) candidates(endpoint int, name string) []*providers.VM {
	list := m.names[endpoint]
	if list == nil {
		list = m.lists[endpoint]
		if m.asked++; m.asked <= fewNames {
			return list
		}
		list = slices.Clone(list)
		slices.SortStableFunc(list, func(x, y *providers.VM) int { return cmp.Compare(x.Name, y.Name) })
		m.names[endpoint] = list
	}
	first, _ := slices.BinarySearchFunc(list, name, func(vm *providers.VM, name string) int { return cmp.Compare(vm.Name, name) })
	end := first
	for end < len(list) && list[end].Name == name {
		end++
	}
	return list[first:end]
}
