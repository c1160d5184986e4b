package reconcile

import (
	"context"
	"maps"
	"slices"
	"sync"
	"weak"

	"golang.org/x/sync/errgroup"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// mirror is the inventory of an endpoint that tells of its changes. A pass
// that something woke reads again only what has changed since the last one.
type mirror struct {
	mu      sync.Mutex
	watched bool            // guarded by mu: nothing is missed at the moment
	stale   bool            // guarded by mu: anything may have changed
	dirty   map[string]bool // guarded by mu: ids that may have changed

	// What follows belongs to the pass under way. An inventory is never changed
	// in place, nor is a machine in it.
	inv *plan.Inventory
	at  map[string]int // index in inv.VMs by id
	// list is the full inventory that inv is of, as long as nothing else was
	// read since. It is known again, and not kept alive.
	list weak.Pointer[providers.VM]
}

// followed notes that nothing is missed from now on; what was before is not
// known.
func (m *mirror) followed() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watched, m.stale = true, true
}

// lost notes that changes are missed from now on.
func (m *mirror) lost() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watched, m.stale = false, true
}

// changed notes ids that may have changed; an empty one means any.
func (m *mirror) changed(ids ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		if id == "" {
			m.stale = true
			continue
		}
		if m.dirty == nil {
			m.dirty = make(map[string]bool)
		}
		m.dirty[id] = true
	}
}

// take returns the ids to read again and true, or false if everything has to
// be read. Either way what changed so far is taken; what changes while it is
// read is for the next pass.
func (m *mirror) take(all bool) ([]string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids := slices.Sorted(maps.Keys(m.dirty))
	part := !all && m.watched && !m.stale && m.inv != nil && len(ids) <= max(fewVMs, len(m.inv.VMs)/8)
	m.stale, m.dirty = false, nil
	return ids, part
}

// fewVMs can always be read one by one.
const fewVMs = 32

// keep takes over a full inventory. Machines that are as they were stay the
// same values, and the others are copied, to keep nothing alive of the list
// that they came in. Where most are not as they were, the list itself is kept.
func (m *mirror) keep(list *providers.Inventory) *plan.Inventory {
	if m.has(list) {
		again := *m.inv
		again.Complete, again.Problems, again.Leftovers = list.Complete, list.Problems, list.Leftovers
		m.inv = &again
		return m.inv
	}
	before, next, old, moved := m.inv, plan.Found(list), 0, m.inv == nil || len(m.inv.VMs) != len(list.VMs)
	for i, vm := range next.VMs {
		at, known := m.find(vm.ID, i)
		moved = moved || at != i
		if known && before.VMs[at].Same(vm) {
			next.VMs[i] = before.VMs[at]
			old++
		}
	}
	m.inv = next
	if old < len(list.VMs)/2 {
		m.inv = plan.Found(list)
	} else {
		for i := range list.VMs {
			if next.VMs[i] == &list.VMs[i] {
				next.VMs[i] = new(list.VMs[i])
			}
		}
	}
	if moved {
		m.at = make(map[string]int, len(m.inv.VMs))
		for i, vm := range m.inv.VMs {
			m.at[vm.ID] = i
		}
	}
	return m.inv
}

// has tells whether a full inventory is the very list that the mirror is of: a
// provider that knows that nothing has changed returns the same again.
func (m *mirror) has(list *providers.Inventory) bool {
	var first weak.Pointer[providers.VM]
	if len(list.VMs) > 0 {
		first = weak.Make(&list.VMs[0])
	}
	same := m.inv != nil && len(list.VMs) > 0 && len(m.inv.VMs) == len(list.VMs) && m.list == first
	m.list = first
	return same
}

// find returns the place of a machine, which is likely to be the one given.
func (m *mirror) find(id string, likely int) (at int, known bool) {
	if m.inv == nil {
		return -1, false
	}
	if likely < len(m.inv.VMs) && m.inv.VMs[likely].ID == id {
		return likely, true
	}
	if at, known = m.at[id]; known {
		return at, true
	}
	return -1, false
}

// put replaces the machines of some ids; nil: it is gone.
func (m *mirror) put(ids []string, vms []*providers.VM) *plan.Inventory {
	if len(ids) == 0 {
		return m.inv
	}
	m.list = weak.Pointer[providers.VM]{}
	next := *m.inv
	next.VMs = slices.Clone(next.VMs)
	for i, id := range ids {
		at, known := m.at[id]
		switch vm := vms[i]; {
		case vm != nil && known:
			if !next.VMs[at].Same(vm) {
				next.VMs[at] = vm
			}
		case vm != nil:
			m.at[id] = len(next.VMs)
			next.VMs = append(next.VMs, vm)
		case known:
			last := len(next.VMs) - 1
			next.VMs[at] = next.VMs[last]
			m.at[next.VMs[at].ID] = at
			next.VMs = next.VMs[:last]
			delete(m.at, id)
		}
	}
	m.inv = &next
	return m.inv
}

// reads at once while the changed VMs of a mirror are read again.
const readsAtOnce = 8

// refreshMirror reads the given VMs again. An error means that the mirror
// cannot be used.
func (e *Engine) refreshMirror(ctx context.Context, g *gate, ids []string) (*plan.Inventory, error) {
	found := make([]*providers.VM, len(ids))
	group, limited := errgroup.WithContext(ctx)
	group.SetLimit(readsAtOnce)
	for i, id := range ids {
		group.Go(func() (err error) {
			found[i], err = g.Provider.Describe(limited, providers.Ref{ID: id})
			if providers.IsAbsent(err) {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return g.mirror.put(ids, found), nil
}
