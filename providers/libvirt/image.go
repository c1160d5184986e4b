package libvirt

import (
	"fmt"
	"path"
	"slices"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// image is a boot image as the host has it.
type image struct {
	vol golibvirt.StorageVol
	doc *volumeDoc
}

// formatField is the path of the field that states an image's format.
const formatField = "VMImage.spec.source.libvirt.format"

// findImage looks the VM's image up on the host. It is not fetched: an image
// that is not there is NotFound, with Missing set.
func (p *Provider) findImage(c *golibvirt.Libvirt, vm *manifest.VM) (*image, error) {
	src := vm.Image.Libvirt
	if src == nil {
		return nil, invalid("VMImage %s has no source for libvirt; add spec.source.libvirt", vm.Image.Key)
	}
	if src.Path == "" {
		return nil, &providers.Error{
			Kind: providers.NotSupported,
			Err:  fmt.Errorf("VMImage %s names no path; put the image into a storage pool of the host and name its path", vm.Image.Key),
		}
	}
	vol, err := p.imageVolume(c, src)
	if isCode(err, golibvirt.ErrNoStorageVol) {
		return nil, missing("image "+src.Path, "put it into an active storage pool of the host")
	}
	if err != nil {
		return nil, err
	}
	doc, err := readVolume(c, vol)
	if err != nil {
		return nil, err
	}
	if declared := slices.Contains(vm.Declared, formatField); declared && src.Format != doc.Format.Type {
		return nil, invalid("image %s is %s and not %s; correct its format", src.Path, doc.Format.Type, src.Format)
	}
	return &image{vol, doc}, nil
}

// imageVolume finds the image by its path, or by its name in a pool.
func (p *Provider) imageVolume(c *golibvirt.Libvirt, src *manifest.LibvirtImage) (golibvirt.StorageVol, error) {
	if path.IsAbs(src.Path) {
		return volumeAt(c, src.Path)
	}
	v, err := findVault(c, p.poolName(src.Pool))
	if err != nil {
		return golibvirt.StorageVol{}, err
	}
	vol, err := c.StorageVolLookupByName(v.handle, src.Path)
	if !isCode(err, golibvirt.ErrNoStorageVol) {
		return vol, err
	}
	if err := c.StoragePoolRefresh(v.handle, 0); err != nil {
		return vol, refreshError(v.handle.Name, err)
	}
	return c.StorageVolLookupByName(v.handle, src.Path)
}

// volumeAt finds the volume of a path. A file that came into a pool's folder
// by other ways is unknown to libvirt until the pool is refreshed, which is
// done once.
func volumeAt(c *golibvirt.Libvirt, file string) (golibvirt.StorageVol, error) {
	vol, err := c.StorageVolLookupByPath(file)
	if !isCode(err, golibvirt.ErrNoStorageVol) {
		return vol, err
	}
	handle, poolErr := c.StoragePoolLookupByTargetPath(path.Dir(file))
	if isCode(poolErr, golibvirt.ErrNoStoragePool) {
		return vol, err
	}
	if poolErr != nil {
		return vol, poolErr
	}
	if err := c.StoragePoolRefresh(handle, 0); err != nil {
		return vol, refreshError(handle.Name, err)
	}
	return c.StorageVolLookupByPath(file)
}

// refreshError explains that a pool is not refreshed while volumes are made
// in it.
func refreshError(pool string, err error) error {
	if !isCode(err, golibvirt.ErrInternalError, golibvirt.ErrOperationInvalid) {
		return err
	}
	return &providers.Error{
		Kind: providers.Retryable,
		Err:  fmt.Errorf("storage pool %s could not be refreshed; it may be busy or not active: %w", pool, err),
	}
}

// imported returns the disk that the VM boots from as it is. A path outside
// of every pool cannot be looked at, and is taken as the manifest has it. A
// disk that another domain uses is a Conflict.
func (p *Provider) imported(c *golibvirt.Libvirt, vm *manifest.VM) (disk, error) {
	src := vm.Imported
	file := src.Path
	if file == "" {
		return disk{}, invalid("the imported disk %s has no path; name one", src.ID)
	}
	d := disk{name: providers.RootDiskName, path: file, format: orElse(src.Format, formatQCOW2)}
	vol, err := volumeAt(c, file)
	switch {
	case isCode(err, golibvirt.ErrNoStorageVol):
		if _, err := c.StoragePoolLookupByTargetPath(path.Dir(file)); err == nil {
			return disk{}, missing("disk "+file, "put it there")
		}
	case err != nil:
		return disk{}, err
	default:
		doc, err := readVolume(c, vol)
		if err != nil {
			return disk{}, err
		}
		d.format, d.block = doc.Format.Type, doc.block()
	}
	return d, checkUnused(c, file)
}
