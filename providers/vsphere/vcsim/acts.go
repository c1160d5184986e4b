package vcsim

import (
	"context"
	"fmt"
	"slices"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// PowerOff pulls the plug of the VM of that name, as an administrator.
func (s *Server) PowerOff(ctx context.Context, name string) error {
	return s.act(ctx, name, func(vm *object.VirtualMachine) (*object.Task, error) { return vm.PowerOff(ctx) })
}

// SetMemory changes the memory of the VM of that name, as an administrator.
func (s *Server) SetMemory(ctx context.Context, name string, mib int64) error {
	return s.act(ctx, name, func(vm *object.VirtualMachine) (*object.Task, error) {
		return vm.Reconfigure(ctx, types.VirtualMachineConfigSpec{MemoryMB: mib})
	})
}

// act runs a task on a VM, whichever datacenter it is in.
func (s *Server) act(ctx context.Context, name string, begin func(*object.VirtualMachine) (*object.Task, error)) error {
	var refs []types.ManagedObjectReference
	for _, e := range s.model.Map().All("VirtualMachine") {
		refs = append(refs, e.Reference())
	}
	var vms []mo.VirtualMachine
	if err := property.DefaultCollector(s.admin).Retrieve(ctx, refs, []string{"name"}, &vms); err != nil {
		return err
	}
	at := slices.IndexFunc(vms, func(vm mo.VirtualMachine) bool { return vm.Name == name })
	if at < 0 {
		return fmt.Errorf("no VM is named %s", name)
	}
	task, err := begin(object.NewVirtualMachine(s.admin, vms[at].Self))
	if err != nil {
		return err
	}
	_, err = s.Await(ctx, task)
	return err
}
