package manifest

// images is a VMImage as resolved for providers of a type, by the type.
type images map[string]*Image

// image resolves a VMImage once for the type of the VM's provider; VMs that
// share both share the value.
func (b *builder) image(ob *object) *Image {
	doc := ob.docs[0]
	object, ok := doc.Object.(*VMImage)
	if !ok {
		return nil
	}
	if object.Spec.Source == (ImageSource{}) {
		b.hold(doc.finding(Error, "spec.source", "has no source", "write one of libvirt, vsphere, proxmox, http"))
		return nil
	}
	kind := b.opts.Types[b.vm.Provider]
	if image, known := ob.images[kind]; known {
		return image
	}
	source := object.Spec.Source
	source.narrow(kind)
	image := &Image{Key: doc.Key, OnMissing: "Import"}
	if p := object.Spec.Prepare; p != nil {
		image.OnMissing = p.OnMissing
	}
	if l := source.Libvirt; l != nil {
		image.Libvirt = &LibvirtImage{
			Path: l.Path, URL: l.URL, Format: l.Format, Pool: l.StoragePool,
			Checksum: l.Checksum, ChecksumType: l.ChecksumType,
		}
	}
	if v := source.VSphere; v != nil {
		image.VSphere = &VSphereImage{
			Template: v.TemplateName, OVAURL: v.OVAURL, Checksum: v.Checksum, ChecksumType: v.ChecksumType,
		}
		if lib := v.ContentLibrary; lib != nil {
			image.VSphere.Library, image.VSphere.LibraryItem, image.VSphere.LibraryVersion = lib.Library, lib.Item, lib.Version
		}
	}
	if p := source.Proxmox; p != nil {
		image.Proxmox = &ProxmoxImage{TemplateID: int(p.TemplateID), Template: p.TemplateName, Storage: p.Storage}
	}
	if h := source.HTTP; h != nil {
		image.HTTP = &HTTPImage{URL: h.URL, Checksum: h.Checksum, ChecksumType: h.ChecksumType}
	}
	image.Digest = imageDigest(image)
	if ob.images == nil {
		ob.images = make(images)
	}
	ob.images[kind] = image
	return image
}

// narrow leaves out what the source says to hypervisors of other types, unless
// it says nothing else: its provider then tells what is missing.
func (s *ImageSource) narrow(kind string) {
	own := ImageSource{HTTP: s.HTTP}
	switch kind {
	case "libvirt":
		own.Libvirt = s.Libvirt
	case "vsphere":
		own.VSphere = s.VSphere
	case "proxmox":
		own.Proxmox = s.Proxmox
	default:
		return
	}
	if own != (ImageSource{}) {
		*s = own
	}
}
