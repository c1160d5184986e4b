package memory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/vmsteward/vmsteward/providers"
)

// Outside is somebody else with access to the hypervisor: an operator with
// virsh, another tool. Its acts ask for no mark. A VM is named by its ID, its
// name, or "namespace/name" of its mark.
type Outside struct{ hv *Hypervisor }

// Outside returns the access of somebody else.
func (h *Hypervisor) Outside() Outside { return Outside{h} }

// Foreign is a VM that somebody else makes.
type Foreign struct {
	Name      string
	ID        string // empty: an invented one
	CPU       int    // 0: 1
	MemoryMiB int64  // 0: 512
	On        bool
	NICs      []providers.NIC
	Mark      *providers.Mark // nil: no mark
}

// AddForeign makes a VM with one disk that nobody's name is on, and returns
// its ID.
func (o Outside) AddForeign(f Foreign) (id string, err error) {
	err = o.hv.update(func(s *state) error {
		if _, taken := s.names[f.Name]; taken {
			return fmt.Errorf("a VM %q is there already", f.Name)
		}
		s.Serial++
		m := &machine{
			ID: cmp.Or(f.ID, fmt.Sprintf("00000000-0000-4000-8000-%012x", s.Serial)), Name: f.Name,
			Power: providers.Off, Mark: cloneMark(f.Mark),
			Config: providers.Hardware{
				DisksKnown: true, NICsKnown: true, NICs: slices.Clone(f.NICs),
				Firmware: providers.Known(firmware("")),
			},
		}
		cpu, mem := cmp.Or(f.CPU, 1), cmp.Or(f.MemoryMiB, 512)
		m.Config.CPU, m.Config.CPUMax = providers.Known(cpu), providers.Known(cpu)
		m.Config.MemoryMiB, m.Config.MemoryMaxMiB = providers.Known(mem), providers.Known(mem)
		origin := "images/" + f.Name + ".img"
		s.addVolume(origin, bytesPerGiB, "")
		m.Config.Disks = []providers.Disk{makeDisk("", origin, 1)}
		if f.On {
			m = m.poweredOn()
		}
		s.put(m)
		id = m.ID
		return nil
	})
	return id, err
}

// AddVolume makes a volume without a VM. A name like
// "fleet/namespace/name/root.qcow2" makes it a leftover of that owner.
func (o Outside) AddVolume(name string, gib int) error {
	return o.hv.update(func(s *state) error {
		s.addVolume(name, int64(gib)*bytesPerGiB, "")
		return nil
	})
}

// LeaveVolume makes a volume such as an interrupted creation leaves, and
// returns its name.
func (o Outside) LeaveVolume(owner providers.Owner, disk string, gib int) (string, error) {
	name := volumeName(owner, disk)
	return name, o.AddVolume(name, gib)
}

// RemoveVolume removes a volume; one that is not there is a success.
func (o Outside) RemoveVolume(name string) error {
	return o.hv.update(func(s *state) error { s.dropVolume(name); return nil })
}

// Volumes returns the names of all volumes, sorted.
func (o Outside) Volumes() []string {
	var names []string
	_ = o.hv.view(func(s *state) error {
		for name := range s.Volumes {
			names = append(names, name)
		}
		return nil
	})
	slices.Sort(names)
	return names
}

// Boots returns how often a VM was started or rebooted, -1 if it is not there.
func (o Outside) Boots(vm string) int {
	boots := -1
	_ = o.hv.view(func(s *state) error {
		if m := s.named(vm); m != nil {
			boots = m.Boots
		}
		return nil
	})
	return boots
}

// RemoveImage and RemoveNetwork make requests that name the image (by the
// name of its VMImage) or the network fail, until it is restored.
func (o Outside) RemoveImage(name string) error   { return o.lack("image "+name, true) }
func (o Outside) RemoveNetwork(name string) error { return o.lack("network "+name, true) }

// RestoreImage and RestoreNetwork bring it back.
func (o Outside) RestoreImage(name string) error   { return o.lack("image "+name, false) }
func (o Outside) RestoreNetwork(name string) error { return o.lack("network "+name, false) }

func (o Outside) lack(what string, gone bool) error {
	return o.hv.update(func(s *state) error {
		if gone {
			s.Lacks[what] = true
		} else {
			delete(s.Lacks, what)
		}
		return nil
	})
}

// named finds a machine by its ID, its name, or the VM of its mark.
func (s *state) named(vm string) *machine {
	if m := s.Machines[vm]; m != nil {
		return m
	}
	if id, ok := s.names[vm]; ok {
		return s.Machines[id]
	}
	if !strings.Contains(vm, "/") {
		return nil
	}
	for _, m := range s.Machines {
		if m.Mark != nil && m.Mark.Owner.VM.String() == vm {
			return m
		}
	}
	return nil
}

// change replaces a machine by an altered copy.
func (o Outside) change(vm string, fn func(*state, *machine)) error {
	return o.hv.update(func(s *state) error {
		m := s.named(vm)
		if m == nil {
			return fmt.Errorf("no VM %q", vm)
		}
		after := m.clone()
		fn(s, after)
		s.put(after)
		return nil
	})
}
