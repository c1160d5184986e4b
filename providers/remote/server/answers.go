package server

import (
	"crypto/rand"
	"fmt"
	"slices"
	"sync"

	"github.com/vmsteward/vmsteward/providers"
)

// answersKept is how many inventories are remembered: one for each of several
// clients, and those before for answers that did not arrive.
const answersKept = 8

// answers remembers the inventories that were sent last, so that a client that
// has one is told of what differs alone.
type answers struct {
	run string // names this process: a cursor of another one is unknown

	mu   sync.Mutex
	n    int       // guarded by mu
	kept []*answer // guarded by mu; the one used last at the end
}

// answer is an inventory that was sent. Machines that are as they were in the
// one before are the same values. It is never changed.
type answer struct {
	cursor string
	vms    []*providers.VM
	at     map[string]int // index in vms by id
}

func newAnswers() answers { return answers{run: rand.Text()[:12]} }

// difference is what a client needs to know of an inventory. Without a base, it
// is everything.
type difference struct {
	cursor  string // empty: it cannot be asked for what differs
	based   bool
	changed []*providers.VM
	gone    []string
}

// since returns how the machines found now differ from the answer that a client
// has, and remembers them.
func (a *answers) since(cursor string, vms []providers.VM) difference {
	base := a.find(cursor)
	if base != nil && base.is(vms) {
		return difference{cursor: a.keep(base, base, difference{based: true}), based: true}
	}
	d := difference{based: base != nil}
	if base == nil {
		base = &answer{}
	}
	next := base.with(vms, &d)
	if next == nil { // two of one id: nobody could tell which is meant
		d = difference{}
		for i := range vms {
			d.changed = append(d.changed, &vms[i])
		}
		return d
	}
	d.cursor = a.keep(base, next, d)
	return d
}

func (a *answers) find(cursor string) *answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, k := range a.kept {
		if k.cursor == cursor {
			return k
		}
	}
	return nil
}

// keep remembers an answer. One that says what its base says is that.
func (a *answers) keep(base, next *answer, d difference) (cursor string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if d.based && len(d.changed) == 0 && len(d.gone) == 0 {
		next = base
	} else {
		a.n++
		next.cursor = fmt.Sprintf("%s-%d", a.run, a.n)
	}
	a.kept = slices.DeleteFunc(a.kept, func(k *answer) bool { return k == next })
	if len(a.kept) == answersKept {
		a.kept = slices.Delete(a.kept, 0, 1)
	}
	a.kept = append(a.kept, next)
	return next.cursor
}

// is tells whether the answer says the same as what was found now, in the same
// order.
func (b *answer) is(vms []providers.VM) bool {
	if len(vms) != len(b.vms) {
		return false
	}
	for i, vm := range b.vms {
		if !vm.Same(&vms[i]) {
			return false
		}
	}
	return true
}

// with returns the answer for what was found now, and notes in d what differs;
// nil if two machines have one id. A machine keeps its place whatever the order
// in which it was found. Machines are copied, to keep nothing alive of the list
// that they came in.
func (b *answer) with(vms []providers.VM, d *difference) *answer {
	next := &answer{vms: make([]*providers.VM, len(b.vms), max(len(b.vms), len(vms))), at: b.at}
	var fresh []*providers.VM
	for i := range vms {
		vm := &vms[i]
		at, known := b.find(vm.ID, i)
		switch {
		case !known:
			fresh = append(fresh, new(*vm))
			continue
		case next.vms[at] != nil:
			return nil
		case b.vms[at].Same(vm):
			next.vms[at] = b.vms[at]
			continue
		}
		next.vms[at] = new(*vm)
		d.changed = append(d.changed, next.vms[at])
	}
	d.changed = append(d.changed, fresh...)
	if len(vms)-len(fresh) < len(b.vms) {
		for at, vm := range next.vms {
			if vm == nil {
				d.gone = append(d.gone, b.vms[at].ID)
			}
		}
		next.vms = slices.DeleteFunc(next.vms, func(vm *providers.VM) bool { return vm == nil })
	}
	next.vms = append(next.vms, fresh...)
	if (len(fresh) > 0 || len(d.gone) > 0) && !next.index() {
		return nil
	}
	return next
}

// find returns the place of a machine, which is likely to be the one given.
func (b *answer) find(id string, likely int) (at int, known bool) {
	if likely < len(b.vms) && b.vms[likely].ID == id {
		return likely, true
	}
	at, known = b.at[id]
	return at, known
}

// index returns false if two machines have one id.
func (b *answer) index() bool {
	b.at = make(map[string]int, len(b.vms))
	for i, vm := range b.vms {
		b.at[vm.ID] = i
	}
	return len(b.at) == len(b.vms)
}
