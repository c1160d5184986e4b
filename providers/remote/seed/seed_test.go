package seed

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
)

// full is a VM of which everything is set that the texts have a place for.
func full() *manifest.VM {
	return &manifest.VM{
		Key: manifest.Key{Namespace: "lab", Name: "web"},
		CPU: 4, MemoryMiB: 8192, CPUHotAdd: true, MemHotAdd: true,
		Power: manifest.PowerOn, Shutdown: manifest.Shutdown{Timeout: time.Minute},
		Firmware: manifest.FirmwareUEFI, SecureBoot: true, TPM: true, VTd: true, VBS: true, NestedVirt: true,
		ExtraConfig: map[string]string{"autostart": "true", "vsphere.hardwareVersion": "21"},
		Image: &manifest.Image{
			Key:     manifest.Key{Namespace: "lab", Name: "debian"},
			Libvirt: &manifest.LibvirtImage{Path: "/images/debian.qcow2", Format: "qcow2", Checksum: "ab", ChecksumType: "sha256"},
			VSphere: &manifest.VSphereImage{Template: "debian-12"},
			Proxmox: &manifest.ProxmoxImage{TemplateID: 9000, Storage: "fast"},
		},
		RootDisk: manifest.RootDisk{SizeGiB: 40, Type: "thin"},
		Disks: []manifest.Disk{
			{Name: "data", SizeGiB: 100, Type: "thick", SCSI: &manifest.SCSI{Controller: 1, ControllerType: "pvscsi", SharedBus: "noSharing"}},
			{Name: "log", SizeGiB: 10},
		},
		NICs: []manifest.NIC{{
			Name: "lan", MAC: "52:54:00:00:00:01",
			Network: &manifest.Network{
				Key:     manifest.Key{Namespace: "lab", Name: "lan"},
				Libvirt: &manifest.LibvirtNetwork{Network: "default", Bridge: "br0", Model: "virtio"},
				VSphere: &manifest.VSphereNetwork{Portgroup: "VM Network", AdapterType: "vmxnet3", VLANID: 12, PCISlot: 192},
				Proxmox: &manifest.ProxmoxNetwork{Bridge: "vmbr3", Model: "e1000", VLANTag: 30},
			},
			Static: &manifest.StaticAddress{Address: "10.0.0.5", Prefix: 24, Gateway: "10.0.0.1", DNS: []string{"10.0.0.2", "10.0.0.3"}},
		}},
		CloudInit: manifest.CloudInit{
			UserData: secret.New("#cloud-config\nhostname: web\n"), MetaData: secret.New("instance-id: web\n"), Digest: "d",
		},
		Placement: manifest.Placement{Cluster: "c", Host: "h", Folder: "f", Datastore: "d", StoragePod: "p"},
		Limits: manifest.Limits{
			CPULimitMHz: new(4000), CPUReservationMHz: new(1000), CPUShares: new(2000),
			MemoryLimitMiB: new(int64(8192)), MemoryReservationMiB: new(int64(4096)),
		},
		Tags:      []string{"a", "b"},
		Autostart: new(true),
	}
}

// TestWhatIsWrittenIsRead: what the texts have a place for comes back from
// them, whichever server they were written for.
func TestWhatIsWrittenIsRead(t *testing.T) {
	req, err := NewCreate(PeerOf("memory", Banner), full())
	if err != nil {
		t.Fatal(err)
	}
	got, remarks, err := Wanted("memory", "lab", req)
	if err != nil {
		t.Fatal(err)
	}
	want := full()
	want.Power, want.Shutdown = manifest.PowerOff, manifest.Shutdown{} // not of the creation
	want.Image.Key = manifest.Key{Name: "debian-12"}                   // the name is not on the wire
	want.Image.OnMissing, want.Image.Digest = "Fail", got.Image.Digest
	want.Image.Proxmox = &manifest.ProxmoxImage{Template: "debian-12"} // the one template
	at := *want.NICs[0].Network
	at.Key = manifest.Key{Name: "br0"}
	at.VSphere.Portgroup, at.VSphere.AdapterType = "default", "" // the one network name, and the one model
	at.Proxmox = &manifest.ProxmoxNetwork{Bridge: "br0", Model: "virtio", VLANTag: 12}
	want.NICs[0].Network = &at
	want.CloudInit.Digest, want.Digest, want.Declared = got.CloudInit.Digest, got.Digest, got.Declared
	if d := cmp.Diff(want, got, cmp.AllowUnexported(secret.Text{})); d != "" {
		t.Errorf("-written +read\n%s", d)
	}
	if len(remarks) > 0 {
		t.Errorf("remarks on what this package wrote: %v", remarks)
	}
	for _, path := range []string{"VMClass.spec.securityProfile.tpmEnabled", "VMClass.spec.resourceLimits.cpuShares", "VirtualMachine.spec.disks[].type"} {
		if _, said := slices.BinarySearch(got.Declared, path); !said {
			t.Errorf("%s is not declared, and its trait would not be wanted", path)
		}
	}
	if got.CloudInit.Digest == "" || got.Image.Digest == "" || got.Digest == "" {
		t.Error("a digest is empty")
	}
}

