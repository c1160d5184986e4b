package wire

import (
	"fmt"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

// EncodeChange makes the message of a set of decided differences.
func EncodeChange(c *providers.Change) *stewardv1.Change {
	m := &stewardv1.Change{
		Live: c.Live, Name: c.Name, Cpu: wide(c.CPU), MemoryMib: wide(c.MemoryMiB),
		AddDisks: each(c.AddDisks, encodeWantedDisk), AddNics: each(c.AddNICs, encodeWantedNIC),
		GrowDisks: each(c.GrowDisks, func(d *providers.DiskSize) *stewardv1.DiskSize {
			return &stewardv1.DiskSize{Name: d.Name, SizeGib: int64(d.SizeGiB)}
		}),
		RemoveNics: each(c.RemoveNICs, func(r *providers.NICRef) *stewardv1.NICRef {
			return &stewardv1.NICRef{Name: text(r.Name), Mac: text(r.MAC)}
		}),
		Traits: traitTexts(c.Traits), Autostart: c.Autostart,
	}
	if c.Tags != nil {
		m.Tags = texts(*c.Tags)
	}
	if c.Retired != nil {
		m.Retired = instant(*c.Retired)
	}
	return m
}

// DecodeChange reads a set of decided differences.
func DecodeChange(m *stewardv1.Change) (providers.Change, error) {
	var s scan
	if m == nil {
		return providers.Change{}, fmt.Errorf("there is no change")
	}
	c := providers.Change{
		Live: m.Live, Name: m.Name, CPU: s.counted("cpu", m.Cpu), MemoryMiB: s.amounted("memory_mib", m.MemoryMib),
		AddDisks: eachOf(m.AddDisks, s.wantedDisk), AddNICs: eachOf(m.AddNics, s.wantedNIC),
		GrowDisks: eachOf(m.GrowDisks, func(d *stewardv1.DiskSize) providers.DiskSize {
			return providers.DiskSize{Name: d.GetName(), SizeGiB: s.count("size_gib", d.GetSizeGib())}
		}),
		RemoveNICs: eachOf(m.RemoveNics, func(r *stewardv1.NICRef) providers.NICRef {
			return providers.NICRef{Name: r.GetName(), MAC: r.GetMac()}
		}),
		Autostart: m.Autostart,
	}
	for f, v := range m.Traits {
		if c.Traits == nil {
			c.Traits = make(providers.Traits, len(m.Traits))
		}
		c.Traits[s.field(f)] = v
	}
	if m.Tags != nil {
		tags := list(m.Tags)
		c.Tags = &tags
	}
	if m.Retired != nil {
		retired := s.time("retired", m.Retired)
		c.Retired = &retired
	}
	return c, s.err
}

// EncodePowerOp makes the number of an act on the power state.
func EncodePowerOp(op providers.PowerOp) stewardv1.PowerOp {
	switch op {
	case providers.PowerStart:
		return stewardv1.PowerOp_POWER_OP_START
	case providers.PowerStop:
		return stewardv1.PowerOp_POWER_OP_STOP
	case providers.PowerShutdown:
		return stewardv1.PowerOp_POWER_OP_SHUTDOWN
	case providers.PowerReboot:
		return stewardv1.PowerOp_POWER_OP_REBOOT
	}
	return stewardv1.PowerOp_POWER_OP_UNSPECIFIED
}

// DecodePowerOp reads an act on the power state. One that it does not know is
// an error: another act would be done in its place.
func DecodePowerOp(op stewardv1.PowerOp) (providers.PowerOp, error) {
	switch op {
	case stewardv1.PowerOp_POWER_OP_START:
		return providers.PowerStart, nil
	case stewardv1.PowerOp_POWER_OP_STOP:
		return providers.PowerStop, nil
	case stewardv1.PowerOp_POWER_OP_SHUTDOWN:
		return providers.PowerShutdown, nil
	case stewardv1.PowerOp_POWER_OP_REBOOT:
		return providers.PowerReboot, nil
	}
	return "", fmt.Errorf("%v is no act on the power state", op)
}
