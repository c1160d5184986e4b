package memory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// state is everything that a hypervisor remembers. Machines are replaced, not
// changed in place, so that a reader's copy may share what it does not alter.
type state struct {
	Serial   int                          `json:"serial"`
	Machines map[string]*machine          `json:"machines"` // by ID
	Volumes  map[string]*volume           `json:"volumes"`  // by name
	Tasks    map[providers.TaskRef]task   `json:"tasks"`
	Pending  map[string]*pending          `json:"pending"`  // by machine ID
	Shutting map[string]providers.TaskRef `json:"shutting"` // machine ID to the task of its shutdown
	Lacks    map[string]bool              `json:"lacks"`    // images and networks that are not there
	strays   map[providers.Owner]string   // machine ID by the owner of its mark, where it is not the owner's identity
	names    map[string]string            // machine ID by name
	order    []*machine                   // sorted by name; nil: to be sorted
	loose    map[string]bool              // names of volumes that no machine uses
	touched  map[string]*machine          // what came, went or changed and was not told yet, as it was before; nil: not there
}

// machine is one VM.
type machine struct {
	ID        string               `json:"id"`
	Name      string               `json:"name"`
	Mark      *providers.Mark      `json:"mark,omitempty"`
	Power     providers.PowerState `json:"power"`
	Config    providers.Hardware   `json:"config"`
	Running   *providers.Hardware  `json:"running,omitempty"`
	Autostart bool                 `json:"autostart"`
	Tags      []string             `json:"tags,omitempty"`
	Boots     int                  `json:"boots"`          // starts and reboots since it was made
	Deaf      bool                 `json:"deaf,omitempty"` // the guest ignores a shutdown
	Blurred   bool                 `json:"blurred,omitempty"`
	Hidden    []providers.Field    `json:"hidden,omitempty"` // facts that read as unknown
	History   *history             `json:"history,omitempty"`
}

// volume is one piece of storage. Its name carries its owner.
type volume struct {
	SizeBytes int64  `json:"sizeBytes"`
	Image     string `json:"image,omitempty"`  // what it was made from
	UsedBy    string `json:"usedBy,omitempty"` // machine ID
}

// task is long work. A task that is not in the table is complete.
type task struct {
	Due     time.Time      `json:"due"` // zero: never by itself
	Machine string         `json:"machine"`
	Kind    providers.Kind `json:"kind,omitempty"` // how it ends badly
}

// pending is a machine's next shape, which comes into force with its task.
type pending struct {
	Task  providers.TaskRef `json:"task"`
	After *machine          `json:"after"` // nil: the machine is gone then
}

func newState() *state {
	s := &state{
		Machines: map[string]*machine{}, Volumes: map[string]*volume{},
		Tasks: map[providers.TaskRef]task{}, Pending: map[string]*pending{},
		Shutting: map[string]providers.TaskRef{}, Lacks: map[string]bool{},
	}
	s.index()
	return s
}

// index rebuilds what can be derived.
func (s *state) index() {
	s.strays = map[providers.Owner]string{}
	s.names = make(map[string]string, len(s.Machines))
	s.loose = map[string]bool{}
	for id, m := range s.Machines {
		s.names[m.Name] = id
		if m.strays() {
			s.strays[m.Mark.Owner] = id
		}
	}
	for name, v := range s.Volumes {
		if v.UsedBy == "" {
			s.loose[name] = true
		}
	}
}

// put stores a machine in place of the one of its ID, and keeps the indexes
// and the volumes' use in step.
func (s *state) put(m *machine) {
	order := s.inOrder(m)
	s.drop(m.ID)
	s.order = order
	s.touch(m.ID, nil)
	s.Machines[m.ID] = m
	s.names[m.Name] = m.ID
	if m.strays() {
		s.strays[m.Mark.Owner] = m.ID
	}
	for _, d := range m.Config.Disks {
		s.use(d.Origin, m.ID)
	}
}

// inOrder returns the order with a machine in the place of its former self,
// nil if it has another place or is new.
func (s *state) inOrder(m *machine) []*machine {
	at, found := slices.BinarySearchFunc(s.order, m.Name, func(o *machine, name string) int { return cmp.Compare(o.Name, name) })
	if !found || s.order[at] != s.Machines[m.ID] {
		return nil
	}
	s.order[at] = m
	return s.order
}

