package libvirt

import (
	"strconv"

	"github.com/beevik/etree"
	golibvirt "github.com/digitalocean/go-libvirt"
	"libvirt.org/go/libvirtxml"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// diskNamed returns the disk of that name, or nil.
func (d *domainDoc) diskNamed(name string, mark *markXML) *diskDoc {
	for i := range d.Devices.Disks {
		if disk := &d.Devices.Disks[i]; disk.isDisk() && disk.name(mark) == name {
			return disk
		}
	}
	return nil
}

// addDisk makes the disk's volume and gives it to the definition and to the
// running machine, each unless it has it.
func (e *edit) addDisk(d manifest.Disk) error {
	target := ""
	if have := e.seen.diskNamed(d.Name, e.mark); have != nil {
		target = have.Target.Dev
	} else {
		v, err := findVault(e.c, e.pool())
		if err != nil {
			return err
		}
		made, err := e.p.extraDisk(e.c, e.owner, d, v, e.mark)
		if err != nil {
			return err
		}
		target = e.freeTarget(d.SCSI)
		if err := e.configureDisk(made, target); err != nil {
			return err
		}
	}
	if e.live == nil || e.live.diskNamed(d.Name, e.mark) != nil {
		return nil
	}
	device := e.sheet.disk(target)
	if c := e.sheet.controllerOf(device); c != nil && !e.cable.hasSCSI(c.SelectAttrValue("index", "")) {
		if err := e.attach(c); err != nil {
			return err
		}
	}
	return e.attach(device)
}

// configureDisk adds the disk to the definition, and notes it among what is
// seen, so that the next one gets another target.
func (e *edit) configureDisk(d disk, target string) error {
	if d.scsi != nil && !e.sheet.hasSCSI(strconv.Itoa(d.scsi.Controller)) {
		index := uint(d.scsi.Controller)
		c := &libvirtxml.DomainController{Type: "scsi", Index: &index, Model: "virtio-scsi", Address: e.port()}
		if err := e.sheet.addDevice(c); err != nil {
			return err
		}
	}
	device := diskDevice(d, target)
	if d.scsi == nil {
		device.Address = e.port()
	}
	if err := e.sheet.addDevice(&device); err != nil {
		return err
	}
	var seen diskDoc
	seen.Device, seen.Target.Dev, seen.Source.File = "disk", target, d.path
	e.seen.Devices.Disks = append(e.seen.Devices.Disks, seen)
	return nil
}

// pool returns the storage pool that the VM's boot disk was made in.
func (e *edit) pool() string {
	if root := e.mark.disk(providers.RootDiskName); root != nil && root.Pool != "" {
		return root.Pool
	}
	return e.p.poolName("")
}

// freeTarget returns the first target of the bus that neither the definition
// nor the running machine has.
func (e *edit) freeTarget(scsi *manifest.SCSI) string {
	prefix, first := "vd", 0
	if scsi != nil {
		prefix, first = "sd", 1 // sda is the first-boot data's
	}
	used := map[string]bool{}
	for _, doc := range []*domainDoc{e.seen, e.live} {
		if doc == nil {
			continue
		}
		for i := range doc.Devices.Disks {
			used[doc.Devices.Disks[i].Target.Dev] = true
		}
	}
	for i := first; ; i++ {
		if t := targetName(prefix, i); !used[t] {
			return t
		}
	}
}

// attach adds a device of the definition to the running machine, later.
func (e *edit) attach(device *etree.Element) error {
	text, err := elementText(device)
	if err != nil {
		return err
	}
	e.then(func() error {
		return e.c.DomainAttachDeviceFlags(e.dom, text, uint32(golibvirt.DomainDeviceModifyLive))
	})
	return nil
}

// growDisk makes the disk larger: through the machine that has it open, or
// else in its pool.
func (e *edit) growDisk(g providers.DiskSize) error {
	want := uint64(g.SizeGiB) * gib
	config := e.seen.diskNamed(g.Name, e.mark)
	if config == nil {
		return invalid("the VM has no disk %q", g.Name)
	}
	if e.active() && e.live == nil {
		return cannot("disk %q is in use by the running machine, and grows only live", g.Name)
	}
	if e.live != nil {
		if running := e.live.diskNamed(g.Name, e.mark); running != nil {
			return e.growOpen(g.Name, running.Target.Dev, want)
		}
	}
	vol, err := volumeAt(e.c, config.origin())
	if isCode(err, golibvirt.ErrNoStorageVol) {
		return cannot("disk %q is in no storage pool; grow it while the VM runs", g.Name)
	}
	if err != nil {
		return err
	}
	_, capacity, _, err := e.c.StorageVolGetInfo(vol)
	if err != nil || capacity == want {
		return err
	}
	if capacity > want {
		return shrinks(g.Name, capacity, want)
	}
	e.then(func() error { return e.c.StorageVolResize(vol, want, 0) })
	return nil
}

// growOpen makes a disk larger that the running machine has open.
func (e *edit) growOpen(name, dev string, want uint64) error {
	_, capacity, _, err := e.c.DomainGetBlockInfo(e.dom, dev, 0)
	if err != nil || capacity == want {
		return absent(err)
	}
	if capacity > want {
		return shrinks(name, capacity, want)
	}
	e.then(func() error {
		return e.c.DomainBlockResize(e.dom, dev, want, golibvirt.DomainBlockResizeBytes)
	})
	return nil
}

// shrinks refuses what would cut data off. libvirt would do it without a word.
func shrinks(name string, from, to uint64) error {
	return invalid("disk %q has %s bytes and is not made smaller (%s); a disk only grows",
		name, strconv.FormatUint(from, 10), strconv.FormatUint(to, 10))
}
