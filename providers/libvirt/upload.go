package libvirt

import (
	"bytes"
	"context"
	"fmt"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/providers"
)

// plantSeed puts the VM's first-boot data into a volume, if it has any.
func (p *Provider) plantSeed(ctx context.Context, req providers.CreateRequest, b *blueprint) error {
	if !wantsSeed(req.VM) {
		return nil
	}
	macs := make(map[string]string, len(b.nics))
	for _, n := range b.nics {
		macs[n.name] = n.mac
	}
	img, err := seedImage(req.Owner, req.VM, macs)
	if err != nil {
		return err
	}
	return p.do(ctx, "create", req.VM.Key.String(), stream, func(c *golibvirt.Libvirt) error {
		v, err := findVault(c, p.poolName(req.VM.Placement.Datastore))
		if err != nil {
			return err
		}
		name := volumeName(req.Owner, "seed", "iso")
		doc, err := ensureContent(c, v, name, img)
		if err != nil {
			return err
		}
		b.seed, b.seedDisk = doc.Path, doc.block()
		b.mark.Disks = append(b.mark.Disks, markDisk{
			Name: "seed", Seed: true, Pool: v.handle.Name, Volume: name, Path: doc.Path,
		})
		return nil
	})
}

// ensureContent makes a volume with the content. One that is there already, from
// an attempt that was cut off, is made again rather than read: its name says
// that it is ours, its content comes from us alone, and no domain may use it.
// Reading it back while the upload of a process that was killed is still being
// torn down can lock go-libvirt's connection up, because libvirtd then ends
// the stream twice.
func ensureContent(c *golibvirt.Libvirt, v vault, name string, content []byte) (*volumeDoc, error) {
	if err := clearVolume(c, v, name); err != nil {
		return nil, err
	}
	w := volumeWant{name: name, format: formatRaw, capacity: uint64(len(content))}
	doc, err := makeVolume(c, v, w)
	if err != nil {
		return nil, err
	}
	vol, err := c.StorageVolLookupByName(v.handle, name)
	if err != nil {
		return nil, err
	}
	// libvirt answers an upload that ended early without an error, and lets one
	// that is too long grow the volume; this one is exactly as long as it says.
	if err := c.StorageVolUpload(vol, bytes.NewReader(content), 0, uint64(len(content)), 0); err != nil {
		return nil, fmt.Errorf("upload volume %s: %w", name, err)
	}
	_, capacity, _, err := c.StorageVolGetInfo(vol)
	if err == nil && (capacity < uint64(len(content)) || v.files && capacity != uint64(len(content))) {
		err = &providers.Error{
			Kind: providers.Retryable, Err: fmt.Errorf("volume %s has %d bytes after an upload of %d", name, capacity, len(content)),
		}
	}
	return doc, err
}

// clearVolume removes a volume of ours that no domain uses, if it is there.
func clearVolume(c *golibvirt.Libvirt, v vault, name string) error {
	vol, err := c.StorageVolLookupByName(v.handle, name)
	if isCode(err, golibvirt.ErrNoStorageVol) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := checkUnused(c, name); err != nil {
		return err
	}
	if err := c.StorageVolDelete(vol, 0); err != nil && !isCode(err, golibvirt.ErrNoStorageVol) {
		return err
	}
	return nil
}
