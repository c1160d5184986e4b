package vsphere

import (
	"cmp"
	"slices"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
)

// defaultController is the model of a SCSI controller that no manifest states.
const defaultController = "pvscsi"

// newController returns a SCSI controller of a model as manifests name it, or
// nil if there is no such model.
func newController(model string, bus int32, sharing types.VirtualSCSISharing) types.BaseVirtualSCSIController {
	var c types.BaseVirtualSCSIController
	switch model {
	case "pvscsi":
		c = &types.ParaVirtualSCSIController{}
	case "lsilogic":
		c = &types.VirtualLsiLogicController{}
	case "lsilogic-sas":
		c = &types.VirtualLsiLogicSASController{}
	case "buslogic":
		c = &types.VirtualBusLogicController{}
	default:
		return nil
	}
	s := c.GetVirtualSCSIController()
	s.BusNumber, s.SharedBus, s.ScsiCtlrUnitNumber = bus, sharing, ownUnit
	return c
}

// controllerModel returns the model of a controller as manifests name it; ""
// for one that they cannot name.
func controllerModel(c types.BaseVirtualSCSIController) string {
	switch c.(type) {
	case *types.ParaVirtualSCSIController:
		return "pvscsi"
	case *types.VirtualLsiLogicController:
		return "lsilogic"
	case *types.VirtualLsiLogicSASController:
		return "lsilogic-sas"
	case *types.VirtualBusLogicController:
		return "buslogic"
	}
	return ""
}

// scsiDevice is a SCSI controller as a device.
func scsiDevice(c types.BaseVirtualSCSIController) types.BaseVirtualDevice {
	return c.(types.BaseVirtualDevice)
}

// controllerFor returns the SCSI controller that a disk is to be plugged into,
// with a unit that is free. One that is missing is added. A disk without a
// scsi block goes where the first place is.
func (d *draft) controllerFor(disk manifest.Disk) (types.BaseVirtualSCSIController, int32, error) {
	if disk.SCSI != nil {
		return d.statedBus(disk)
	}
	for bus := range int32(scsiBuses) {
		c := scsiBus(d.devices, bus)
		if c == nil {
			c = d.addController(defaultController, bus, types.VirtualSCSISharingNoSharing)
		}
		s := c.GetVirtualSCSIController()
		if s.SharedBus != types.VirtualSCSISharingNoSharing && s.SharedBus != "" {
			continue
		}
		if unit, ok := freeUnit(d.devices, s.Key); ok {
			return c, unit, nil
		}
	}
	return nil, 0, invalid("disk %q is one too many: there is no place left on %d SCSI buses", disk.Name, scsiBuses)
}

// statedBus is controllerFor for a disk with a scsi block.
func (d *draft) statedBus(disk manifest.Disk) (types.BaseVirtualSCSIController, int32, error) {
	bus := int32(disk.SCSI.Controller)
	if bus < 0 || bus >= scsiBuses {
		return nil, 0, invalid("disk %q: there is no SCSI bus %d; buses are 0 to %d", disk.Name, bus, scsiBuses-1)
	}
	if scsiBus(d.devices, bus) == nil {
		model := cmp.Or(disk.SCSI.ControllerType, defaultController)
		if d.addController(model, bus, types.VirtualSCSISharingNoSharing) == nil {
			return nil, 0, invalid("disk %q: there is no SCSI controller %q", disk.Name, model)
		}
	}
	c := scsiBus(d.devices, bus)
	if model := controllerModel(c); disk.SCSI.ControllerType != "" && model != disk.SCSI.ControllerType {
		return nil, 0, invalid("disk %q: SCSI bus %d is %s and cannot be %s; write that scsi.controllerType, or another scsi.controller",
			disk.Name, bus, model, disk.SCSI.ControllerType)
	}
	if sharing := types.VirtualSCSISharing(disk.SCSI.SharedBus); sharing != "" {
		if have := c.GetVirtualSCSIController(); !d.fresh && have.SharedBus != sharing && d.occupied(have.Key) {
			return nil, 0, invalid("disk %q: SCSI bus %d is %s for the disks on it, and cannot be %s",
				disk.Name, bus, have.SharedBus, sharing)
		}
		if err := d.share(bus, sharing, disk.Name); err != nil {
			return nil, 0, err
		}
	}
	unit, ok := freeUnit(d.devices, c.GetVirtualSCSIController().Key)
	if !ok {
		return nil, 0, invalid("disk %q is one too many for SCSI bus %d", disk.Name, bus)
	}
	return c, unit, nil
}

// addController adds a SCSI controller; nil if there is no such model.
func (d *draft) addController(model string, bus int32, sharing types.VirtualSCSISharing) types.BaseVirtualSCSIController {
	c := newController(model, bus, sharing)
	if c != nil {
		d.add(scsiDevice(c), "")
	}
	return c
}

// share sets how a bus is shared between VMs: one and the same for all disks
// on it.
func (d *draft) share(bus int32, sharing types.VirtualSCSISharing, disk string) error {
	if !slices.Contains(sharing.Values(), sharing) {
		return invalid("disk %q: there is no way %q to share a SCSI bus", disk, sharing)
	}
	if before, stated := d.shared[bus]; stated && before != sharing {
		return invalid("disk %q: SCSI bus %d cannot be both %s and %s", disk, bus, before, sharing)
	}
	if d.shared == nil {
		d.shared = make(map[int32]types.VirtualSCSISharing)
	}
	d.shared[bus] = sharing
	c := scsiBus(d.devices, bus)
	if c.GetVirtualSCSIController().SharedBus == sharing {
		return nil
	}
	twin := copyOf(scsiDevice(c))
	if twin.GetVirtualDevice().Key > 0 && d.running {
		return cannot("SCSI bus %d is shared in another way only while the VM is off", bus)
	}
	twin.(types.BaseVirtualSCSIController).GetVirtualSCSIController().SharedBus = sharing
	d.edit(twin)
	return nil
}

// occupied tells whether a disk is plugged into a controller.
func (d *draft) occupied(controller int32) bool {
	return slices.ContainsFunc(d.devices, func(o types.BaseVirtualDevice) bool {
		disk, ok := o.(*types.VirtualDisk)
		return ok && disk.ControllerKey == controller
	})
}
