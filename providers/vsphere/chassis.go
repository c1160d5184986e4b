package vsphere

import (
	"reflect"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"
)

// chassis is the devices of a VM while a specification for it is written: as
// they will be, and the changes that lead there. The devices that it was begun
// with are never altered, only replaced by altered copies.
type chassis struct {
	devices object.VirtualDeviceList
	changes []types.BaseVirtualDeviceConfigSpec
	lastKey int32
}

// add puts in a device under a key of its own, below zero until the server
// gives it another.
func (c *chassis) add(d types.BaseVirtualDevice, file types.VirtualDeviceConfigSpecFileOperation) {
	c.lastKey--
	d.GetVirtualDevice().Key = c.lastKey
	c.devices = append(c.devices, d)
	c.changes = append(c.changes, &types.VirtualDeviceConfigSpec{
		Operation: types.VirtualDeviceConfigSpecOperationAdd, FileOperation: file, Device: d,
	})
}

// edit puts an altered copy of a device in its place. One that was added or
// edited before stays one change.
func (c *chassis) edit(d types.BaseVirtualDevice) {
	key := d.GetVirtualDevice().Key
	for i := range c.devices {
		if c.devices[i].GetVirtualDevice().Key == key {
			c.devices[i] = d
		}
	}
	for _, change := range c.changes {
		if s := change.GetVirtualDeviceConfigSpec(); s.Device.GetVirtualDevice().Key == key {
			s.Device = d
			return
		}
	}
	c.changes = append(c.changes, &types.VirtualDeviceConfigSpec{
		Operation: types.VirtualDeviceConfigSpecOperationEdit, Device: d,
	})
}

// remove takes out a device that was there.
func (c *chassis) remove(d types.BaseVirtualDevice) {
	key := d.GetVirtualDevice().Key
	c.devices = c.devices.Select(func(o types.BaseVirtualDevice) bool { return o.GetVirtualDevice().Key != key })
	c.changes = append(c.changes, &types.VirtualDeviceConfigSpec{
		Operation: types.VirtualDeviceConfigSpecOperationRemove, Device: d,
	})
}

// copyOf returns a copy of a device whose own fields can be altered. What they
// point to is shared, and must be replaced and not altered.
func copyOf[D any](d D) D {
	twin := reflect.New(reflect.TypeOf(d).Elem())
	twin.Elem().Set(reflect.ValueOf(d).Elem())
	return twin.Interface().(D)
}
