package vsphere

import (
	"fmt"
	"hash/maphash"
	"maps"
	"slices"

	"github.com/vmware/govmomi/vim25/types"
)

// watched are the properties whose changes are told: one of them changes
// whenever anything does that a VM is described by. The change version of the
// configuration stands for all that a reconfiguration changes.
var watched = []string{
	watchedUUID, watchedTemplate,
	"name", "config.changeVersion", "runtime.powerState", "runtime.connectionState", "guest.ipAddress",
}

const (
	watchedUUID     = "summary.config.instanceUuid"
	watchedTemplate = "config.template"
)

// herd is what a stream has told of all VMs so far: enough to name one that
// has gone, and to tell news from what is said again.
type herd struct {
	vms       map[string]head // by the value of the reference
	count     map[string]int  // how many have an instance UUID
	directory *directory
	seed      maphash.Seed
}

// head is one VM.
type head struct {
	uuid     string
	template bool
	prints   [7]uint64 // of the watched properties, in their order
}

func newHerd(d *directory) *herd {
	return &herd{vms: map[string]head{}, count: map[string]int{}, directory: d, seed: maphash.MakeSeed()}
}

// news takes in updates and returns the ids of the VMs that they are about,
// sorted. An id that comes to be shared by several VMs, or to be one's own,
// may be anybody's: it is told as an empty one.
func (h *herd) news(set *types.UpdateSet) []string {
	ids := map[string]bool{}
	for i := range set.FilterSet {
		for j := range set.FilterSet[i].ObjectSet {
			if u := &set.FilterSet[i].ObjectSet[j]; u.Obj.Type == virtualMachine {
				h.update(u, ids)
			}
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

func (h *herd) update(u *types.ObjectUpdate, ids map[string]bool) {
	ref := u.Obj.Value
	was, known := h.vms[ref]
	is := was
	for i := range u.ChangeSet {
		h.change(&is, &u.ChangeSet[i])
	}
	if u.Kind == types.ObjectUpdateKindLeave {
		is = head{}
		delete(h.vms, ref)
	} else {
		h.vms[ref] = is
	}
	if known && is == was {
		return
	}
	if !was.template && known {
		ids[h.id(ref, was.uuid)] = true
	}
	if was.uuid != is.uuid {
		h.rename(ref, was.uuid, is.uuid, ids)
	}
	if !is.template && u.Kind != types.ObjectUpdateKindLeave {
		ids[h.id(ref, is.uuid)] = true
	}
}

// change takes in one property.
func (h *herd) change(v *head, c *types.PropertyChange) {
	i := slices.Index(watched, c.Name)
	if i < 0 {
		return
	}
	v.prints[i] = 0
	if c.Val != nil {
		v.prints[i] = maphash.String(h.seed, fmt.Sprint(c.Val))
	}
	switch c.Name {
	case watchedUUID:
		text, _ := c.Val.(string)
		v.uuid = canonical(text)
	case watchedTemplate:
		v.template, _ = c.Val.(bool)
	}
}

// rename counts who has which instance UUID.
func (h *herd) rename(ref, was, is string, ids map[string]bool) {
	for id, by := range map[string]int{was: -1, is: +1} {
		if id == "" {
			continue
		}
		before := h.count[id]
		h.count[id] += by
		switch after := h.count[id]; {
		case after == 0:
			delete(h.count, id)
			h.directory.forget(id, ref)
		case after > 1 || before > 1:
			h.directory.note(id, shared) // whose it is now is asked when it matters
			ids[""] = true
		default:
			h.directory.note(id, ref)
		}
	}
}

// id is the id that List gives the VM.
func (h *herd) id(ref, uuid string) string {
	if uuid == "" || h.count[uuid] > 1 {
		return ref
	}
	return uuid
}
