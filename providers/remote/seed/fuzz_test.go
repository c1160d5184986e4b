package seed

import (
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/vmsteward/vmsteward/providers"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
)

// FuzzWanted: whatever a request says, it is refused with a kind, or it is a
// VM that can be, which comes back when it is written again.
func FuzzWanted(f *testing.F) {
	r := request()
	f.Add(r.Name, r.ClassJson, r.ImageJson, r.NetworksJson, r.DisksJson, r.PlacementJson)
	if req, err := NewCreate(PeerOf("memory", ""), full()); err == nil {
		f.Add(req.Name, req.ClassJson, req.ImageJson, req.NetworksJson, req.DisksJson, req.PlacementJson)
	}
	f.Add("a", `{"cpu":1,"MEMORYMIB":1}`, `{"URL":"x"}`, `[null,{"PCISlotNumber":-1}]`, `[{"SizeGiB":1,"SCSI":null}]`, `[]`)
	f.Fuzz(func(t *testing.T, name, class, image, networks, disks, placement string) {
		vm, _, err := Wanted("memory", "default", &pb.CreateRequest{
			Name: name, ClassJson: class, ImageJson: image, NetworksJson: networks, DisksJson: disks, PlacementJson: placement,
		})
		if err != nil {
			if k := providers.KindOf(err); vm != nil || k != providers.InvalidSpec && k != providers.NotSupported {
				t.Fatalf("%v of kind %q, a VM %v", err, k, vm != nil)
			}
			return
		}
		if vm.CPU < 1 || vm.MemoryMiB < 1 || vm.Image == nil && vm.Imported == nil || vm.Key.Name == "" {
			t.Fatalf("no VM: %+v", vm)
		}
		for _, d := range vm.Disks {
			if d.Name == "" || d.SizeGiB < 1 || d.Name == providers.RootDiskName {
				t.Fatalf("no disk: %+v", d)
			}
		}
		again, err := NewCreate(PeerOf("memory", ""), vm)
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", vm, err)
		}
		back, _, err := Wanted("memory", "default", again)
		if err != nil {
			t.Fatalf("what was written is not read: %v\n%s", err, again)
		}
		if back.CPU != vm.CPU || back.MemoryMiB != vm.MemoryMiB || back.Firmware != vm.Firmware ||
			len(back.Disks) != len(vm.Disks) || len(back.NICs) != len(vm.NICs) || back.Placement != vm.Placement {
			t.Fatalf("%+v comes back as %+v", vm, back)
		}
	})
}

// FuzzChanges: whatever a desired VM says, nothing that it wants is negative.
func FuzzChanges(f *testing.F) {
	f.Add(Sizes("web", 2, 1024))
	f.Add(Growth("web", 2, 1024, 50))
	f.Add(`{"Class":null,"Disks":[{"Name":"root"},{"Name":"data","SizeGiB":1}],"UserData":{"CloudInitData":"x"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		want, _, err := Changes(text)
		if err != nil {
			if k := providers.KindOf(err); k != providers.InvalidSpec {
				t.Fatalf("%v of kind %q", err, k)
			}
			return
		}
		if want.CPU < 0 || want.MemoryMiB < 0 || want.RootGiB < 0 {
			t.Fatalf("%+v", want)
		}
		for _, d := range want.Disks {
			if d.SizeGiB < 1 || d.Name == "" {
				t.Fatalf("no disk: %+v", d)
			}
		}
	})
}

// FuzzRaw: whatever stands beside a description, what is known of it is
// positive, and no error text is without a kind.
func FuzzRaw(f *testing.F) {
	f.Add("vsphere", `{"name":"a"b","cpu_count":4,"memory_mb":8192}`)
	f.Add("libvirt", `{"CPU(s)":"2","Used memory":"1048576 KiB"}`)
	f.Add("libvirt", "failed: NotFound: domain not found")
	f.Fuzz(func(t *testing.T, kind, text string) {
		p := PeerOf(kind, "")
		h := p.Raw(text).Hardware
		if h.CPU.Known && h.CPU.Value < 1 || h.MemoryMiB.Known && h.MemoryMiB.Value < 1 || h.MemoryMaxMiB.Known && h.MemoryMaxMiB.Value < 1 {
			t.Fatalf("%+v", h)
		}
		if k, missing := p.Kind(codes.Unknown, text); k == "" || missing != "" && k != providers.NotFound {
			t.Fatalf("%q missing %q", k, missing)
		}
	})
}