// TestTextsOnTheWire pins what is sent, per kind of server.
func TestTextsOnTheWire(t *testing.T) {
	small := func() *manifest.VM {
		vm := full()
		return &manifest.VM{
			Key: vm.Key, CPU: 2, MemoryMiB: 1024, Firmware: manifest.FirmwareBIOS, Image: vm.Image, NICs: vm.NICs,
		}
	}
	for _, row := range []struct {
		kind, image, networks, user, reason string
	}{
		{
			"libvirt", `{"TemplateName":"","Path":"/images/debian.qcow2","URL":"","Format":"qcow2","Checksum":"ab","ChecksumType":"sha256"}`,
			`[{"Name":"lan","NetworkName":"default","Bridge":"br0","VLAN":0,"Model":"virtio","StaticIP":"10.0.0.5","Prefix":24,"Gateway":"10.0.0.1","DNS":"10.0.0.2,10.0.0.3","PCISlotNumber":null,"Portgroup":"","MacAddress":"52:54:00:00:00:01","IPPolicy":"","name":"br0","static_ip":{"address":"10.0.0.5/24","gateway":"10.0.0.1","dns":["10.0.0.2","10.0.0.3"]}}]`,
			nothingToDo, "a VM without user data is given a foreign key by this server",
		},
		{
			"vsphere", `{"TemplateName":"debian-12","Path":"","URL":"","Format":"template","Checksum":"","ChecksumType":""}`,
			`[{"Name":"lan","NetworkName":"VM Network","Bridge":"","VLAN":12,"Model":"vmxnet3","StaticIP":"10.0.0.5","Prefix":24,"Gateway":"10.0.0.1","DNS":"10.0.0.2,10.0.0.3","PCISlotNumber":192,"Portgroup":"VM Network","MacAddress":"52:54:00:00:00:01","IPPolicy":"","name":"lan","vlan":12,"static_ip":{"address":"10.0.0.5/24","gateway":"10.0.0.1","dns":["10.0.0.2","10.0.0.3"]}}]`,
			"", "an image of libvirt means nothing to vSphere",
		},
		{
			"proxmox", `{"TemplateName":"9000","Path":"","URL":"","Format":"template","Checksum":"","ChecksumType":""}`,
			`[{"Name":"lan","NetworkName":"","Bridge":"vmbr3","VLAN":30,"Model":"e1000","StaticIP":"10.0.0.5","Prefix":24,"Gateway":"10.0.0.1","DNS":"10.0.0.2,10.0.0.3","PCISlotNumber":null,"Portgroup":"","MacAddress":"52:54:00:00:00:01","IPPolicy":"","name":"vmbr3","vlan":30,"static_ip":{"address":"10.0.0.5/24","gateway":"10.0.0.1","dns":["10.0.0.2","10.0.0.3"]}}]`,
			"", "this server reads the lower-case keys alone, and templates by their numbers",
		},
	} {
		req, err := NewCreate(PeerOf(row.kind, ""), small())
		if err != nil {
			t.Fatalf("%s: %v", row.kind, err)
		}
		want := &pb.CreateRequest{
			Name:         "web",
			ClassJson:    `{"CPU":2,"MemoryMiB":1024,"Firmware":"BIOS","DiskDefaults":null,"GuestToolsPolicy":"","ExtraConfig":null,"PerformanceProfile":null,"SecurityProfile":null,"ResourceLimits":null}`,
			ImageJson:    row.image,
			NetworksJson: row.networks,
			DisksJson:    "null",
			UserData:     []byte(row.user),
		}
		if d := cmp.Diff(want.String(), req.String()); d != "" {
			t.Errorf("%s (%s): -want +sent\n%s", row.kind, row.reason, d)
		}
	}
}

