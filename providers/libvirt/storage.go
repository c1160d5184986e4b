package libvirt

import (
	"encoding/xml"
	"fmt"

	golibvirt "github.com/digitalocean/go-libvirt"
	"libvirt.org/go/libvirtxml"

	"github.com/vmsteward/vmsteward/providers"
)

const (
	formatQCOW2 = "qcow2"
	formatRaw   = "raw"
)

// vault is a storage pool that volumes are made in.
type vault struct {
	handle golibvirt.StoragePool
	files  bool // its volumes are files: qcow2, with backing images
}

// findVault looks the pool up. It is never defined, started or changed.
func findVault(c *golibvirt.Libvirt, name string) (vault, error) {
	handle, err := c.StoragePoolLookupByName(name)
	if isCode(err, golibvirt.ErrNoStoragePool) {
		return vault{}, missing("storage pool "+name, "define it on the host, or name another")
	}
	if err != nil {
		return vault{}, err
	}
	if active, err := c.StoragePoolIsActive(handle); err != nil {
		return vault{}, err
	} else if active == 0 {
		return vault{}, &providers.Error{
			Kind: providers.Unavailable, Err: fmt.Errorf("storage pool %s is not active; start it on the host", name),
		}
	}
	text, err := c.StoragePoolGetXMLDesc(handle, 0)
	if err != nil {
		return vault{}, err
	}
	var doc struct {
		Type string `xml:"type,attr"`
	}
	if err := xml.Unmarshal([]byte(text), &doc); err != nil {
		return vault{}, fmt.Errorf("read storage pool %s: %w", name, err)
	}
	switch doc.Type {
	case "dir", "fs", "netfs", "vstorage":
		return vault{handle, true}, nil
	case "logical", "zfs", "disk":
		return vault{handle, false}, nil
	}
	return vault{}, &providers.Error{
		Kind: providers.NotSupported,
		Err:  fmt.Errorf("storage pool %s is of type %s; use one of directories or local block devices", name, doc.Type),
	}
}

// volumeDoc is the part of a volume's document that is read.
type volumeDoc struct {
	Type     string  `xml:"type,attr"`
	Name     string  `xml:"name"`
	Capacity uint64  `xml:"capacity"`
	Physical uint64  `xml:"physical"`
	Path     string  `xml:"target>path"`
	Format   typeDoc `xml:"target>format"`
	Cluster  uint64  `xml:"target>clusterSize"`
	Backing  struct {
		Path   string  `xml:"path"`
		Format typeDoc `xml:"format"`
	} `xml:"backingStore"`
}

func (d *volumeDoc) block() bool { return d.Type == "block" }

func readVolume(c *golibvirt.Libvirt, v golibvirt.StorageVol) (*volumeDoc, error) {
	text, err := c.StorageVolGetXMLDesc(v, 0)
	if err != nil {
		return nil, err
	}
	var d volumeDoc
	if err := xml.Unmarshal([]byte(text), &d); err != nil {
		return nil, fmt.Errorf("read volume %s: %w", v.Name, err)
	}
	d.Format.Type = orElse(d.Format.Type, formatRaw) // block volumes have none
	return &d, nil
}

// volumeWant is a volume that shall be there.
type volumeWant struct {
	name     string
	format   string
	capacity uint64
	backing  *volumeDoc            // image below it; nil: none
	copyOf   *golibvirt.StorageVol // image that is copied into it; nil: none
	allocate bool                  // take the room at once
}

// wantVolume returns the want for a disk in v: an overlay of or a copy of
// the image, or an empty disk if there is no image.
func (v vault) wantVolume(o providers.Owner, name, kind string, capacity uint64, img *image) volumeWant {
	w := volumeWant{capacity: capacity, format: formatRaw}
	if v.files {
		w.format = formatQCOW2
	}
	w.name = volumeName(o, name, w.format)
	thick := kind == "thick" || kind == "eagerzeroedthick"
	w.allocate = thick && v.files
	switch {
	case img == nil:
	case thick || !v.files:
		w.copyOf = &img.vol
	default:
		w.backing = img.doc
	}
	return w
}

func (w *volumeWant) document() (string, error) {
	d := libvirtxml.StorageVolume{
		Name:       w.name,
		Capacity:   &libvirtxml.StorageVolumeSize{Value: w.capacity, Unit: "B"},
		Allocation: &libvirtxml.StorageVolumeSize{Value: 0, Unit: "B"},
		Target:     &libvirtxml.StorageVolumeTarget{Format: &libvirtxml.StorageVolumeTargetFormat{Type: w.format}},
	}
	if w.allocate {
		d.Allocation.Value = w.capacity
	}
	if w.backing != nil {
		d.BackingStore = &libvirtxml.StorageVolumeBackingStore{
			Path:   w.backing.Path,
			Format: &libvirtxml.StorageVolumeTargetFormat{Type: w.backing.Format.Type},
		}
	}
	return d.Marshal()
}

