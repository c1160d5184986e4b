package seed

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
)

// request is what VirtRigaud's manager sends for a small VM.
func request() *pb.CreateRequest {
	return &pb.CreateRequest{
		Name: "web", ClassJson: `{"CPU":2,"MemoryMiB":2048,"Firmware":"BIOS","DiskDefaults":null,"GuestToolsPolicy":"install","ExtraConfig":null,"PerformanceProfile":null,"SecurityProfile":null,"ResourceLimits":null}`,
		ImageJson:    `{"TemplateName":"","Path":"/images/a.qcow2","URL":"","Format":"qcow2","Checksum":"","ChecksumType":""}`,
		NetworksJson: "null", DisksJson: "null",
	}
}

// TestRemarks: what a request says and nothing acts on is named, with its
// place; what it only says because every field is written is not.
func TestRemarks(t *testing.T) {
	for _, row := range []struct {
		set    func(*pb.CreateRequest)
		want   []string
		reason string
	}{
		{func(*pb.CreateRequest) {}, nil, "what the manager always sends"},
		{func(r *pb.CreateRequest) { r.ClassJson = `{"cpu":2,"memorymib":1024}` }, nil, "keys are taken in any case"},
		{
			func(r *pb.CreateRequest) { r.ClassJson = `{"CPU":2,"MemoryMiB":9,"Sockets":2,"Empty":"","None":null}` },
			[]string{"class_json.Sockets: is not known"}, "a key that nobody reads, and two that say nothing",
		},
		{
			func(r *pb.CreateRequest) { r.ClassJson = `{"CPU":2,"MemoryMiB":9,"GuestToolsPolicy":"upgrade"}` },
			[]string{"class_json.GuestToolsPolicy: has no effect"}, "known, and acted on by no provider",
		},
		{
			func(r *pb.CreateRequest) {
				r.ClassJson = `{"CPU":2,"MemoryMiB":9,"PerformanceProfile":{"LatencySensitivity":"high","HyperThreadingPolicy":"auto"}}`
			},
			[]string{"class_json.PerformanceProfile.LatencySensitivity: has no effect"}, "the other is the default",
		},
		{
			func(r *pb.CreateRequest) {
				r.NetworksJson = `[{"Name":"lan","NetworkName":"n","Gateway":"10.0.0.1","mac":"x"}]`
			},
			[]string{"networks_json[0].mac: is not known", "networks_json[0].Gateway: has no effect"}, "a gateway without an address, and a key that Proxmox alone knows",
		},
		{
			func(r *pb.CreateRequest) { r.ImageJson = `{"Path":"a","source":{"proxmox":{"templateID":100}}}` },
			[]string{"image_json.source: is not known"}, "the other shape of an image",
		},
		{
			func(r *pb.CreateRequest) { r.PlacementJson = `{"Datastore":"d","ResourcePool":"r"}` },
			[]string{"placement_json.ResourcePool: is not known"}, "the protocol has no resource pool",
		},
	} {
		req := request()
		row.set(req)
		_, remarks, err := Wanted("memory", "default", req)
		if err != nil {
			t.Errorf("%s: %v", row.reason, err)
			continue
		}
		var got []string
		for _, r := range remarks {
			got = append(got, r.String())
		}
		if d := cmp.Diff(row.want, got); d != "" {
			t.Errorf("%s: -want +got\n%s", row.reason, d)
		}
	}
}

