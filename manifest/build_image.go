package manifest

// image resolves a VMImage once; VMs that share it share the value.
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
	if ob.image != nil {
		return ob.image
	}
	source := object.Spec.Source
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
	ob.image = image
	return image
}