// ensureVolume makes the volume unless it is there, and returns what is there
// then. What an earlier creation left is used if it is what is wanted and
// nobody else uses it. It is deleted and made again only if it provably holds
// no guest's data: see worthless. Otherwise it is a Conflict, and untouched.
func ensureVolume(c *golibvirt.Libvirt, v vault, w volumeWant) (*volumeDoc, error) {
	vol, err := c.StorageVolLookupByName(v.handle, w.name)
	switch {
	case isCode(err, golibvirt.ErrNoStorageVol):
		return makeVolume(c, v, w)
	case err != nil:
		return nil, err
	}
	doc, err := readVolume(c, vol)
	if err != nil {
		return nil, err
	}
	filling, err := isFilling(c, v, w.name)
	if err != nil {
		return nil, err
	}
	fits := !filling && w.fits(doc)
	if !fits && !filling && !doc.worthless() {
		return nil, conflict("volume %s in pool %s was made from something else (%s on %q) and may hold data; move it away, or remove it",
			w.name, v.handle.Name, doc.Format.Type, doc.Backing.Path)
	}
	if err := checkUnused(c, w.name); err != nil {
		return nil, err
	}
	if fits {
		return grown(c, vol, doc, w.capacity)
	}
	err = c.StorageVolDelete(vol, 0)
	if isCode(err, golibvirt.ErrOperationInvalid) { // a call that was cut off goes on at the host
		return nil, &providers.Error{
			Kind: providers.Retryable, Err: fmt.Errorf("volume %s is still being made: %w", w.name, err),
		}
	}
	if err != nil && !isCode(err, golibvirt.ErrNoStorageVol) {
		return nil, err
	}
	return makeVolume(c, v, w)
}

// fits tells whether a volume is what is wanted. Its size does not matter: it
// can be made larger, and a larger one serves.
func (w *volumeWant) fits(d *volumeDoc) bool {
	backing := ""
	if w.backing != nil {
		backing = w.backing.Path
	}
	return d.Format.Type == w.format && d.Backing.Path == backing
}

// cluster is the unit that qemu-img lays out a qcow2 image in, unless told
// otherwise.
const cluster = 64 << 10

// worthless tells whether a volume that was to be a qcow2 image provably holds
// no guest's data. An image that a guest wrote to holds, after its header, its
// two reference tables and its first-level table, at least one second-level
// table and the data. A file that is shorter than header and tables was never
// completed. For any other cluster size nothing is proved.
func (d *volumeDoc) worthless() bool {
	if d.block() || d.Physical == 0 && d.Capacity > 0 {
		return false
	}
	if d.Format.Type == formatRaw {
		return d.Physical < 3*cluster
	}
	const perTable = cluster / 8 * cluster * (cluster / 8) // bytes a cluster of the first level spans
	tables := (d.Capacity + perTable - 1) / perTable
	return d.Format.Type == formatQCOW2 && d.Cluster == cluster && d.Physical <= (3+tables)*cluster
}

// grown makes the volume at least as large as capacity.
func grown(c *golibvirt.Libvirt, vol golibvirt.StorageVol, d *volumeDoc, capacity uint64) (*volumeDoc, error) {
	if d.Capacity >= capacity {
		return d, nil
	}
	if err := c.StorageVolResize(vol, capacity, 0); err != nil {
		return nil, err
	}
	d.Capacity = capacity
	return d, nil
}

// makeVolume creates the volume.
func makeVolume(c *golibvirt.Libvirt, v vault, w volumeWant) (*volumeDoc, error) {
	text, err := w.document()
	if err != nil {
		return nil, err
	}
	var flags golibvirt.StorageVolCreateFlags
	if w.allocate {
		flags = golibvirt.StorageVolCreatePreallocMetadata // of all that is allotted
	}
	if w.copyOf != nil {
		return copyVolume(c, v, w, text, flags)
	}
	vol, err := c.StorageVolCreateXML(v.handle, text, flags)
	if isCode(err, golibvirt.ErrStorageVolExist) {
		return nil, &providers.Error{
			Kind: providers.Retryable, Err: fmt.Errorf("volume %s is being made by another call: %w", w.name, err),
		}
	}
	if err != nil {
		return nil, fmt.Errorf("make volume %s: %w", w.name, err)
	}
	return readVolume(c, vol)
}

// copyVolume fills a new volume with the image. The copy cannot be told from
// a torn one by looking at it. So an empty volume stands beside it from before
// it begins until after it is complete: while that is there, no domain was
// ever given the copy.
func copyVolume(c *golibvirt.Libvirt, v vault, w volumeWant, text string, flags golibvirt.StorageVolCreateFlags) (*volumeDoc, error) {
	sign := volumeWant{name: w.name + copySuffix, format: formatRaw, capacity: 0}
	if !v.files {
		sign.capacity = 1 << 20 // no block device is empty
	}
	signText, err := sign.document()
	if err != nil {
		return nil, err
	}
	if _, err := c.StorageVolCreateXML(v.handle, signText, 0); err != nil && !isCode(err, golibvirt.ErrStorageVolExist) {
		return nil, err
	}
	vol, err := c.StorageVolCreateXMLFrom(v.handle, text, *w.copyOf, flags)
	if err != nil {
		return nil, fmt.Errorf("copy the image into volume %s: %w", w.name, err)
	}
	doc, err := readVolume(c, vol)
	if err != nil {
		return nil, err
	}
	if doc, err = grown(c, vol, doc, w.capacity); err != nil {
		return nil, err
	}
	return doc, deleteVolume(c, v.handle, sign.name)
}

func isFilling(c *golibvirt.Libvirt, v vault, name string) (bool, error) {
	_, err := c.StorageVolLookupByName(v.handle, name+copySuffix)
	if isCode(err, golibvirt.ErrNoStorageVol) {
		return false, nil
	}
	return err == nil, err
}

// deleteVolume removes a volume. One that is not there is a success, and so
// is one whose file is gone already.
func deleteVolume(c *golibvirt.Libvirt, handle golibvirt.StoragePool, name string) error {
	vol, err := c.StorageVolLookupByName(handle, name)
	if err == nil {
		err = c.StorageVolDelete(vol, 0)
	}
	if err == nil || isCode(err, golibvirt.ErrNoStorageVol) {
		return nil
	}
	return fmt.Errorf("delete volume %s: %w", name, err)
}
