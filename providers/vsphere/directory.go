package vsphere

import (
	"sync"

	"github.com/vmware/govmomi/vim25/types"
)

// directory remembers which managed object has which instance UUID, so that
// most VMs are found without asking. What it says may be out of date: whoever
// uses it compares what it then reads. The zero value knows nothing.
type directory struct {
	mu   sync.Mutex
	refs map[string]string // guarded by mu: value of the reference by UUID; shared where several VMs have it
}

// shared stands for the reference of a UUID that several VMs have.
const shared = ""

// find returns what is remembered of a UUID. known without a reference means
// that several VMs have it.
func (d *directory) find(id string) (ref types.ManagedObjectReference, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	value, known := d.refs[id]
	return vmRef(value), known
}

// note remembers one VM.
func (d *directory) note(id, ref string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refs == nil {
		d.refs = make(map[string]string)
	}
	d.refs[id] = ref
}

// forget drops what is remembered of a UUID, if it is that VM.
func (d *directory) forget(id, ref string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refs[id] == ref {
		delete(d.refs, id)
	}
}

// replace takes over what is true of every VM.
func (d *directory) replace(refs map[string]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refs = refs
}

func vmRef(value string) types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: "VirtualMachine", Value: value}
}
