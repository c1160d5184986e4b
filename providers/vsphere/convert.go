package vsphere

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// load takes over what was read of a VM. With an error, which says what could
// not be read, the VM has what could.
func load(o *types.ObjectContent) (*mo.VirtualMachine, error) {
	vm := &mo.VirtualMachine{}
	vm.Self = o.Obj
	var odd error
	for i := range o.PropSet {
		if p := &o.PropSet[i]; !takeProperty(vm, p) && odd == nil {
			odd = fmt.Errorf("its %s is of an unknown type: %T", p.Name, p.Val)
		}
	}
	for i := range o.MissingSet {
		if m := &o.MissingSet[i]; odd == nil && !dispensable(m) {
			odd = hidden(m)
		}
	}
	if odd == nil && vm.Config == nil {
		odd = unreadable(vm.Runtime.ConnectionState)
	}
	return vm, odd
}

func takeProperty(vm *mo.VirtualMachine, p *types.DynamicProperty) bool {
	if p.Val == nil {
		return true // it is unset
	}
	if take := takers[p.Name]; take != nil {
		return take(vm, p.Val)
	}
	if strings.HasPrefix(p.Name, extraConfigPath+"[") {
		option, ok := p.Val.(types.OptionValue)
		config := configOf(vm)
		config.ExtraConfig = append(config.ExtraConfig, &option)
		return ok
	}
	return true // nobody asked for it
}

// dispensable tells whether a property that could not be read is one that a
// VM is described without: what the guest says, or an entry of extraConfig
// that is not there.
func dispensable(m *types.MissingProperty) bool {
	if strings.HasPrefix(m.Path, "guest.") || strings.HasPrefix(m.Path, "summary.") {
		return true
	}
	_, invalid := m.Fault.Fault.(*types.InvalidProperty)
	return invalid && strings.HasPrefix(m.Path, extraConfigPath+"[")
}

// hidden is the error of a property that may not be read. It is a matter of one
// VM, and not of the login, which sees the others.
func hidden(m *types.MissingProperty) error {
	return &providers.Error{Kind: providers.Conflict, Err: worded(&hiddenError{m.Path, m.Fault.Fault})}
}

type hiddenError struct {
	path  string
	fault types.BaseMethodFault
}

func (e *hiddenError) Error() string { return "its " + e.path + " cannot be read" }

// Fault lets worded see why.
func (e *hiddenError) Fault() types.BaseMethodFault { return e.fault }

// unreadable is the error of a VM whose configuration vCenter does not have.
// It is not absent: its host or its datastore is.
func unreadable(state types.VirtualMachineConnectionState) error {
	if state == "" {
		state = "in an unknown state"
	}
	return &providers.Error{
		Kind: providers.Retryable, Err: fmt.Errorf("its configuration cannot be read; vCenter says that it is %s", state),
	}
}

// instanceUUID returns the instance UUID of a VM in lower case, as far as it
// is known; empty: it has none.
func instanceUUID(vm *mo.VirtualMachine) string {
	id := vm.Summary.Config.InstanceUuid
	if vm.Config != nil && vm.Config.InstanceUuid != "" {
		id = vm.Config.InstanceUuid
	}
	return canonical(id)
}

// canonical returns a UUID in lower case; empty if it is none.
func canonical(id string) string {
	if parsed, err := uuid.Parse(id); err == nil {
		return parsed.String()
	}
	return ""
}

// mayBeOurs tells whether a VM that cannot be read could be one of ours. Those
// have a version 5 UUID of RFC 9562. What vCenter gives out itself begins with
// 50 and is random from there on, so that one in 64 looks like ours: it is then
// taken for one, which is the safe side.
func mayBeOurs(instance string) bool {
	id, err := uuid.Parse(instance)
	return err != nil || id.Version() == 5 && id.Variant() == uuid.RFC4122
}

// markOf returns the mark of a VM, or nil.
func markOf(vm *mo.VirtualMachine) *mark {
	if vm.Config == nil {
		return nil
	}
	for _, o := range vm.Config.ExtraConfig {
		if v := o.GetOptionValue(); v != nil && v.Key == markKey {
			text, _ := v.Value.(string)
			return readMark(text, instanceUUID(vm))
		}
	}
	return nil
}

// isVM tells a VM from a template. One that carries our mark was made of a VM
// of ours, which is not gone therefore.
func (t *target) isVM() bool { return !isTemplate(&t.vm) || t.mark != nil }

// facts returns the VM as the contract has it. Its id is the caller's matter.
func (t *target) facts(names networkNames) *providers.VM {
	power := powerOf(&t.vm)
	vm := &providers.VM{Name: t.vm.Name, Mark: t.mark.facts(), Power: power}
	vm.Config = hardwareOf(t.vm.Config, t.mark, names)
	if t.mark != nil {
		tags := append([]string{}, t.mark.Tags...)
		slices.Sort(tags)
		vm.Tags = providers.Known(tags)
	}
	if power == providers.On && t.vm.Guest != nil {
		vm.Addresses = addresses(t.vm.Guest.Net, vm.Config.NICs)
	}
	return vm
}

// powerOf returns the power state. It is unknown of a VM that vCenter has lost
// sight of, whatever it remembers, and of a template, which has none.
func powerOf(vm *mo.VirtualMachine) providers.PowerState {
	if vm.Runtime.ConnectionState != types.VirtualMachineConnectionStateConnected || isTemplate(vm) {
		return providers.Unknown
	}
	switch vm.Runtime.PowerState {
	case types.VirtualMachinePowerStatePoweredOn:
		return providers.On
	case types.VirtualMachinePowerStatePoweredOff:
		return providers.Off
	case types.VirtualMachinePowerStateSuspended:
		return providers.Suspended
	}
	return providers.Unknown
}

func isTemplate(vm *mo.VirtualMachine) bool { return vm.Config != nil && vm.Config.Template }

// addresses returns what the guest's tools say, without what says nothing:
// loopback and link-local.
func addresses(told []types.GuestNicInfo, nics []providers.NIC) []providers.Address {
	names := make(map[string]string, len(nics)) // by MAC
	for _, n := range nics {
		names[n.MAC] = n.Name
	}
	var out []providers.Address
	for i := range told {
		mac := strings.ToLower(told[i].MacAddress)
		nic := names[mac]
		if nic == "" {
			nic = mac
		}
		for _, text := range told[i].IpAddress {
			ip, err := netip.ParseAddr(text)
			if err != nil || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
				continue
			}
			out = append(out, providers.Address{NIC: nic, IP: ip.String(), Via: "tools"})
		}
	}
	return out
}
