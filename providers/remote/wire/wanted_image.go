package wire

import (
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

func encodeImage(i *manifest.Image) *stewardv1.Image {
	return &stewardv1.Image{
		Key: encodeKey(i.Key), OnMissing: i.OnMissing, Digest: i.Digest,
		Libvirt: maybe(i.Libvirt, func(l *manifest.LibvirtImage) *stewardv1.LibvirtImage {
			return &stewardv1.LibvirtImage{
				Path: l.Path, Url: l.URL, Format: l.Format, Pool: l.Pool, Checksum: l.Checksum, ChecksumType: l.ChecksumType,
			}
		}),
		Vsphere: maybe(i.VSphere, func(v *manifest.VSphereImage) *stewardv1.VSphereImage {
			return &stewardv1.VSphereImage{
				Template: v.Template, OvaUrl: v.OVAURL, Checksum: v.Checksum, ChecksumType: v.ChecksumType,
				Library: v.Library, LibraryItem: v.LibraryItem, LibraryVersion: v.LibraryVersion,
			}
		}),
		Proxmox: maybe(i.Proxmox, func(p *manifest.ProxmoxImage) *stewardv1.ProxmoxImage {
			return &stewardv1.ProxmoxImage{TemplateId: int64(p.TemplateID), Template: p.Template, Storage: p.Storage}
		}),
		Http: maybe(i.HTTP, func(h *manifest.HTTPImage) *stewardv1.HTTPImage {
			return &stewardv1.HTTPImage{Url: h.URL, Checksum: h.Checksum, ChecksumType: h.ChecksumType}
		}),
	}
}

func (s *scan) image(m *stewardv1.Image) *manifest.Image {
	return &manifest.Image{
		Key: decodeKey(m.Key), OnMissing: m.OnMissing, Digest: m.Digest,
		Libvirt: maybe(m.Libvirt, func(l *stewardv1.LibvirtImage) *manifest.LibvirtImage {
			return &manifest.LibvirtImage{
				Path: l.Path, URL: l.Url, Format: l.Format, Pool: l.Pool, Checksum: l.Checksum, ChecksumType: l.ChecksumType,
			}
		}),
		VSphere: maybe(m.Vsphere, func(v *stewardv1.VSphereImage) *manifest.VSphereImage {
			return &manifest.VSphereImage{
				Template: v.Template, OVAURL: v.OvaUrl, Checksum: v.Checksum, ChecksumType: v.ChecksumType,
				Library: v.Library, LibraryItem: v.LibraryItem, LibraryVersion: v.LibraryVersion,
			}
		}),
		Proxmox: maybe(m.Proxmox, func(p *stewardv1.ProxmoxImage) *manifest.ProxmoxImage {
			return &manifest.ProxmoxImage{TemplateID: s.count("template_id", p.TemplateId), Template: p.Template, Storage: p.Storage}
		}),
		HTTP: maybe(m.Http, func(h *stewardv1.HTTPImage) *manifest.HTTPImage {
			return &manifest.HTTPImage{URL: h.Url, Checksum: h.Checksum, ChecksumType: h.ChecksumType}
		}),
	}
}

func encodeImported(d *manifest.ImportedDisk) *stewardv1.ImportedDisk {
	return &stewardv1.ImportedDisk{Id: d.ID, Path: d.Path, Format: d.Format, SizeGib: int64(d.SizeGiB)}
}

func (s *scan) imported(m *stewardv1.ImportedDisk) *manifest.ImportedDisk {
	return &manifest.ImportedDisk{ID: m.Id, Path: m.Path, Format: m.Format, SizeGiB: s.count("imported.size_gib", m.SizeGib)}
}