// TestWhatIsNotAskedFor: a server is not asked for a VM of which it would
// leave out a part.
func TestWhatIsNotAskedFor(t *testing.T) {
	for _, row := range []struct {
		kind   string
		vm     func(*manifest.VM)
		want   providers.Kind
		reason string
	}{
		{"libvirt", func(vm *manifest.VM) { vm.Disks = nil }, "", "everything has its place"},
		{"libvirt", func(*manifest.VM) {}, providers.NotSupported, "the server ignores disks at creation"},
		{"libvirt", func(vm *manifest.VM) { vm.Disks, vm.NICs = nil, append(vm.NICs, manifest.NIC{Name: "two"}) }, providers.NotSupported, "a second interface makes the definition fail and leaves a disk"},
		{"vsphere", func(vm *manifest.VM) { vm.NICs = append(vm.NICs, manifest.NIC{Name: "two"}) }, providers.NotSupported, "the server takes the first interface alone"},
		{"vsphere", func(vm *manifest.VM) { vm.Image.VSphere = nil }, providers.InvalidSpec, "there is no template"},
		{"proxmox", func(vm *manifest.VM) { vm.Disks, vm.Image.Proxmox = nil, nil }, providers.InvalidSpec, "a template of another hypervisor is none"},
		{"proxmox", func(vm *manifest.VM) { vm.Disks = nil }, "", "everything has its place"},
		{"vsphere", func(vm *manifest.VM) { vm.CloudInit.Ignition = secret.New("{}") }, providers.NotSupported, "Ignition is not on the wire"},
		{"vsphere", func(vm *manifest.VM) { vm.Image = nil }, providers.InvalidSpec, "nothing to boot from"},
	} {
		vm := full()
		row.vm(vm)
		_, err := NewCreate(PeerOf(row.kind, ""), vm)
		if got := providers.KindOf(err); got != row.want {
			t.Errorf("%s: %v is %q, want %q: %s", row.kind, err, got, row.want, row.reason)
		}
	}
}

// TestReconfigurations pins the two texts that servers take as they are meant.
func TestReconfigurations(t *testing.T) {
	const sizes = `{"Name":"web","Class":{"CPU":2,"MemoryMiB":1024,"Firmware":"","DiskDefaults":null,"GuestToolsPolicy":"","ExtraConfig":null,"PerformanceProfile":null,"SecurityProfile":null,"ResourceLimits":null},"Image":null,"Networks":null,"Disks":null,"UserData":null,"MetaData":null,"Placement":null,"Tags":null}`
	if d := cmp.Diff(sizes, Sizes("web", 2, 1024)); d != "" {
		t.Errorf("-want +sent\n%s", d)
	}
	want := &Want{CPU: 2, MemoryMiB: 1024, RootGiB: 50, RootNamed: true}
	got, remarks, err := Changes(Growth("web", 2, 1024, 50))
	if err != nil || len(remarks) > 0 {
		t.Fatalf("%v, remarks %v", err, remarks)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +read\n%s", d)
	}
	if !strings.Contains(Growth("web", 2, 1024, 50), `"DiskDefaults":{"Type":"","SizeGiB":50}`) {
		t.Error("the class does not say the size, where the server of libvirt looks")
	}
}

// TestEveryTextIsProperJSON: also with what JSON has to escape.
func TestEveryTextIsProperJSON(t *testing.T) {
	vm := full()
	vm.NICs[0].Name, vm.Placement.Folder = "a\"b\n", "ü\\"
	req, err := NewCreate(PeerOf("memory", ""), vm)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{req.ClassJson, req.ImageJson, req.NetworksJson, req.DisksJson, req.PlacementJson} {
		if !json.Valid([]byte(text)) {
			t.Errorf("not JSON: %s", text)
		}
	}
}
