package libvirt

import (
	"context"
	"errors"
	"fmt"
	"slices"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// Create makes the VM in three steps, each of which can be cut off and is
// found again: its volumes, whose names carry the owner; its first-boot data;
// and then, in one call, the domain with its mark and all its hardware.
func (p *Provider) Create(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
	const op = "create"
	subject := req.VM.Key.String()
	done, err := p.begin(req.Owner)
	if err != nil {
		return providers.CreateResult{}, named(op, subject, err)
	}
	defer done()
	host, err := p.hostFacts(ctx)
	if err == nil {
		err = checkSpec(req.VM, host)
	}
	if err != nil {
		return providers.CreateResult{}, named(op, subject, err)
	}
	id := req.Owner.UUID().String()
	b := &blueprint{vm: req.VM, host: host, mark: newMark(req.Owner, req.VM)}
	there := false
	err = p.do(ctx, op, subject, work, func(c *golibvirt.Libvirt) error {
		if there, err = isThere(c, req); err != nil || there {
			return err
		}
		return p.prepare(c, req, b)
	})
	if err == nil && !there {
		err = p.plantSeed(ctx, req, b)
	}
	if err == nil && !there {
		err = p.do(ctx, op, subject, work, func(c *golibvirt.Libvirt) error { return define(c, req, b) })
	}
	if err != nil {
		return providers.CreateResult{}, err
	}
	return providers.CreateResult{ID: id}, nil
}

// begin keeps two creations of one VM, and a creation and a sweep, from
// undoing each other's half-made volumes. The second does not wait.
func (p *Provider) begin(o providers.Owner) (done func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.creating[o] {
		return nil, &providers.Error{Kind: providers.Retryable, Err: errors.New("another call is making or sweeping the VM's volumes")}
	}
	p.creating[o] = true
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.creating, o)
	}, nil
}

// isThere tells whether the owner's VM exists. A domain in its place that is
// not the owner's is a Conflict.
func isThere(c *golibvirt.Libvirt, req providers.CreateRequest) (bool, error) {
	_, err := find(c, providers.Ref{Owner: req.Owner})
	if err == nil {
		return true, nil
	}
	if !providers.IsAbsent(err) {
		return false, err
	}
	_, err = c.DomainLookupByName(req.VM.Key.Name)
	switch {
	case err == nil:
		return false, notOurs(req.VM.Key.Name, req.Owner)
	case isCode(err, golibvirt.ErrNoDomain):
		return false, nil
	}
	return false, err
}

// checkSpec refuses what can never work here.
func checkSpec(vm *manifest.VM, host hostFacts) error {
	switch {
	case vm.SecureBoot && vm.Firmware != manifest.FirmwareUEFI:
		return invalid("secure boot needs firmware UEFI")
	case vm.NestedVirt && (host.domainType != typeKVM || host.nestedFeature() == ""):
		return &providers.Error{
			Kind: providers.NotSupported, Err: errors.New("nested virtualization needs KVM on an Intel or AMD host"),
		}
	case vm.VTd && !host.x86():
		return &providers.Error{Kind: providers.NotSupported, Err: errors.New("VT-d needs an x86_64 host")}
	case vm.CPU < 1 || vm.MemoryMiB < 1:
		return invalid("a VM needs at least one CPU and some memory")
	}
	for _, d := range vm.Disks {
		if d.Name == providers.RootDiskName {
			return invalid("a disk cannot be named %q, which is the boot disk's name", d.Name)
		}
	}
	return nil
}

// prepare looks up what the VM refers to and makes its volumes. Nothing is
// made before everything is found.
func (p *Provider) prepare(c *golibvirt.Libvirt, req providers.CreateRequest, b *blueprint) error {
	vm := req.VM
	for _, n := range vm.NICs {
		out, err := p.nicFor(req.Owner, n, "")
		if err != nil {
			return err
		}
		if err := checkNetwork(c, out); err != nil {
			return err
		}
		b.nics = append(b.nics, out)
		b.mark.setNIC(out.name, out.mac)
	}
	v, err := findVault(c, p.poolName(vm.Placement.Datastore))
	if err != nil {
		return err
	}
	root, err := p.rootDisk(c, req, b, v)
	if err != nil {
		return err
	}
	b.disks = append(b.disks, root)
	for _, d := range vm.Disks {
		extra, err := p.extraDisk(c, req.Owner, d, v, b.mark)
		if err != nil {
			return err
		}
		b.disks = append(b.disks, extra)
	}
	return nil
}

// rootDisk makes the boot disk from the image, or takes the imported one.
func (p *Provider) rootDisk(c *golibvirt.Libvirt, req providers.CreateRequest, b *blueprint, v vault) (disk, error) {
	vm := req.VM
	if vm.Imported != nil {
		d, err := p.imported(c, vm)
		b.mark.Disks = append(b.mark.Disks, markDisk{Name: d.name, Path: d.path})
		return d, err
	}
	if vm.Image == nil {
		return disk{}, invalid("the VM has neither an image nor an imported disk; add one")
	}
	img, err := p.findImage(c, vm)
	if err != nil {
		return disk{}, err
	}
	size := uint64(vm.RootDisk.SizeGiB) * gib
	switch {
	case size == 0:
		size = img.doc.Capacity
	case size < img.doc.Capacity:
		return disk{}, invalid("the root disk of %d GiB is smaller than the image, which has %d bytes; make it larger",
			vm.RootDisk.SizeGiB, img.doc.Capacity)
	}
	w := v.wantVolume(req.Owner, providers.RootDiskName, vm.RootDisk.Type, size, img)
	return p.makeDisk(c, v, w, disk{name: providers.RootDiskName}, b.mark)
}

// extraDisk makes an empty disk.
func (p *Provider) extraDisk(c *golibvirt.Libvirt, o providers.Owner, d manifest.Disk, v vault, m *markXML) (disk, error) {
	if d.SizeGiB < 1 {
		return disk{}, invalid("disk %s has no size; give it one", d.Name)
	}
	w := v.wantVolume(o, d.Name, d.Type, uint64(d.SizeGiB)*gib, nil)
	return p.makeDisk(c, v, w, disk{name: d.Name, scsi: d.SCSI}, m)
}

// makeDisk makes the volume of d and notes it in the mark.
func (p *Provider) makeDisk(c *golibvirt.Libvirt, v vault, w volumeWant, d disk, m *markXML) (disk, error) {
	doc, err := ensureVolume(c, v, w)
	if err != nil {
		return disk{}, err
	}
	d.path, d.block, d.format = doc.Path, doc.block(), w.format
	entry := markDisk{Name: d.name, Pool: v.handle.Name, Volume: w.name, Path: doc.Path}
	m.Disks = slices.DeleteFunc(m.Disks, func(old markDisk) bool { return old.Name == d.name && !old.Seed })
	m.Disks = append(m.Disks, entry)
	return d, nil
}

// define makes the domain. If another has taken the name or the UUID since
// they were looked up, libvirt refuses, and it is seen whose that is.
func define(c *golibvirt.Libvirt, req providers.CreateRequest, b *blueprint) error {
	text, err := b.domainXML()
	if err != nil {
		return err
	}
	dom, err := c.DomainDefineXML(text)
	if isCode(err, golibvirt.ErrOperationFailed, golibvirt.ErrDomExist) {
		if there, why := isThere(c, req); there || why != nil {
			return why
		}
	}
	if err != nil {
		return fmt.Errorf("define the domain: %w", err)
	}
	if req.VM.Autostart != nil && *req.VM.Autostart {
		return c.DomainSetAutostart(dom, 1)
	}
	return nil
}
