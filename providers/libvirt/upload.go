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
		doc, err := p.ensureContent(c, v, name, img)
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

// ensureContent makes a volume with the content. One that is there with other
// content, from an upload that was cut off or from another manifest, is made
// again: its name says that it is ours, its content comes from us alone, and
// no domain may use it.
func (p *Provider) ensureContent(c *golibvirt.Libvirt, v vault, name string, content []byte) (*volumeDoc, error) {
	vol, err := c.StorageVolLookupByName(v.handle, name)
	if err == nil {
		if same, err := hasContent(c, vol, content); err != nil {
			return nil, err
		} else if same {
			return readVolume(c, vol)
		}
		if err := p.checkUnused(c, name); err != nil {
			return nil, err
		}
		err = c.StorageVolDelete(vol, 0)
	}
	if err != nil && !isCode(err, golibvirt.ErrNoStorageVol) {
		return nil, err
	}
	w := volumeWant{name: name, format: formatRaw, capacity: uint64(len(content))}
	doc, err := makeVolume(c, v, w)
	if err != nil {
		return nil, err
	}
	if vol, err = c.StorageVolLookupByName(v.handle, name); err != nil {
		return nil, err
	}
	if err := c.StorageVolUpload(vol, bytes.NewReader(content), 0, uint64(len(content)), 0); err != nil {
		return nil, fmt.Errorf("upload volume %s: %w", name, err)
	}
	same, err := hasContent(c, vol, content)
	if err == nil && !same {
		err = &providers.Error{
			Kind: providers.Retryable, Err: fmt.Errorf("volume %s does not hold what was uploaded to it", name),
		}
	}
	return doc, err
}

// hasContent reads the volume back and compares. An upload that ended early
// is no error to libvirt; only this tells.
func hasContent(c *golibvirt.Libvirt, vol golibvirt.StorageVol, content []byte) (bool, error) {
	_, capacity, _, err := c.StorageVolGetInfo(vol)
	if err != nil || capacity < uint64(len(content)) {
		return false, err
	}
	got := &readback{limit: len(content)}
	if err := c.StorageVolDownload(vol, got, 0, uint64(len(content)), 0); err != nil {
		return false, err
	}
	return got.n == len(content) && bytes.Equal(got.buf, content), nil
}

// readback collects up to limit bytes and counts the rest. Its Write never
// returns an error: that would lock the connection up for good.
type readback struct {
	limit, n int
	buf      []byte
}

func (d *readback) Write(b []byte) (int, error) {
	d.n += len(b)
	d.buf = append(d.buf, b[:min(len(b), d.limit-len(d.buf))]...)
	return len(b), nil
}
