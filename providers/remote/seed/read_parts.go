package seed

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
)

// image reads what the VM boots from: a template, a file or an address. To
// libvirt a path is an image to copy, to vSphere a disk to boot from.
func (r *reader) image(text string) {
	var i Image
	if !r.decode("image_json", text, &i) {
		return
	}
	named := firstOf(i.TemplateName, i.Path, i.URL)
	switch {
	case named == "":
		r.faultf("image_json says nothing to boot from")
		return
	case i.Path != "" && (i.Imported != "" || r.kind == "vsphere" && i.TemplateName == ""):
		r.vm.Imported = &manifest.ImportedDisk{ID: firstOf(i.Imported, i.Path), Path: i.Path, Format: i.Format}
		r.declare("VirtualMachine.spec.importedDisk.path", true)
		return
	}
	image := &manifest.Image{Key: manifest.Key{Name: named}, OnMissing: "Fail"}
	if i.Path != "" || i.URL != "" {
		image.Libvirt = &manifest.LibvirtImage{
			Path: i.Path, URL: i.URL, Format: i.Format, Checksum: i.Checksum, ChecksumType: i.ChecksumType,
		}
	}
	if i.TemplateName != "" {
		image.VSphere, image.Proxmox = &manifest.VSphereImage{Template: i.TemplateName}, numbered(i.TemplateName)
	}
	image.Digest = hash("image", i.TemplateName, i.Path, i.URL, i.Checksum)
	r.vm.Image = image
	r.declare("VirtualMachine.spec.imageRef", true)
}

