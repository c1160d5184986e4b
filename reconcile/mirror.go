package reconcile

import (
	"context"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/vmsteward/vmsteward/providers"
)

// mirror is the inventory of an endpoint that tells of its changes. A pass
// that something woke reads again only what has changed since the last one.
type mirror struct {
	mu      sync.Mutex
	watched bool            // guarded by mu: nothing is missed at the moment
	stale   bool            // guarded by mu: anything may have changed
	dirty   map[string]bool // guarded by mu: ids that may have changed

	// The inventory belongs to the pass under way.
	inv *providers.Inventory
	at  map[string]int // index in inv.VMs by id
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
	m.stale = false
	clear(m.dirty)
	return ids, part
}

// fewVMs can always be read one by one.
const fewVMs = 32

// keep takes over a full inventory.
func (m *mirror) keep(inv *providers.Inventory) {
	m.inv, m.at = inv, make(map[string]int, len(inv.VMs))
	for i := range inv.VMs {
		m.at[inv.VMs[i].ID] = i
	}
}

// put replaces one VM; nil: it is gone.
func (m *mirror) put(id string, vm *providers.VM) {
	i, known := m.at[id]
	switch {
	case vm != nil && known:
		m.inv.VMs[i] = *vm
	case vm != nil:
		m.at[id] = len(m.inv.VMs)
		m.inv.VMs = append(m.inv.VMs, *vm)
	case known:
		last := len(m.inv.VMs) - 1
		m.inv.VMs[i] = m.inv.VMs[last]
		m.at[m.inv.VMs[i].ID] = i
		m.inv.VMs = m.inv.VMs[:last]
		delete(m.at, id)
	}
}

// reads at once while the changed VMs of a mirror are read again.
const readsAtOnce = 8

// refreshMirror reads the given VMs again. An error means that the mirror
// cannot be used.
func (e *Engine) refreshMirror(ctx context.Context, g *gate, ids []string) (*providers.Inventory, error) {
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
	for i, id := range ids {
		g.mirror.put(id, found[i])
	}
	return g.mirror.inv, nil
}
