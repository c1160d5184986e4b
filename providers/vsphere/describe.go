package vsphere

import (
	"context"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// Describe reports one VM, ours or not: in one call where it is remembered
// which managed object it is.
func (p *Provider) Describe(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
	var vm *providers.VM
	err := p.do(ctx, "describe", subjectOf(ref), func(ctx context.Context, c *vim25.Client) error {
		t, err := p.read(ctx, c, ref)
		if err != nil {
			return err
		}
		if !t.isVM() {
			return notThere()
		}
		vm = t.facts(t.names)
		vm.ID, err = p.idOf(ctx, c, &t.vm)
		return err
	})
	if err != nil {
		return nil, err
	}
	return vm, nil
}

// subjectOf says in errors which VM a call is about.
func subjectOf(ref providers.Ref) string {
	if ref.Owner == (providers.Owner{}) {
		return ref.ID
	}
	return ref.Owner.VM.String()
}

// read is find for any VM, ours or not, and for templates. The id is an
// instance UUID or the value of a reference. Only where vCenter says by both
// that it is not there is it absent; a VM that is there and cannot be read is
// an error of another kind.
func (p *Provider) read(ctx context.Context, c *vim25.Client, ref providers.Ref) (*target, error) {
	id := ref.ID
	if id == "" {
		id = ref.Owner.UUID().String()
	}
	parsed, err := uuid.Parse(id)
	if err != nil {
		return fetch(ctx, c, vmRef(id))
	}
	id = parsed.String()
	at, known := p.directory.find(id)
	if known && at != vmRef(shared) {
		t, err := fetch(ctx, c, at)
		if err == nil && instanceUUID(&t.vm) == id {
			return t, nil
		}
		if err != nil && !providers.IsAbsent(err) {
			return nil, err
		}
		p.directory.forget(id, at.Value) // out of date
	}
	at, err = p.search(ctx, c, id)
	if err != nil {
		return nil, err
	}
	return fetch(ctx, c, at)
}

// search asks vCenter which VM has an instance UUID. It is not guessed which
// of several is meant.
func (p *Provider) search(ctx context.Context, c *vim25.Client, id string) (types.ManagedObjectReference, error) {
	found, err := withUUID(ctx, c, id)
	switch {
	case err != nil:
		return vmRef(shared), err
	case len(found) == 0:
		return vmRef(shared), notThere()
	case len(found) > 1:
		p.directory.note(id, shared)
		return vmRef(shared), conflict("%d VMs have the instance UUID %s, %s and %s among them; remove the copies",
			len(found), id, found[0].Value, found[1].Value)
	}
	p.directory.note(id, found[0].Value)
	return found[0], nil
}

// withUUID returns the VMs of an instance UUID, in all datacenters.
func withUUID(ctx context.Context, c *vim25.Client, id string) ([]types.ManagedObjectReference, error) {
	res, err := methods.FindAllByUuid(ctx, c, &types.FindAllByUuid{
		This: *c.ServiceContent.SearchIndex, Uuid: id, VmSearch: true, InstanceUuid: types.NewBool(true),
	})
	if err != nil {
		return nil, err
	}
	return res.Returnval, nil
}

// fetch reads one VM, and the names of the networks that it is on.
func fetch(ctx context.Context, c *vim25.Client, ref types.ManagedObjectReference) (*target, error) {
	t := &target{names: networkNames{}}
	var odd error
	var vm *mo.VirtualMachine
	spec := types.PropertyFilterSpec{
		ObjectSet: []types.ObjectSpec{{Obj: ref, SelectSet: []types.BaseSelectionSpec{
			&types.TraversalSpec{Type: virtualMachine, Path: "network"},
		}}},
		PropSet: append([]types.PropertySpec{
			{Type: virtualMachine, PathSet: paths(vmProperties, fullProperties)},
		}, networkProperties...),
	}
	err := retrieve(ctx, c, []types.PropertyFilterSpec{spec}, func(o *types.ObjectContent) {
		if o.Obj == ref {
			vm, odd = load(o)
			return
		}
		t.names.take(o)
	})
	switch {
	case lost(err, ref):
		return nil, notThere()
	case err != nil:
		return nil, err
	case vm == nil:
		return nil, unreadable("")
	case odd != nil:
		return nil, odd
	}
	t.vm, t.mark = *vm, markOf(vm)
	return t, nil
}

// idOf returns the id that List gives the VM: whether it shares its instance
// UUID with others has to be asked where nothing is remembered of it.
func (p *Provider) idOf(ctx context.Context, c *vim25.Client, vm *mo.VirtualMachine) (string, error) {
	id := instanceUUID(vm)
	if id == "" {
		return vm.Self.Value, nil
	}
	at, known := p.directory.find(id)
	if !known || at != vmRef(shared) && at != vm.Self {
		found, err := withUUID(ctx, c, id)
		if err != nil {
			return "", err
		}
		at = vmRef(shared)
		if len(found) == 1 {
			at = found[0]
		}
		p.directory.note(id, at.Value)
	}
	if at != vm.Self {
		return vm.Self.Value, nil
	}
	return id, nil
}
