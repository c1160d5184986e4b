package vsphere

import (
	"context"
	"strings"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// orderDisk finds the existing disk that a VM boots from, and where the VM
// goes. The disk stays somebody else's. A disk that another VM has is a
// Conflict.
func (p *Provider) orderDisk(ctx context.Context, c *vim25.Client, o *order) error {
	file, err := diskFile(o.req.VM)
	if err != nil {
		return err
	}
	if err := p.placeBeside(ctx, c, o, file); err != nil {
		return err
	}
	o.store = o.site.datastore
	file.Datastore = o.store.name
	o.plan.bootDisk = file.String()
	if err := diskThere(ctx, c, o); err != nil {
		return err
	}
	if err := diskUnused(ctx, c, o); err != nil {
		return err
	}
	return p.plugIn(ctx, c, o)
}

// diskFile reads the path of the disk: "[datastore] folder/disk.vmdk", or
// without the datastore, which the placement then names.
func diskFile(vm *manifest.VM) (object.DatastorePath, error) {
	var file object.DatastorePath
	written := vm.Imported.Path
	switch {
	case written == "":
		return file, invalid("the imported disk %s has no path; write it as \"[datastore] folder/disk.vmdk\"", vm.Imported.ID)
	case strings.HasPrefix(written, "["):
		if !file.FromString(written) || file.Path == "" {
			return file, invalid("the imported disk's path %q is not \"[datastore] folder/disk.vmdk\"", written)
		}
	default:
		file.Path = strings.TrimLeft(written, "/")
	}
	if !file.IsVMDK() {
		return file, invalid("the imported disk %q is no VMDK, which alone vSphere boots from; convert it", written)
	}
	return file, nil
}

// placeBeside decides where a VM goes whose disk is on a datastore: the VM's
// own files go there, too, unless the manifest says otherwise.
func (p *Provider) placeBeside(ctx context.Context, c *vim25.Client, o *order, file object.DatastorePath) error {
	placement, defaults := o.req.VM.Placement, p.settings.Defaults
	if file.Datastore != "" {
		if placement.Datastore != "" && providers.LastElement(placement.Datastore) != file.Datastore {
			return invalid("the imported disk is on datastore %q, and placement.datastore is %q; write one of them", file.Datastore, placement.Datastore)
		}
		if placement.Datastore == "" {
			placement.Datastore = file.Datastore
		}
		placement.StoragePod = ""
	}
	list := wishes(placement, defaults)
	err := p.places.look(ctx, c, func(l *layout) (err error) {
		o.site, err = l.site(list, nil)
		return err
	})
	if err != nil {
		return err
	}
	if o.site.datastore == nil {
		return invalid("the imported disk's path %q does not say the datastore; write it as \"[datastore] %s\"", file.Path, file.Path)
	}
	return o.site.settle(ctx, c)
}

// diskThere asks for the identity of the disk, which only one that is there
// has.
func diskThere(ctx context.Context, c *vim25.Client, o *order) error {
	_, err := methods.QueryVirtualDiskUuid(ctx, c, &types.QueryVirtualDiskUuid{
		This: *c.ServiceContent.VirtualDiskManager, Name: o.plan.bootDisk, Datacenter: &o.site.datacenter.ref,
	})
	if isFault[*types.FileNotFound](err) {
		return missing("disk "+o.plan.bootDisk, "put it there, or correct importedDisk.path")
	}
	return err
}

// diskUnused refuses a disk that a VM on its datastore has. One call reads the
// files of them all.
func diskUnused(ctx context.Context, c *vim25.Client, o *order) error {
	user := ""
	err := retrieve(ctx, c, []types.PropertyFilterSpec{{
		ObjectSet: []types.ObjectSpec{{Obj: o.store.ref, Skip: new(true), SelectSet: []types.BaseSelectionSpec{
			&types.TraversalSpec{Type: o.store.ref.Type, Path: "vm"},
		}}},
		PropSet: []types.PropertySpec{{Type: virtualMachine, PathSet: []string{"name", "config.hardware.device"}}},
	}}, func(found *types.ObjectContent) {
		p := readProperties(found)
		list, _ := p["config.hardware.device"].(types.ArrayOfVirtualDevice)
		for _, d := range list.VirtualDevice {
			if disk, ok := d.(*types.VirtualDisk); ok && stands(disk, o.plan.bootDisk) {
				user = p.text("name")
			}
		}
	})
	if err == nil && user != "" {
		err = conflict("disk %s is in use by VM %q; copy it, or remove that VM", o.plan.bootDisk, user)
	}
	return err
}

// stands tells whether a disk is that file, or stands in front of it.
func stands(disk *types.VirtualDisk, file string) bool {
	b, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
	if !ok {
		return fileOf(disk) == file
	}
	for ; b != nil; b = b.Parent {
		if b.FileName == file {
			return true
		}
	}
	return false
}
