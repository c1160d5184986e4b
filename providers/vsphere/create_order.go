package vsphere

import (
	"context"
	"slices"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// order is a VM to be made, with everything found that it refers to.
type order struct {
	req   providers.CreateRequest
	site  *site
	store *location // where its files go
	plan  creation
	from  *source // what it is cloned from; nil: it boots from plan.bootDisk
}

// order finds everything that a VM refers to. Nothing is made before that. If
// its image has to be brought first, that is begun, and the task is returned.
func (p *Provider) order(ctx context.Context, c *vim25.Client, req providers.CreateRequest) (*order, providers.TaskRef, error) {
	o := &order{req: req, plan: creation{owner: req.Owner, vm: req.VM}}
	switch {
	case req.VM.Imported != nil:
		return o, "", p.orderDisk(ctx, c, o)
	case req.VM.Image == nil:
		return nil, "", invalid("the VM has neither an image nor an imported disk; add one")
	}
	wait, err := p.orderImage(ctx, c, o)
	if err != nil || wait != "" {
		return nil, wait, err
	}
	o.plan.from = o.from.vm.Config
	o.plan.linked = req.VM.ExtraConfig[keyCloneMode] == cloneLinked
	if o.plan.linked && o.from.snapshot == nil {
		return nil, "", missing("a snapshot of "+o.from.path, "take one, for a linked clone stands on it; or clone in full")
	}
	var home object.DatastorePath
	home.FromString(o.from.vm.Config.Files.VmPathName)
	if o.store, err = o.site.storeNear(o.from.stores, home.Datastore); err != nil {
		return nil, "", err
	}
	return o, "", p.plugIn(ctx, c, o)
}

// plugIn finds the networks.
func (p *Provider) plugIn(ctx context.Context, c *vim25.Client, o *order) error {
	return p.places.look(ctx, c, func(l *layout) (err error) {
		r := reach{datacenter: o.site.datacenter, compute: o.site.compute, fallback: p.settings.Defaults.Network}
		if o.plan.from != nil {
			r.kept = len(cardsOf(o.plan.from.Hardware.Device))
		}
		o.plan.networks, err = l.networks(o.req.VM.NICs, r)
		return err
	})
}

// send hands the order to the vCenter.
func (o *order) send(ctx context.Context, c *vim25.Client) (types.ManagedObjectReference, error) {
	spec, err := o.spec()
	if err != nil {
		return types.ManagedObjectReference{}, err
	}
	if o.from == nil {
		spec.Files = &types.VirtualMachineFileInfo{VmPathName: "[" + o.store.name + "]"}
		res, err := methods.CreateVM_Task(ctx, c, &types.CreateVM_Task{
			This: o.site.folder.ref, Config: *spec, Pool: o.site.pool.ref, Host: o.host(),
		})
		if err != nil {
			return types.ManagedObjectReference{}, err
		}
		return res.Returnval, nil
	}
	clone := types.VirtualMachineCloneSpec{
		Location: types.VirtualMachineRelocateSpec{
			Datastore: &o.store.ref, Pool: &o.site.pool.ref, Host: o.host(), Disk: locators(o.plan, o.store.ref),
		},
		Config: spec,
	}
	if o.plan.linked {
		clone.Location.DiskMoveType = string(types.VirtualMachineRelocateDiskMoveOptionsCreateNewChildDiskBacking)
		clone.Snapshot = o.from.snapshot
	}
	res, err := methods.CloneVM_Task(ctx, c, &types.CloneVM_Task{
		This: o.from.vm.Self, Folder: o.site.folder.ref, Name: spec.Name, Spec: clone,
	})
	if err != nil {
		return types.ManagedObjectReference{}, err
	}
	return res.Returnval, nil
}

// spec is the whole specification of the VM, with what its guest reads. It
// holds secrets.
func (o *order) spec() (*types.VirtualMachineConfigSpec, error) {
	spec, m, err := assemble(o.plan)
	if err != nil {
		return nil, err
	}
	macs := make(map[string]string, len(m.NICs))
	for _, n := range m.NICs {
		macs[n.Name] = n.MAC
	}
	info, err := guestInfo(o.req.Owner, o.req.VM, macs)
	if err != nil {
		return nil, err
	}
	spec.ExtraConfig = append(append(spec.ExtraConfig, o.inherited(info)...), info...)
	return spec, nil
}

// inherited takes away what a clone would inherit and must not: the first-boot
// data that the template itself was made with, and its mark as an image.
func (o *order) inherited(info []types.BaseOptionValue) []types.BaseOptionValue {
	if o.from == nil {
		return nil
	}
	var out []types.BaseOptionValue
	for _, have := range o.from.vm.Config.ExtraConfig {
		key := have.GetOptionValue().Key
		stated := slices.ContainsFunc(info, func(v types.BaseOptionValue) bool { return v.GetOptionValue().Key == key })
		if key == imageKey || isGuestKey(key) && !stated {
			out = append(out, &types.OptionValue{Key: key, Value: ""})
		}
	}
	return out
}

func (o *order) host() *types.ManagedObjectReference {
	if o.site.host == nil {
		return nil
	}
	return &o.site.host.ref
}
