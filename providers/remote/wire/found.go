package wire

import (
	"fmt"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

// EncodeVM makes the message of a machine as it was found.
func EncodeVM(vm *providers.VM) *stewardv1.VM {
	m := &stewardv1.VM{
		Id: text(vm.ID), Name: text(vm.Name), Power: encodePower(vm.Power),
		Mark: maybe(vm.Mark, EncodeMark), Config: EncodeHardware(&vm.Config), Running: maybe(vm.Running, EncodeHardware),
		Addresses: each(vm.Addresses, func(a *providers.Address) *stewardv1.Address {
			return &stewardv1.Address{Nic: text(a.NIC), Ip: text(a.IP), Via: text(a.Via)}
		}),
	}
	if vm.Autostart.Known {
		m.Autostart = &vm.Autostart.Value
	}
	if vm.Tags.Known {
		m.Tags = texts(vm.Tags.Value)
	}
	return m
}

// DecodeVM reads a machine as it was found. One without an id is an error.
func DecodeVM(m *stewardv1.VM) (providers.VM, error) {
	var s scan
	if m.GetId() == "" {
		return providers.VM{}, fmt.Errorf("a VM named %q has no id", m.GetName())
	}
	vm := providers.VM{
		ID: m.Id, Name: m.Name, Power: decodePower(m.Power), Config: s.hardware(m.Config),
		Addresses: eachOf(m.Addresses, func(a *stewardv1.Address) providers.Address {
			return providers.Address{NIC: a.GetNic(), IP: a.GetIp(), Via: a.GetVia()}
		}),
	}
	if m.Mark != nil {
		mark := s.mark(m.Mark)
		vm.Mark = &mark
	}
	if m.Running != nil {
		running := s.hardware(m.Running)
		vm.Running = &running
	}
	if m.Autostart != nil {
		vm.Autostart = providers.Known(*m.Autostart)
	}
	if m.Tags != nil {
		vm.Tags = providers.Known(list(m.Tags))
	}
	if s.err != nil {
		return providers.VM{}, fmt.Errorf("VM %s: %w", m.Id, s.err)
	}
	return vm, nil
}

func encodePower(p providers.PowerState) stewardv1.PowerState {
	switch p {
	case providers.On:
		return stewardv1.PowerState_POWER_STATE_ON
	case providers.Off:
		return stewardv1.PowerState_POWER_STATE_OFF
	case providers.Suspended:
		return stewardv1.PowerState_POWER_STATE_SUSPENDED
	}
	return stewardv1.PowerState_POWER_STATE_UNKNOWN
}

// decodePower reads a state that it does not know as unknown: it is not Off.
func decodePower(p stewardv1.PowerState) providers.PowerState {
	switch p {
	case stewardv1.PowerState_POWER_STATE_ON:
		return providers.On
	case stewardv1.PowerState_POWER_STATE_OFF:
		return providers.Off
	case stewardv1.PowerState_POWER_STATE_SUSPENDED:
		return providers.Suspended
	}
	return providers.Unknown
}
