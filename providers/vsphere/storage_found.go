package vsphere

import (
	"strconv"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// disksOf lists the disks with the names that the mark gives them by their
// place. Those that came with the template beside its boot disk belong to the
// image, which no manifest takes apart: they are left out.
func disksOf(devices object.VirtualDeviceList, m *mark) []providers.Disk {
	var out []providers.Disk
	for _, dev := range devices {
		disk, ok := dev.(*types.VirtualDisk)
		if !ok {
			continue
		}
		var at string
		if p, ok := placeOf(devices, disk); ok {
			at = p.String()
		}
		note := m.diskAt(at)
		if note != nil && note.Name == "" {
			continue
		}
		d := providers.Disk{Origin: fileOf(disk)}
		if note != nil {
			d.Name = note.Name
		}
		if d.Origin == "" {
			d.Origin = at
		}
		if bytes := diskBytes(disk); bytes > 0 {
			d.SizeGiB, d.SizeBytes = providers.Known(int(bytes/gib)), providers.Known(bytes)
		}
		out = append(out, d)
	}
	return out
}

// diskAt returns what the mark notes at a place, or nil.
func (m *mark) diskAt(at string) *markDisk {
	if m == nil || at == "" {
		return nil
	}
	for i := range m.Disks {
		if m.Disks[i].At == at {
			return &m.Disks[i]
		}
	}
	return nil
}

// fileOf returns the file of a disk, "[datastore] path".
func fileOf(disk *types.VirtualDisk) string {
	if b, ok := disk.Backing.(types.BaseVirtualDeviceFileBackingInfo); ok {
		return b.GetVirtualDeviceFileBackingInfo().FileName
	}
	return ""
}

// provisionOf returns how the space of a disk is provided; "" if that is not
// known. What stands in front of another disk is provided as that one is.
func provisionOf(disk *types.VirtualDisk) string {
	b, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
	if !ok {
		return ""
	}
	for b.Parent != nil {
		b = b.Parent
	}
	switch {
	case b.ThinProvisioned == nil:
		return ""
	case *b.ThinProvisioned:
		return thinDisk
	case b.EagerlyScrub == nil:
		return ""
	case *b.EagerlyScrub:
		return eagerDisk
	}
	return thickDisk
}

// diskTraits adds the traits of the disks that the mark names.
func diskTraits(t providers.Traits, devices object.VirtualDeviceList, m *mark) {
	for _, note := range m.Disks {
		disk := diskAt(devices, note.At)
		if disk == nil || note.Name == "" {
			continue
		}
		kind := provisionOf(disk)
		if note.Name == providers.RootDiskName {
			if kind != "" {
				t[providers.FieldRootDiskType] = kind
			}
			continue
		}
		if kind != "" {
			t[providers.FieldDiskType.Of(note.Name)] = kind
		}
		c, ok := devices.FindByKey(disk.ControllerKey).(types.BaseVirtualSCSIController)
		if !ok {
			continue
		}
		s := c.GetVirtualSCSIController()
		t[providers.FieldDiskBus.Of(note.Name)] = strconv.Itoa(int(s.BusNumber))
		if model := controllerModel(c); model != "" {
			t[providers.FieldDiskController.Of(note.Name)] = model
		}
		if s.SharedBus != "" {
			t[providers.FieldDiskSharing.Of(note.Name)] = string(s.SharedBus)
		}
	}
}
