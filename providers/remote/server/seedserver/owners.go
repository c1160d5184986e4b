package seedserver

import (
	"sync"

	"github.com/vmsteward/vmsteward/providers"
)

// mostOwners bounds what is remembered of VMs that are gone.
const mostOwners = 10_000

// owners remembers whose VM an id was: a deletion that was cut short may have
// left disks of a VM that is not there any more, which are found by its owner.
// It is lost with the process. The zero value is ready.
type owners struct {
	mu   sync.Mutex
	byID map[string]providers.Owner
}

func (o *owners) keep(id string, owner providers.Owner) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byID == nil || len(o.byID) >= mostOwners {
		o.byID = make(map[string]providers.Owner)
	}
	o.byID[id] = owner
}

func (o *owners) of(id string) (providers.Owner, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	owner, known := o.byID[id]
	return owner, known
}

func (o *owners) forget(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.byID, id)
}