// TestRefusals: what can never be made is refused, with every fault named and
// no value repeated.
func TestRefusals(t *testing.T) {
	for _, row := range []struct {
		set    func(*pb.CreateRequest)
		kind   providers.Kind
		say    []string
		reason string
	}{
		{func(r *pb.CreateRequest) { r.Name = "" }, providers.InvalidSpec, []string{"name is empty"}, "nothing would own it"},
		{func(r *pb.CreateRequest) { r.Name = "a/b" }, providers.InvalidSpec, []string{"no name"}, "it would be another's owner"},
		{func(r *pb.CreateRequest) { r.ClassJson = "" }, providers.InvalidSpec, []string{"CPU is 0", "MemoryMiB is 0"}, "both faults are named"},
		{func(r *pb.CreateRequest) { r.ClassJson = `{"CPU":"s3cret"}` }, providers.InvalidSpec, []string{"CPU"}, "a text where a number stands"},
		{func(r *pb.CreateRequest) { r.ClassJson = `{"CPU":2,` }, providers.InvalidSpec, []string{"byte"}, "half a text"},
		{func(r *pb.CreateRequest) { r.ImageJson = "{}" }, providers.InvalidSpec, []string{"boot from"}, "no image"},
		{func(r *pb.CreateRequest) { r.ClassJson = `{"CPU":1,"MemoryMiB":1,"Firmware":"Open"}` }, providers.InvalidSpec, []string{"Firmware"}, "no firmware"},
		{func(r *pb.CreateRequest) { r.NetworksJson = `[{"Name":"a"},{"Name":"a"}]` }, providers.InvalidSpec, []string{"twice"}, "two of a name"},
		{func(r *pb.CreateRequest) { r.NetworksJson = `[{"MacAddress":"s3cret"}]` }, providers.InvalidSpec, []string{"hardware address"}, "no address"},
		{func(r *pb.CreateRequest) { r.NetworksJson = `[{"StaticIP":"fe80::1","Prefix":64}]` }, providers.InvalidSpec, []string{"IPv4", "prefix"}, "not of this protocol"},
		{func(r *pb.CreateRequest) { r.DisksJson = `[{"Name":"root","SizeGiB":1}]` }, providers.InvalidSpec, []string{"taken"}, "the boot disk is no further disk"},
		{func(r *pb.CreateRequest) { r.DisksJson = `[{"Name":"d","SizeGiB":0}]` }, providers.InvalidSpec, []string{"SizeGiB is 0"}, "a disk without a size"},
		{func(r *pb.CreateRequest) {
			r.ClassJson = `{"CPU":1,"MemoryMiB":1,"SecurityProfile":{"RequireEncryption":true}}`
		}, providers.NotSupported, []string{"encrypted"}, "it must not be made without"},
	} {
		req := request()
		row.set(req)
		vm, _, err := Wanted("memory", "default", req)
		if vm != nil || providers.KindOf(err) != row.kind {
			t.Errorf("%s: a VM %v, %v of kind %q, want %q", row.reason, vm != nil, err, providers.KindOf(err), row.kind)
			continue
		}
		for _, word := range row.say {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q does not say %q", row.reason, err, word)
			}
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %q repeats a value", row.reason, err)
		}
	}
}

