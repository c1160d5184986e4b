package vsphere

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/vmware/govmomi/vim25/types"
)

// these write updates as a vCenter sends them.

func appeared(ref, uuid, version string) types.ObjectUpdate {
	return types.ObjectUpdate{Kind: types.ObjectUpdateKindEnter, Obj: vmRef(ref), ChangeSet: []types.PropertyChange{
		{Name: "name", Val: ref}, {Name: watchedUUID, Val: uuid}, {Name: "config.changeVersion", Val: version},
		{Name: watchedTemplate, Val: false},
	}}
}

func changed(ref, path string, value any) types.ObjectUpdate {
	return types.ObjectUpdate{Kind: types.ObjectUpdateKindModify, Obj: vmRef(ref), ChangeSet: []types.PropertyChange{{Name: path, Val: value}}}
}

func left(ref string) types.ObjectUpdate {
	return types.ObjectUpdate{Kind: types.ObjectUpdateKindLeave, Obj: vmRef(ref)}
}

const (
	uuidA = "4b1cda66-5b48-5b3c-863b-705cc4ec9cf9"
	uuidB = "50201a2b-3c4d-7e8f-9a0b-1c2d3e4f5a6b"
)

func TestHerd(t *testing.T) {
	for _, row := range []struct {
		updates []types.ObjectUpdate
		want    []string
		reason  string
	}{
		{[]types.ObjectUpdate{changed("vm-1", "name", "other")}, []string{uuidA}, "a rename"},
		{[]types.ObjectUpdate{changed("vm-1", "config.changeVersion", "2")}, []string{uuidA}, "a reconfiguration"},
		{[]types.ObjectUpdate{changed("vm-1", "guest.ipAddress", nil)}, nil, "what was unset and is"},
		{[]types.ObjectUpdate{changed("vm-1", "config.changeVersion", nil)}, []string{uuidA}, "a configuration that cannot be read any more"},
		{[]types.ObjectUpdate{appeared("vm-1", uuidA, "1"), appeared("vm-2", uuidB, "1")}, nil, "what is said again is no news"},
		{[]types.ObjectUpdate{appeared("vm-1", uuidA, "2"), appeared("vm-2", uuidB, "1")}, []string{uuidA}, "except for what is new in it"},
		{[]types.ObjectUpdate{left("vm-2")}, []string{uuidB}, "a removal, which names nobody but the reference"},
		{[]types.ObjectUpdate{left("vm-9")}, nil, "the removal of what was never there"},
		{[]types.ObjectUpdate{appeared("vm-3", "5020AAAA-3c4d-7e8f-9a0b-1c2d3e4f5a6b", "1")}, []string{"5020aaaa-3c4d-7e8f-9a0b-1c2d3e4f5a6b"}, "a new VM"},
		{[]types.ObjectUpdate{appeared("vm-3", "", "1")}, []string{"vm-3"}, "a new VM without an instance UUID"},
		{[]types.ObjectUpdate{appeared("vm-3", "", "1"), changed("vm-3", watchedUUID, "5020aaaa-3c4d-7e8f-9a0b-1c2d3e4f5a6b")}, []string{"5020aaaa-3c4d-7e8f-9a0b-1c2d3e4f5a6b", "vm-3"}, "it gets one: it goes and comes"},
		{[]types.ObjectUpdate{appeared("vm-3", uuidA, "1")}, []string{"", "vm-3"}, "a UUID that another one has: its id changes too"},
		{[]types.ObjectUpdate{changed("vm-1", watchedTemplate, true)}, []string{uuidA}, "a VM becomes a template"},
		{[]types.ObjectUpdate{changed("vm-5", "config.changeVersion", "2")}, nil, "a template is no VM"},
		{[]types.ObjectUpdate{changed("vm-5", watchedTemplate, false)}, []string{"5020ffff-3c4d-7e8f-9a0b-1c2d3e4f5a6b"}, "a template becomes a VM"},
		{[]types.ObjectUpdate{left("vm-5")}, nil, "the removal of a template"},
		{[]types.ObjectUpdate{changed("vm-1", "nobody.asked", 1)}, nil, "a property that is not watched"},
		{[]types.ObjectUpdate{left("vm-2"), appeared("vm-6", uuidB, "1")}, []string{uuidB}, "registered anew under another reference"},
	} {
		d := &directory{}
		h := newHerd(d)
		template := appeared("vm-5", "5020ffff-3c4d-7e8f-9a0b-1c2d3e4f5a6b", "1")
		template.ChangeSet[3].Val = true
		h.news(setOf(appeared("vm-1", uuidA, "1"), appeared("vm-2", uuidB, "1"), template))
		if d := cmp.Diff(row.want, h.news(setOf(row.updates...)), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s (-want +got):\n%s", row.reason, d)
		}
	}
}

func setOf(updates ...types.ObjectUpdate) *types.UpdateSet {
	return &types.UpdateSet{FilterSet: []types.PropertyFilterUpdate{{ObjectSet: updates}}}
}

// TestHerdKeepsTheDirectory: what is told saves a search.
func TestHerdKeepsTheDirectory(t *testing.T) {
	d := &directory{}
	h := newHerd(d)
	want := func(ref string, known bool) {
		t.Helper()
		if got, ok := d.find(uuidA); ok != known || got.Value != ref {
			t.Errorf("it stands for %q (known: %t), want %q (%t)", got.Value, ok, ref, known)
		}
	}
	h.news(setOf(appeared("vm-1", uuidA, "1")))
	want("vm-1", true)
	h.news(setOf(appeared("vm-2", uuidA, "1")))
	want(shared, true)
	h.news(setOf(left("vm-1")))
	want(shared, true) // whose it is, is asked when it matters
	h.news(setOf(left("vm-2"), appeared("vm-3", uuidA, "1")))
	want("vm-3", true)
	h.news(setOf(left("vm-3")))
	want("", false)
}
