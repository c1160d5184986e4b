package wire

import (
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

// EncodeHardware makes the message of a machine's shape.
func EncodeHardware(h *providers.Hardware) *stewardv1.Hardware {
	m := &stewardv1.Hardware{
		Cpu: whole(h.CPU), CpuMax: whole(h.CPUMax), MemoryMib: whole(h.MemoryMiB), MemoryMaxMib: whole(h.MemoryMaxMiB),
		Traits: EncodeTraits(h.Traits),
	}
	if h.Firmware.Known {
		firmware := text(string(h.Firmware.Value))
		m.Firmware = &firmware
	}
	if h.DisksKnown {
		m.Disks = &stewardv1.Disks{Values: each(h.Disks, encodeDisk)}
	}
	if h.NICsKnown {
		m.Nics = &stewardv1.NICs{Values: each(h.NICs, func(n *providers.NIC) *stewardv1.NIC {
			return &stewardv1.NIC{Name: text(n.Name), Network: text(n.Network), Model: text(n.Model), Mac: text(n.MAC)}
		})}
	}
	return m
}

func encodeDisk(d *providers.Disk) *stewardv1.Disk {
	return &stewardv1.Disk{Name: text(d.Name), Origin: text(d.Origin), SizeGib: whole(d.SizeGiB), SizeBytes: whole(d.SizeBytes)}
}

// DecodeHardware reads a machine's shape. None is one of which nothing is
// known.
func DecodeHardware(m *stewardv1.Hardware) (providers.Hardware, error) {
	var s scan
	return s.hardware(m), s.err
}

func (s *scan) hardware(m *stewardv1.Hardware) providers.Hardware {
	if m == nil {
		return providers.Hardware{}
	}
	h := providers.Hardware{
		CPU: s.optCount("cpu", m.Cpu), CPUMax: s.optCount("cpu_max", m.CpuMax),
		MemoryMiB: s.optAmount("memory_mib", m.MemoryMib), MemoryMaxMiB: s.optAmount("memory_max_mib", m.MemoryMaxMib),
		DisksKnown: m.Disks != nil, Disks: eachOf(m.Disks.GetValues(), s.disk),
		NICsKnown: m.Nics != nil, NICs: eachOf(m.Nics.GetValues(), decodeNIC),
		Traits: s.traits(m.Traits),
	}
	if m.Firmware != nil {
		h.Firmware = providers.Known(manifest.Firmware(*m.Firmware))
	}
	return h
}

func (s *scan) disk(m *stewardv1.Disk) providers.Disk {
	if m == nil {
		s.fail("a disk is empty")
		return providers.Disk{}
	}
	return providers.Disk{
		Name: m.Name, Origin: m.Origin,
		SizeGiB: s.optCount("size_gib", m.SizeGib), SizeBytes: s.optAmount("size_bytes", m.SizeBytes),
	}
}

func decodeNIC(m *stewardv1.NIC) providers.NIC {
	return providers.NIC{Name: m.GetName(), Network: m.GetNetwork(), Model: m.GetModel(), MAC: m.GetMac()}
}

// EncodeTraits makes the message of what is reported of a machine's traits;
// nil, where nothing is, is no message.
func EncodeTraits(t providers.Traits) *stewardv1.Traits {
	if t == nil {
		return nil
	}
	return &stewardv1.Traits{Values: traitTexts(t)}
}

func traitTexts(t providers.Traits) map[string]string {
	if len(t) == 0 {
		return nil
	}
	values := make(map[string]string, len(t))
	for f, v := range t {
		values[text(string(f))] = text(v)
	}
	return values
}

func (s *scan) traits(m *stewardv1.Traits) providers.Traits {
	if m == nil {
		return nil
	}
	t := make(providers.Traits, len(m.Values))
	for f, v := range m.Values {
		t[s.field(f)] = v
	}
	return t
}

// field reads the name of a field. What is said of it is checked by the one
// that it is for.
func (s *scan) field(name string) providers.Field {
	if name == "" {
		s.fail("a field has no name")
	}
	return providers.Field(name)
}
