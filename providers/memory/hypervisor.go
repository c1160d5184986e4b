package memory

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Nature is how a hypervisor behaves. The zero value is quick and honest.
type Nature struct {
	// ShutdownTakes is how long a guest needs to shut down. It is measured by
	// the clock, so a synctest bubble passes it at once.
	ShutdownTakes time.Duration
	// Late is how long create, delete and reconfigure go on after the call:
	// they return a task, and their effect is seen when it is complete.
	Late time.Duration
	// RoundMemoryMiB rounds memory up to a multiple; 0 does not.
	RoundMemoryMiB int64
	// NICModel is the model of a NIC whose manifest names none; empty: virtio.
	NICModel string
	// ExtraTags are put on every VM that is created, unasked.
	ExtraTags []string
	// Shuffle changes the order of every list at each read.
	Shuffle bool
}

// Hypervisor is the shared state behind the connections. Its methods may be
// called from many goroutines.
type Hypervisor struct {
	mu   sync.Mutex // covers st
	st   *state
	file *stateFile // nil: the state lives in memory only

	ctl    sync.Mutex // covers what follows; may be taken while mu is held, not the reverse
	nature Nature
	faults []*Fault
	cut    bool
	onStep func(Step) error
	counts map[string]int
	calls  []string
	reads  int  // of lists, turns the order when Shuffle is set
	hushed bool // see Hush

	watchers map[*watcher]bool
	hanging  map[chan struct{}]bool // of calls that hang: closed when the connection is cut
	// felt holds, for each connection that asks for its pulse, what was touched
	// since it asked last, as it was then.
	felt map[*Provider]map[string]*machine
}

// NewHypervisor returns an empty one.
func NewHypervisor() *Hypervisor {
	return &Hypervisor{
		st: newState(), counts: map[string]int{}, watchers: map[*watcher]bool{}, hanging: map[chan struct{}]bool{},
		felt: map[*Provider]map[string]*machine{},
	}
}

// SetNature changes how the hypervisor behaves from now on.
func (h *Hypervisor) SetNature(n Nature) {
	h.ctl.Lock()
	defer h.ctl.Unlock()
	h.nature = n
}

// natureNow returns the behaviour in force.
func (h *Hypervisor) natureNow() Nature {
	h.ctl.Lock()
	defer h.ctl.Unlock()
	return h.nature
}

// view runs fn on the present state, after everything whose time has come. fn
// must not keep or change what it sees.
func (h *Hypervisor) view(fn func(*state) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file == nil {
		h.st.settle(time.Now())
		h.tell(h.st)
		return fn(h.st)
	}
	return h.file.locked(func() error {
		st, err := h.file.load()
		if err != nil {
			return err
		}
		st.settle(time.Now()) // the next update tells, and remembers that it has
		return fn(st)
	})
}

// update runs fn as one effect: with a file, it is on disk afterwards, or not
// at all when fn returns an error. In memory, fn must return its errors before
// it changes anything.
func (h *Hypervisor) update(fn func(*state) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file == nil {
		h.st.settle(time.Now())
		defer h.tell(h.st)
		return fn(h.st)
	}
	return h.file.locked(func() error {
		st, err := h.file.load()
		if err != nil {
			return err
		}
		st.settle(time.Now())
		if err := fn(st); err != nil {
			return err
		}
		if err := h.file.save(st); err != nil {
			return err
		}
		h.tell(st)
		return nil
	})
}

// log writes a line about a mutating call that reached the hypervisor.
func (h *Hypervisor) log(c call, outcome string) {
	line := c.op + " " + c.text
	if outcome != "" {
		line += ": " + outcome
	}
	h.ctl.Lock()
	defer h.ctl.Unlock()
	if h.file != nil {
		h.file.appendCall(line)
		return
	}
	h.calls = append(h.calls, line)
}

// Calls returns one line for each mutating call that reached the hypervisor,
// in the order in which they ended: "create lab/default/web-1",
// "reconfigure default/web-1 live cpu=4". What did not simply succeed is said
// after a colon: a kind, "unchanged", "answer lost", "interrupted". With a
// file, the calls of all processes are returned.
func (h *Hypervisor) Calls() []string {
	h.ctl.Lock()
	defer h.ctl.Unlock()
	if h.file != nil {
		return h.file.readCalls()
	}
	return slices.Clone(h.calls)
}

// Counts returns how often each operation was attempted in this process, by
// its name: "list", "describe", "task", "create", … Calls that met a cut
// connection or a fault count too.
func (h *Hypervisor) Counts() map[string]int {
	h.ctl.Lock()
	defer h.ctl.Unlock()
	return maps.Clone(h.counts)
}

// ForgetCalls empties the call log and the counts.
func (h *Hypervisor) ForgetCalls() {
	h.ctl.Lock()
	defer h.ctl.Unlock()
	h.calls = nil
	clear(h.counts)
	if h.file != nil {
		h.file.dropCalls()
	}
}

// turn returns by how much the lists of this read are rotated.
func (h *Hypervisor) turn() int {
	h.ctl.Lock()
	defer h.ctl.Unlock()
	if !h.nature.Shuffle {
		return 0
	}
	h.reads++
	return h.reads
}
