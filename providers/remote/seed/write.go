package seed

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
)

// NewCreate returns the request that has a server make the VM. A VM of which
// the server would leave out a part without a word is not asked for: the error
// is of kind NotSupported, or InvalidSpec where the manifest has nothing for
// this kind of server.
func NewCreate(p *Peer, vm *manifest.VM) (*pb.CreateRequest, error) {
	image, err := imageFor(p, vm)
	if err != nil {
		return nil, refused(providers.InvalidSpec, vm, err)
	}
	if err := p.bears(vm); err != nil {
		return nil, refused(providers.NotSupported, vm, err)
	}
	req := &pb.CreateRequest{
		Name:         vm.Key.Name,
		ClassJson:    text(classOf(vm)),
		ImageJson:    text(image),
		NetworksJson: text(networksOf(p, vm.NICs)),
		DisksJson:    text(disksOf(vm.Disks)),
		Tags:         vm.Tags,
	}
	if at := placementOf(vm); at != (Placement{}) {
		req.PlacementJson = text(at)
	}
	firstBoot(p, vm, req)
	return req, nil
}

func refused(kind providers.Kind, vm *manifest.VM, err error) error {
	return &providers.Error{Op: "create", Subject: vm.Key.String(), Kind: kind, Err: err}
}

// bears tells whether a creation leaves nothing out that makes the machine.
func (p *Peer) bears(vm *manifest.VM) error {
	switch {
	case p.NICs > 0 && len(vm.NICs) > p.NICs:
		return fmt.Errorf("the provider's server makes VMs with %d interface, not with %d", p.NICs, len(vm.NICs))
	case !p.Disks && len(vm.Disks) > 0:
		return errors.New("the provider's server makes VMs without further disks")
	case !vm.CloudInit.Ignition.Empty():
		return errors.New("the provider's protocol has no place for Ignition")
	}
	return nil
}

// text writes JSON of a value of this package, which cannot fail.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("seed: %T cannot be written: %v", v, err))
	}
	return string(b)
}

func classOf(vm *manifest.VM) Class {
	c := Class{
		CPU: int32(vm.CPU), MemoryMiB: int32(vm.MemoryMiB), Firmware: string(vm.Firmware), ExtraConfig: vm.ExtraConfig,
	}
	if r := vm.RootDisk; r != (manifest.RootDisk{}) {
		c.DiskDefaults = &DiskDefaults{Type: r.Type, SizeGiB: int32(r.SizeGiB)}
	}
	performance := PerformanceProfile{
		CPUHotAddEnabled: vm.CPUHotAdd, MemoryHotAddEnabled: vm.MemHotAdd,
		VirtualizationBasedSecurity: vm.VBS, NestedVirtualization: vm.NestedVirt,
	}
	if performance != (PerformanceProfile{}) {
		c.PerformanceProfile = &performance
	}
	security := SecurityProfile{SecureBoot: vm.SecureBoot, TPMEnabled: vm.TPM, VTDEnabled: vm.VTd}
	if security != (SecurityProfile{}) {
		c.SecurityProfile = &security
	}
	l := vm.Limits
	limits := ResourceLimits{
		CPULimit: narrow(l.CPULimitMHz), CPUReservation: narrow(l.CPUReservationMHz), CPUShares: narrow(l.CPUShares),
		MemoryLimitMiB: narrow(l.MemoryLimitMiB), MemoryReservationMiB: narrow(l.MemoryReservationMiB),
	}
	if limits != (ResourceLimits{}) {
		c.ResourceLimits = &limits
	}
	return c
}

func narrow[N int | int64](n *N) *int32 {
	if n == nil {
		return nil
	}
	return new(int32(*n))
}

// imageFor returns what the VM boots from, in the words of one kind of server.
func imageFor(p *Peer, vm *manifest.VM) (Image, error) {
	if i := vm.Imported; i != nil {
		image := Image{Path: i.Path, Format: i.Format}
		if p.Ours {
			image.Imported = firstOf(i.ID, i.Path)
		}
		return image, nil
	}
	if vm.Image == nil {
		return Image{}, errors.New("nothing to boot from")
	}
	image := p.sources(vm.Image)
	if image.TemplateName == "" && image.Path == "" && image.URL == "" {
		return Image{}, fmt.Errorf("image %s has no source that a server of %s is told", vm.Image.Key, p.Type)
	}
	return image, nil
}

// sources returns what a kind of server is told of an image; a kind that nobody
// knows is told everything.
func (p *Peer) sources(from *manifest.Image) (image Image) {
	if v := from.VSphere; v != nil && p.tells("vsphere") {
		image.TemplateName, image.Format = v.Template, "template"
	}
	if x := from.Proxmox; x != nil && p.tells("proxmox") && image.TemplateName == "" {
		image.TemplateName, image.Format = templateOf(x), "template"
	}
	if l := from.Libvirt; l != nil && p.tells("libvirt") {
		image.Path, image.URL, image.Format = l.Path, l.URL, l.Format
		image.Checksum, image.ChecksumType = l.Checksum, l.ChecksumType
	}
	if h := from.HTTP; h != nil && image == (Image{}) && p.tells("libvirt") {
		image.URL, image.Checksum, image.ChecksumType = h.URL, h.Checksum, h.ChecksumType
	}
	return image
}

// tells tells whether a server is told what is written for a type of provider.
func (p *Peer) tells(kind string) bool {
	switch p.Type {
	case "libvirt", "vsphere", "proxmox":
		return p.Type == kind
	}
	return true
}

// templateOf returns the number of a template in digits, which is all that the
// server of Proxmox VE takes, or else its name.
func templateOf(x *manifest.ProxmoxImage) string {
	if x.TemplateID > 0 {
		return strconv.Itoa(x.TemplateID)
	}
	return x.Template
}

// disksOf returns the disks beside the root disk; nil is written as null.
func disksOf(disks []manifest.Disk) []Disk {
	var all []Disk
	for _, d := range disks {
		one := Disk{SizeGiB: int32(d.SizeGiB), Type: d.Type, Name: d.Name}
		if s := d.SCSI; s != nil {
			one.SCSI = &SCSI{Controller: int32(s.Controller), SharedBus: s.SharedBus, ControllerType: s.ControllerType}
		}
		all = append(all, one)
	}
	return all
}

func placementOf(vm *manifest.VM) Placement {
	at := vm.Placement
	return Placement{Datastore: at.Datastore, StoragePod: at.StoragePod, Cluster: at.Cluster, Folder: at.Folder, Host: at.Host}
}
