package memory

import (
	"fmt"
	"slices"
	"time"

	"github.com/vmsteward/vmsteward/providers"
)

// SetCPU changes the definition, and with live the machine that runs.
func (o Outside) SetCPU(vm string, n int, live bool) error {
	return o.change(vm, func(_ *state, m *machine) {
		for _, h := range m.shapes(live) {
			h.CPU.Value, h.CPUMax.Value = n, max(n, h.CPUMax.Value)
		}
	})
}

// SetMemory changes the definition, and with live the machine that runs.
func (o Outside) SetMemory(vm string, mib int64, live bool) error {
	return o.change(vm, func(_ *state, m *machine) {
		for _, h := range m.shapes(live) {
			h.MemoryMiB.Value, h.MemoryMaxMiB.Value = mib, max(mib, h.MemoryMaxMiB.Value)
		}
	})
}

// Start boots or resumes the VM.
func (o Outside) Start(vm string) error {
	return o.change(vm, func(s *state, m *machine) {
		if s.start(m) {
			*m = *s.Machines[m.ID].clone()
		}
	})
}

// Destroy pulls the plug; the definition stays.
func (o Outside) Destroy(vm string) error {
	return o.change(vm, func(s *state, m *machine) {
		s.endShutdown(m.ID)
		*m = *m.poweredOff()
	})
}

// Suspend pauses a VM that runs.
func (o Outside) Suspend(vm string) error {
	return o.change(vm, func(_ *state, m *machine) {
		if m.Power == providers.On {
			m.Power = providers.Suspended
		}
	})
}

// SetPower makes the VM report a state, such as Unknown.
func (o Outside) SetPower(vm string, p providers.PowerState) error {
	return o.change(vm, func(_ *state, m *machine) { m.Power = p })
}

// Undefine removes the VM, running or not; its volumes stay.
func (o Outside) Undefine(vm string) error {
	return o.hv.update(func(s *state) error {
		m := s.named(vm)
		if m == nil {
			return fmt.Errorf("no VM %q", vm)
		}
		s.endShutdown(m.ID)
		s.drop(m.ID)
		return nil
	})
}

// Rename gives the VM another name; identity and mark stay.
func (o Outside) Rename(vm, name string) error {
	return o.change(vm, func(s *state, m *machine) {
		delete(s.names, m.Name)
		m.Name = name
	})
}

// SetMark replaces the mark; nil removes it.
func (o Outside) SetMark(vm string, mark *providers.Mark) error {
	return o.change(vm, func(s *state, m *machine) {
		if m.Mark != nil {
			delete(s.strays, m.Mark.Owner)
		}
		m.Mark = cloneMark(mark)
	})
}

// AttachNIC adds an interface, also to the machine that runs.
func (o Outside) AttachNIC(vm string, nic providers.NIC) error {
	return o.change(vm, func(_ *state, m *machine) {
		for _, h := range m.shapes(true) {
			h.NICs = append(h.NICs, nic)
		}
	})
}

// DetachNIC removes the interface of that name or address everywhere.
func (o Outside) DetachNIC(vm string, ref providers.NICRef) error {
	return o.change(vm, func(_ *state, m *machine) {
		for _, h := range m.shapes(true) {
			h.NICs = slices.DeleteFunc(h.NICs, isNIC(ref))
			dropTraits(h)
		}
	})
}

// ChangeMAC gives the interface of that name another address everywhere; the
// mark keeps the one that it was given.
func (o Outside) ChangeMAC(vm, nic, mac string) error {
	return o.eachNIC(vm, nic, func(n *providers.NIC) { n.MAC = mac })
}

// MoveNIC plugs the interface of that name into another network.
func (o Outside) MoveNIC(vm, nic, network string) error {
	return o.eachNIC(vm, nic, func(n *providers.NIC) { n.Network = network })
}

func (o Outside) eachNIC(vm, nic string, fn func(*providers.NIC)) error {
	return o.change(vm, func(_ *state, m *machine) {
		for _, h := range m.shapes(true) {
			for i := range h.NICs {
				if h.NICs[i].Name == nic {
					fn(&h.NICs[i])
				}
			}
		}
	})
}

// GrowDisk gives the disk another size everywhere, also a smaller one.
func (o Outside) GrowDisk(vm, name string, gib int) error {
	return o.change(vm, func(s *state, m *machine) {
		for _, h := range m.shapes(true) {
			if d := disk(h, name); d != nil {
				*d = makeDisk(d.Name, d.Origin, gib)
				s.Volumes[d.Origin].SizeBytes = d.SizeBytes.Value
			}
		}
	})
}

// AttachDisk makes a volume and gives it to the definition as a disk that
// nobody's name is on.
func (o Outside) AttachDisk(vm, volume string, gib int) error {
	return o.change(vm, func(s *state, m *machine) {
		s.addVolume(volume, int64(gib)*bytesPerGiB, "")
		m.Config.Disks = append(m.Config.Disks, makeDisk("", volume, gib))
	})
}

// DetachDisk takes the disk out of the VM; its volume stays.
func (o Outside) DetachDisk(vm, name string) error {
	return o.change(vm, func(s *state, m *machine) {
		if d := disk(&m.Config, name); d != nil {
			s.use(d.Origin, "")
		}
		for _, h := range m.shapes(true) {
			h.Disks = slices.DeleteFunc(h.Disks, func(d providers.Disk) bool { return d.Name == name })
			dropTraits(h)
		}
	})
}

// SetTags replaces the tags.
func (o Outside) SetTags(vm string, tags ...string) error {
	return o.change(vm, func(_ *state, m *machine) { m.Tags = tagSet(tags) })
}

// SetAutostart changes whether the host starts the VM.
func (o Outside) SetAutostart(vm string, on bool) error {
	return o.change(vm, func(_ *state, m *machine) { m.Autostart = on })
}

// Deafen makes the guest ignore shutdown and reboot, or listen again.
func (o Outside) Deafen(vm string, deaf bool) error {
	return o.change(vm, func(s *state, m *machine) {
		m.Deaf = deaf
		if ref, asked := s.Shutting[m.ID]; asked && deaf {
			s.Tasks[ref] = task{Due: time.Time{}, Machine: m.ID}
		}
	})
}

// Blur makes the VM unreadable: List leaves it out with a problem and is not
// complete, Describe fails with Retryable.
func (o Outside) Blur(vm string, blurred bool) error {
	return o.change(vm, func(_ *state, m *machine) { m.Blurred = blurred })
}

// Hide makes facts of the VM read as unknown: cpu, memory, disks[], nics[].
func (o Outside) Hide(vm string, fields ...providers.Field) error {
	return o.change(vm, func(_ *state, m *machine) { m.Hidden = fields })
}