// numbered reads the name of a template that is a number as Proxmox VE has it.
func numbered(template string) *manifest.ProxmoxImage {
	if id, err := strconv.Atoi(template); err == nil && id > 0 && strconv.Itoa(id) == template {
		return &manifest.ProxmoxImage{TemplateID: id}
	}
	return &manifest.ProxmoxImage{Template: template}
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func (r *reader) networks(text string) {
	var all []Network
	if !r.decode("networks_json", text, &all) {
		return
	}
	seen := make(map[string]bool)
	for i, n := range all {
		field := fmt.Sprintf("networks_json[%d]", i)
		nic := manifest.NIC{Name: n.Name, MAC: r.mac(field, n.MacAddress), Network: n.where()}
		if nic.Name == "" {
			nic.Name = fmt.Sprintf("net%d", i)
		}
		if seen[nic.Name] {
			r.faultf("%s.Name is written twice", field)
		}
		seen[nic.Name] = true
		nic.Static = r.static(field, n)
		r.passOver(field+".IPPolicy", strings.ToLower(n.IPPolicy), "dhcp", "static")
		r.vm.NICs = append(r.vm.NICs, nic)
		r.declare("VirtualMachine.spec.networks[].name", true)
		r.declare("VirtualMachine.spec.networks[].networkRef.name", nic.Network != nil)
		r.declare("VirtualMachine.spec.networks[].macAddress", nic.MAC != "")
		r.declare("VirtualMachine.spec.networks[].ipAddress", nic.Static != nil)
	}
}

func (r *reader) mac(field, text string) string {
	if text == "" {
		return ""
	}
	mac, err := net.ParseMAC(text)
	if err != nil || len(mac) != 6 {
		r.faultf("%s.MacAddress is no hardware address", field)
	}
	return mac.String()
}

// where returns what the interface is plugged into; nil: it does not say.
func (n *Network) where() *manifest.Network {
	name := firstOf(n.NetworkName, n.Portgroup)
	if name == "" && n.Bridge == "" {
		return nil
	}
	at := &manifest.Network{Key: manifest.Key{Name: firstOf(n.Bridge, name)}}
	at.Libvirt = &manifest.LibvirtNetwork{Network: n.NetworkName, Bridge: n.Bridge, Model: n.Model}
	if n.Bridge != "" {
		at.Proxmox = &manifest.ProxmoxNetwork{Bridge: n.Bridge, Model: n.Model, VLANTag: int(max(0, n.VLAN))}
	}
	if name != "" {
		at.VSphere = &manifest.VSphereNetwork{Portgroup: name, VLANID: int(n.VLAN)}
		if n.PCISlotNumber != nil {
			at.VSphere.PCISlot = int(*n.PCISlotNumber)
		}
		switch n.Model {
		case "vmxnet3", "e1000", "e1000e":
			at.VSphere.AdapterType = n.Model
		}
	}
	return at
}

// static returns the guest's address; nil: none is fixed.
func (r *reader) static(field string, n Network) *manifest.StaticAddress {
	if n.StaticIP == "" {
		r.passOver(field+".Gateway", n.Gateway)
		r.passOver(field+".DNS", n.DNS)
		return nil
	}
	text, bits, slash := strings.Cut(n.StaticIP, "/")
	prefix := int(n.Prefix)
	if slash {
		if _, err := fmt.Sscanf(bits, "%d", &prefix); err != nil {
			prefix = 0
		}
	}
	address, err := netip.ParseAddr(text)
	if err != nil || !address.Is4() {
		r.faultf("%s.StaticIP is no IPv4 address", field)
	}
	if prefix < 1 || prefix > 32 {
		r.faultf("%s.Prefix is no prefix length", field)
	}
	if gateway, err := netip.ParseAddr(n.Gateway); n.Gateway != "" && (err != nil || !gateway.Is4()) {
		r.faultf("%s.Gateway is no IPv4 address", field)
	}
	s := &manifest.StaticAddress{Address: text, Prefix: prefix, Gateway: n.Gateway}
	for server := range strings.SplitSeq(n.DNS, ",") {
		if server = strings.TrimSpace(server); server != "" {
			s.DNS = append(s.DNS, server)
		}
	}
	return s
}

func (r *reader) disks(text string) {
	var all []Disk
	if r.decode("disks_json", text, &all) {
		r.eachDisk("disks_json", all)
	}
}

// eachDisk adds the disks beside the root disk.
func (r *reader) eachDisk(text string, all []Disk) {
	seen := map[string]bool{providers.RootDiskName: true}
	for i, d := range all {
		field := fmt.Sprintf("%s[%d]", text, i)
		disk := manifest.Disk{Name: d.Name, SizeGiB: int(d.SizeGiB), Type: d.Type}
		if disk.Name == "" {
			disk.Name = fmt.Sprintf("disk%d", i)
		}
		if seen[disk.Name] {
			r.faultf("%s.Name is taken", field)
		}
		if d.SizeGiB < 1 {
			r.faultf("%s.SizeGiB is %d", field, d.SizeGiB)
		}
		seen[disk.Name] = true
		if s := d.SCSI; s != nil {
			disk.SCSI = &manifest.SCSI{Controller: int(s.Controller), ControllerType: s.ControllerType, SharedBus: s.SharedBus}
		}
		r.vm.Disks = append(r.vm.Disks, disk)
		r.declare("VirtualMachine.spec.disks[].name", true)
		r.declare("VirtualMachine.spec.disks[].sizeGiB", true)
		r.declare("VirtualMachine.spec.disks[].type", d.Type != "")
		r.declare("VirtualMachine.spec.disks[].scsi.controller", d.SCSI != nil)
	}
}

// digest is the same for requests that say the same in the same words.
func digest(req *pb.CreateRequest) string {
	return hash("vm", append([]string{
		req.GetName(), req.GetClassJson(), req.GetImageJson(), req.GetNetworksJson(), req.GetDisksJson(),
		req.GetPlacementJson(), string(req.GetUserData()), string(req.GetMetaData()),
	}, req.GetTags()...)...)
}

// hash hashes texts with their lengths, so that neighbours cannot run into
// each other.
func hash(what string, texts ...string) string {
	b := []byte("provider.v1/" + what)
	for _, t := range texts {
		b = append(binary.BigEndian.AppendUint64(b, uint64(len(t))), t...)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
