package vcsim

import (
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// index knows every VM by its UUIDs, which the simulator finds by looking at
// all of them, and holds the names and UUIDs of VMs that are being made.
type index struct {
	Self types.ManagedObjectReference

	mu       sync.Mutex
	entries  map[types.ManagedObjectReference]uuids
	instance map[string]map[types.ManagedObjectReference]bool
	bios     map[string]map[types.ManagedObjectReference]bool
	taken    map[string]bool
}

type uuids struct{ instance, bios string }

func newIndex() *index {
	return &index{
		Self:     types.ManagedObjectReference{Type: lawType, Value: "index"},
		entries:  make(map[types.ManagedObjectReference]uuids),
		instance: make(map[string]map[types.ManagedObjectReference]bool),
		bios:     make(map[string]map[types.ManagedObjectReference]bool),
		taken:    make(map[string]bool),
	}
}

// Reference implements simulator.RegisterObject.
func (x *index) Reference() types.ManagedObjectReference { return x.Self }

// PutObject implements simulator.RegisterObject.
func (x *index) PutObject(_ *simulator.Context, o mo.Reference) {
	if vm, ok := o.(*simulator.VirtualMachine); ok {
		x.note(&vm.VirtualMachine, true)
	}
}

// UpdateObject implements simulator.RegisterObject. Who updates a VM holds its
// lock. The simulator updates VMs that are removed already.
func (x *index) UpdateObject(_ *simulator.Context, o mo.Reference, _ []types.PropertyChange) {
	if vm, ok := o.(*mo.VirtualMachine); ok {
		x.note(vm, false)
	}
}

// RemoveObject implements simulator.RegisterObject.
func (x *index) RemoveObject(_ *simulator.Context, ref types.ManagedObjectReference) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.drop(ref)
}

func (x *index) note(vm *mo.VirtualMachine, fresh bool) {
	if vm.Config == nil {
		return
	}
	u := uuids{strings.ToLower(vm.Config.InstanceUuid), strings.ToLower(vm.Config.Uuid)}
	x.mu.Lock()
	defer x.mu.Unlock()
	if known, ok := x.entries[vm.Self]; known == u || !ok && !fresh {
		return
	}
	x.drop(vm.Self)
	x.entries[vm.Self] = u
	put(x.instance, u.instance, vm.Self)
	put(x.bios, u.bios, vm.Self)
}

func put(m map[string]map[types.ManagedObjectReference]bool, key string, ref types.ManagedObjectReference) {
	if m[key] == nil {
		m[key] = make(map[types.ManagedObjectReference]bool, 1)
	}
	m[key][ref] = true
}

// drop takes a VM out; the lock is held.
func (x *index) drop(ref types.ManagedObjectReference) {
	u, ok := x.entries[ref]
	if !ok {
		return
	}
	delete(x.entries, ref)
	delete(x.instance[u.instance], ref)
	delete(x.bios[u.bios], ref)
}

// find returns the VMs of a UUID.
func (x *index) find(uuid string, instance bool) (refs []types.ManagedObjectReference) {
	x.mu.Lock()
	defer x.mu.Unlock()
	m := x.bios
	if instance {
		m = x.instance
	}
	for ref := range m[strings.ToLower(uuid)] {
		refs = append(refs, ref)
	}
	return refs
}

// take holds something for a VM that is being made. ok is false if another is
// being made with it, or is there already.
func (x *index) take(key, uuid string) (release func(), ok bool) {
	uuid = strings.ToLower(uuid)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.taken[key] || uuid != "" && (x.taken[uuid] || len(x.instance[uuid]) > 0) {
		return nil, false
	}
	x.taken[key] = true
	if uuid != "" {
		x.taken[uuid] = true
	}
	return func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		delete(x.taken, key)
		delete(x.taken, uuid)
	}, true
}

// FindByUuid carries the method out.
func (l *law) FindByUuid(ctx *simulator.Context, req *types.FindByUuid) soap.HasFault {
	if !req.VmSearch {
		return ctx.Map.SearchIndex().FindByUuid(ctx, req)
	}
	body := &methods.FindByUuidBody{Res: new(types.FindByUuidResponse)}
	if refs := l.index.find(req.Uuid, req.InstanceUuid != nil && *req.InstanceUuid); len(refs) > 0 {
		body.Res.Returnval = &refs[0]
	}
	return body
}

// FindAllByUuid carries the method out.
func (l *law) FindAllByUuid(ctx *simulator.Context, req *types.FindAllByUuid) soap.HasFault {
	if !req.VmSearch {
		return ctx.Map.SearchIndex().FindAllByUuid(ctx, req)
	}
	refs := l.index.find(req.Uuid, req.InstanceUuid != nil && *req.InstanceUuid)
	return &methods.FindAllByUuidBody{Res: &types.FindAllByUuidResponse{Returnval: refs}}
}