// TestReadings: what the texts mean, where that is not plain.
func TestReadings(t *testing.T) {
	for _, row := range []struct {
		set    func(*pb.CreateRequest)
		ok     func(*manifest.VM) bool
		reason string
	}{
		{func(*pb.CreateRequest) {}, func(vm *manifest.VM) bool { return vm.Power == manifest.PowerOff && vm.Key.String() == "default/web" }, "a VM is made off, in the one namespace"},
		{func(r *pb.CreateRequest) { r.ClassJson = `{"CPU":1,"MemoryMiB":1,"Firmware":"EFI"}` }, func(vm *manifest.VM) bool { return vm.Firmware == manifest.FirmwareUEFI }, "EFI is UEFI"},
		{func(r *pb.CreateRequest) {
			r.ClassJson = `{"CPU":1,"MemoryMiB":1,"Firmware":"BIOS","SecurityProfile":{"SecureBoot":true}}`
		}, func(vm *manifest.VM) bool { return vm.Firmware == manifest.FirmwareUEFI && vm.SecureBoot }, "BIOS is the default of a class and cannot do secure boot"},
		{func(r *pb.CreateRequest) { r.ClassJson = `{"CPU":1,"MemoryMiB":1,"ExtraConfig":{"autostart":"false"}}` }, func(vm *manifest.VM) bool { return vm.Autostart != nil && !*vm.Autostart }, "autostart is a key of extraConfig"},
		{func(r *pb.CreateRequest) { r.UserData = []byte(nothingToDo) }, func(vm *manifest.VM) bool { return vm.CloudInit.Empty() }, "user data that does nothing is none"},
		{func(r *pb.CreateRequest) { r.NetworksJson = `[{"StaticIP":"10.0.0.5/24"},{"NetworkName":"b"}]` }, func(vm *manifest.VM) bool {
			return vm.NICs[0].Static.Prefix == 24 && vm.NICs[0].Network == nil && vm.NICs[0].Name == "net0" && vm.NICs[1].Name == "net1"
		}, "an address may bring its prefix, and an interface has a name"},
		{func(r *pb.CreateRequest) { r.Tags = []string{"b", "a", "b"} }, func(vm *manifest.VM) bool { return slices.Equal(vm.Tags, []string{"a", "b"}) }, "tags are sorted, each once"},
		{func(r *pb.CreateRequest) { r.ImageJson = `{"TemplateName":"t"}` }, func(vm *manifest.VM) bool { return vm.Image.Libvirt == nil && vm.Image.VSphere.Template == "t" }, "a template is no file"},
		{func(r *pb.CreateRequest) { r.NetworksJson = `[{"Portgroup":"pg","Model":"e1000e"}]` }, func(vm *manifest.VM) bool {
			at := vm.NICs[0].Network
			return at.VSphere.Portgroup == "pg" && at.VSphere.AdapterType == "e1000e" && at.Key.Name == "pg"
		}, "a port group by its other key"},
	} {
		req := request()
		row.set(req)
		vm, _, err := Wanted("memory", "default", req)
		if err != nil || !row.ok(vm) {
			t.Errorf("%s: %v, %+v", row.reason, err, vm)
		}
	}
}

// TestImportedDisks: a path is an image to copy, or a disk to boot from as it
// is: to vSphere always, and to others when our client says so.
func TestImportedDisks(t *testing.T) {
	imported := full()
	imported.Image, imported.Imported = nil, &manifest.ImportedDisk{ID: "d", Path: "/a.raw", Format: "raw"}
	for _, row := range []struct {
		kind, message string
		copies        bool
		reason        string
	}{
		{"vsphere", "", false, "there is no other meaning"},
		{"libvirt", "", true, "the server of VirtRigaud knows no other meaning"},
		{"libvirt", Banner, false, "our server is told"},
		{"memory", Banner, false, "our server is told"},
	} {
		imported.Disks = nil
		req, err := NewCreate(PeerOf(row.kind, row.message), imported)
		if err != nil {
			t.Fatal(err)
		}
		vm, _, err := Wanted(row.kind, "lab", req)
		if err != nil || (vm.Image != nil) != row.copies || (vm.Imported == nil) != row.copies {
			t.Errorf("%s %q: %v, image %+v, disk %+v: %s", row.kind, row.message, err, vm.Image, vm.Imported, row.reason)
		}
	}
}

// TestDigests: the same request has the same digests, and another has others.
func TestDigests(t *testing.T) {
	one, _, err := Wanted("memory", "default", request())
	if err != nil {
		t.Fatal(err)
	}
	again, _, _ := Wanted("memory", "default", request())
	other := request()
	other.UserData = []byte("#cloud-config\nhostname: a\n")
	changed, _, _ := Wanted("memory", "default", other)
	if one.Digest != again.Digest || one.Image.Digest != again.Image.Digest {
		t.Error("the same request has two digests")
	}
	if one.Digest == changed.Digest || one.CloudInit.Digest == changed.CloudInit.Digest {
		t.Error("two requests have one digest")
	}
}

// TestDesiredSecretsAreNotRead: the user data in a desired VM is neither read
// nor remarked on.
func TestDesiredSecretsAreNotRead(t *testing.T) {
	_, remarks, err := Changes(`{"Class":{"CPU":1},"UserData":{"CloudInitData":"s3cret","Type":"cloud-init"},"MetaData":{"MetaDataYAML":"s3cret"},"Other":1}`)
	if err != nil || len(remarks) != 1 || remarks[0].Field != "desired_json.Other" {
		t.Errorf("%v, remarks %v, want one on Other", err, remarks)
	}
}
