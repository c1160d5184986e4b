package vcsim

import (
	"fmt"
	"hash/fnv"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Guest is the operating system in a VM, as its tools tell of it.
type Guest struct {
	Tools     bool     // they are installed, and run while the VM is on
	Deaf      bool     // it does not do what it is asked to
	Hostname  string   // empty: the VM's name
	Addresses []string // of the first interface; nil: one of 10.0.0.0/8
}

// guests lets a guest's tools come and go with the power.
type guests struct {
	Self types.ManagedObjectReference

	mu    sync.Mutex
	usual Guest
	set   map[types.ManagedObjectReference]Guest
}

func newGuests(usual Guest) *guests {
	return &guests{
		Self:  types.ManagedObjectReference{Type: lawType, Value: "guests"},
		usual: usual, set: make(map[types.ManagedObjectReference]Guest),
	}
}

// SetGuest says what runs in a VM from now on. Without it, every VM has a
// guest with tools, or as Options.Guest says.
func (s *Server) SetGuest(vm types.ManagedObjectReference, g Guest) {
	s.guests.mu.Lock()
	s.guests.set[vm] = g
	s.guests.mu.Unlock()
	ctx := s.context()
	if m, fault := machine(ctx, vm); fault == nil {
		ctx.WithLock(m, func() { s.guests.show(ctx, &m.VirtualMachine) })
	}
}

func (g *guests) of(ref types.ManagedObjectReference) Guest {
	g.mu.Lock()
	defer g.mu.Unlock()
	if guest, ok := g.set[ref]; ok {
		return guest
	}
	return g.usual
}

func (g *guests) deaf(ref types.ManagedObjectReference) bool { return g.of(ref).Deaf }

// Reference implements simulator.RegisterObject.
func (g *guests) Reference() types.ManagedObjectReference { return g.Self }

// PutObject implements simulator.RegisterObject.
func (g *guests) PutObject(*simulator.Context, mo.Reference) {}

// UpdateObject implements simulator.RegisterObject.
func (g *guests) UpdateObject(ctx *simulator.Context, o mo.Reference, changes []types.PropertyChange) {
	vm, ok := o.(*mo.VirtualMachine)
	if !ok {
		return
	}
	for i := range changes {
		if changes[i].Name == "runtime.powerState" {
			g.show(ctx, vm)
			return
		}
	}
}

// RemoveObject implements simulator.RegisterObject.
func (g *guests) RemoveObject(_ *simulator.Context, ref types.ManagedObjectReference) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.set, ref)
}

// show has the VM report its guest; the VM's lock is held.
func (g *guests) show(ctx *simulator.Context, vm *mo.VirtualMachine) {
	if vm.Guest == nil || vm.Summary.Guest == nil {
		return
	}
	guest := g.of(vm.Self)
	on := vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn && guest.Tools
	info, sum := *vm.Guest, *vm.Summary.Guest
	info.ToolsStatus, info.ToolsRunningStatus = toolsStatus(guest, on)
	sum.ToolsStatus, sum.ToolsRunningStatus = info.ToolsStatus, info.ToolsRunningStatus
	info.HostName, info.IpAddress = "", ""
	addresses := guest.Addresses
	if on {
		info.HostName = guest.Hostname
		if info.HostName == "" {
			info.HostName = vm.Name
		}
		if addresses == nil {
			addresses = []string{address(vm.Self.Value)}
		}
		if len(addresses) > 0 {
			info.IpAddress = addresses[0]
		}
	} else {
		addresses = nil
	}
	sum.HostName, sum.IpAddress = info.HostName, info.IpAddress
	info.Net = append([]types.GuestNicInfo(nil), vm.Guest.Net...)
	for i := range info.Net {
		info.Net[i].IpAddress = nil
		if i == 0 {
			info.Net[i].IpAddress = addresses
		}
	}
	ctx.Update(vm, []types.PropertyChange{
		{Name: "guest", Val: &info}, {Name: "summary.guest", Val: &sum},
		{Name: "guest.toolsStatus", Val: info.ToolsStatus}, {Name: "guest.toolsRunningStatus", Val: info.ToolsRunningStatus},
		{Name: "guest.hostName", Val: info.HostName}, {Name: "guest.ipAddress", Val: info.IpAddress}, {Name: "guest.net", Val: info.Net},
	})
}

func toolsStatus(g Guest, run bool) (types.VirtualMachineToolsStatus, string) {
	switch {
	case run:
		return types.VirtualMachineToolsStatusToolsOk, string(types.VirtualMachineToolsRunningStatusGuestToolsRunning)
	case g.Tools:
		return types.VirtualMachineToolsStatusToolsNotRunning, string(types.VirtualMachineToolsRunningStatusGuestToolsNotRunning)
	}
	return types.VirtualMachineToolsStatusToolsNotInstalled, string(types.VirtualMachineToolsRunningStatusGuestToolsNotRunning)
}

func toolsRun(vm *mo.VirtualMachine) bool {
	return vm.Guest != nil && vm.Guest.ToolsRunningStatus == string(types.VirtualMachineToolsRunningStatusGuestToolsRunning)
}

// address is the address that a VM is given.
func address(name string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	n := h.Sum32()
	return fmt.Sprintf("10.%d.%d.%d", byte(n>>16), byte(n>>8), byte(n)%254+1)
}
