package reconcile

import (
	"fmt"
	"slices"
	"testing"

	"github.com/vmsteward/vmsteward/providers"
)

// list returns an inventory as a provider returns it.
func list(n int, changed ...int) *providers.Inventory {
	inv := &providers.Inventory{Complete: true}
	for i := range n {
		vm := providers.VM{ID: fmt.Sprint("id-", i), Name: fmt.Sprint("vm-", i)}
		if slices.Contains(changed, i) {
			vm.Power = providers.On
		}
		inv.VMs = append(inv.VMs, vm)
	}
	return inv
}

// TestMirrorKnowsMachinesAgain keeps one full inventory after another, and
// counts which machines are other values.
func TestMirrorKnowsMachinesAgain(t *testing.T) {
	m := &mirror{}
	m.keep(list(10))
	for _, r := range []struct {
		reason string
		read   func() *providers.Inventory
		want   int // values that were not there before
	}{
		{"nothing changed", func() *providers.Inventory { return list(10) }, 0},
		{"the list is in another order", func() *providers.Inventory {
			inv := list(10)
			slices.Reverse(inv.VMs)
			return inv
		}, 0},
		{"two changed", func() *providers.Inventory { return list(10, 3, 7) }, 2},
		{"they changed back", func() *providers.Inventory { return list(10) }, 2},
		{"one came", func() *providers.Inventory { return list(11) }, 1},
		{"four went", func() *providers.Inventory { return list(7) }, 0},
		{"most changed, so that all are taken over", func() *providers.Inventory { return list(7, 0, 1, 2, 3, 4) }, 7},
	} {
		before, read := slices.Clone(m.inv.VMs), r.read()
		got := m.keep(read)
		news := 0
		for i, vm := range got.VMs {
			if !vm.Same(&read.VMs[i]) {
				t.Errorf("%s: %s is not as it was read", r.reason, vm.ID)
			}
			if at := m.at[vm.ID]; m.inv.VMs[at] != vm {
				t.Errorf("%s: %s is not found", r.reason, vm.ID)
			}
			if !slices.Contains(before, vm) {
				news++
			}
			if inList := vm == &read.VMs[i]; inList != (r.want == len(got.VMs)) {
				t.Errorf("%s: %s in the list itself: %v", r.reason, vm.ID, inList)
			}
		}
		if news != r.want || len(got.VMs) != len(read.VMs) {
			t.Errorf("%s: %d of %d machines are other values, want %d of %d", r.reason, news, len(got.VMs), r.want, len(read.VMs))
		}
	}
}

// TestMirrorReplacesSingleMachines reads a few machines again.
func TestMirrorReplacesSingleMachines(t *testing.T) {
	m := &mirror{}
	before := m.keep(list(4))
	changed, same, came := list(4, 1).VMs[1], list(4).VMs[2], providers.VM{ID: "new"}
	after := m.put([]string{"id-1", "id-2", "id-0", "new", "never"}, []*providers.VM{&changed, &same, nil, &came, nil})
	if len(before.VMs) != 4 || before.VMs[1].Power == providers.On {
		t.Error("the inventory of before was changed in place")
	}
	for id, want := range map[string]*providers.VM{"id-1": &changed, "id-2": before.VMs[2], "id-3": before.VMs[3], "new": &came} {
		if at, known := m.at[id]; !known || after.VMs[at] != want {
			t.Errorf("%s is another value than expected", id)
		}
	}
	if _, known := m.at["id-0"]; known || len(after.VMs) != 4 {
		t.Errorf("what has gone is still there: %d machines", len(after.VMs))
	}
}