// drop removes a machine; its volumes stay, unused.
func (s *state) drop(id string) {
	m := s.Machines[id]
	if m == nil {
		return
	}
	s.touch(id, m)
	s.order = nil
	delete(s.Machines, id)
	delete(s.names, m.Name)
	if m.Mark != nil && s.strays[m.Mark.Owner] == id {
		delete(s.strays, m.Mark.Owner)
	}
	for _, d := range m.Config.Disks {
		if v := s.Volumes[d.Origin]; v != nil && v.UsedBy == id {
			s.use(d.Origin, "")
		}
	}
}

// use notes which machine uses a volume that is there; empty: none does.
func (s *state) use(name, machine string) {
	v := s.Volumes[name]
	if v == nil {
		return
	}
	v.UsedBy = machine
	if delete(s.loose, name); machine == "" {
		s.loose[name] = true
	}
}

// touch notes that a machine is not what it was before; nil: it was not there.
func (s *state) touch(id string, before *machine) {
	if s.touched == nil {
		s.touched = map[string]*machine{}
	}
	if _, known := s.touched[id]; !known {
		s.touched[id] = before
	}
}

// addVolume makes a volume, or grows the one that is there.
func (s *state) addVolume(name string, bytes int64, image string) {
	if v := s.Volumes[name]; v != nil {
		v.SizeBytes = max(v.SizeBytes, bytes)
		return
	}
	s.Volumes[name] = &volume{SizeBytes: bytes, Image: image}
	s.loose[name] = true
}

// dropVolume removes a volume.
func (s *state) dropVolume(name string) {
	delete(s.Volumes, name)
	delete(s.loose, name)
}

// nextTask returns a fresh reference to work on a machine.
func (s *state) nextTask(what, id string) providers.TaskRef {
	s.Serial++
	return providers.TaskRef(fmt.Sprintf("%s/%s/%d", what, id, s.Serial))
}

// settle brings everything into force whose time has come.
func (s *state) settle(now time.Time) {
	for id, p := range s.Pending {
		if now.Before(s.Tasks[p.Task].Due) {
			continue
		}
		delete(s.Pending, id)
		delete(s.Tasks, p.Task)
		if p.After == nil {
			s.drop(id)
			continue
		}
		s.put(p.After)
	}
	for id, ref := range s.Shutting {
		if due := s.Tasks[ref].Due; due.IsZero() || now.Before(due) {
			continue
		}
		if m := s.Machines[id]; m != nil {
			s.put(m.poweredOff())
		}
		s.endShutdown(id)
	}
}

// nextDue returns when the next effect comes into force by itself; zero: none.
func (s *state) nextDue() (next time.Time) {
	sooner := func(ref providers.TaskRef) {
		if due := s.Tasks[ref].Due; !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	for _, p := range s.Pending {
		sooner(p.Task)
	}
	for _, ref := range s.Shutting {
		sooner(ref)
	}
	return next
}

// endShutdown forgets a shutdown that ended or was overtaken.
func (s *state) endShutdown(id string) {
	delete(s.Tasks, s.Shutting[id])
	delete(s.Shutting, id)
}

// find returns the machine that a reference means: by ID, else by the owner's
// mark, else by the identity derived from the owner, whose mark may be gone.
func (s *state) find(ref providers.Ref) *machine {
	if ref.ID != "" {
		return s.Machines[ref.ID]
	}
	if id, ok := s.strays[ref.Owner]; ok {
		return s.Machines[id]
	}
	return s.Machines[ref.Owner.UUID().String()]
}

// strays tells whether the machine carries the mark of an owner whose identity
// is another.
func (m *machine) strays() bool { return m.Mark != nil && m.Mark.Owner.UUID().String() != m.ID }

// ours tells whether the machine carries the owner's mark.
func (m *machine) ours(o providers.Owner) bool { return m.Mark != nil && m.Mark.Owner == o }

const volumeSuffix = ".qcow2"

// volumeName returns "fleet/namespace/name/disk.qcow2".
func volumeName(o providers.Owner, disk string) string {
	return strings.Join([]string{o.Fleet, o.VM.Namespace, o.VM.Name, disk}, "/") + volumeSuffix
}

// volumeOwner reads the owner back from a volume's name.
func volumeOwner(name string) (providers.Owner, bool) {
	parts := strings.Split(name, "/")
	if len(parts) != 4 || !strings.HasSuffix(parts[3], volumeSuffix) {
		return providers.Owner{}, false
	}
	return providers.Owner{Fleet: parts[0], VM: manifest.Key{Namespace: parts[1], Name: parts[2]}}, true
}
