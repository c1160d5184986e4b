package seed

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/providers"
	pb "github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
)

// TestRaw: what is believed of the text beside a description.
func TestRaw(t *testing.T) {
	sizes := func(cpu int, memory int64) providers.Hardware {
		return providers.Hardware{CPU: providers.Known(cpu), MemoryMiB: providers.Known(memory)}
	}
	maximum := sizes(2, 1024)
	maximum.MemoryMaxMiB = providers.Known(int64(4096))
	for _, row := range []struct {
		kind, text string
		want       Facts
		reason     string
	}{
		{"vsphere", `{"vm_id":"vm-12","name":"web","cpu_count":4,"memory_mb":8192,"hostname":"web"}`, Facts{"web", sizes(4, 8192)}, "as it should be"},
		{"vsphere", `{"vm_id":"vm-12","name":"we"b","cpu_count":4,"memory_mb":8192}`, Facts{"", sizes(4, 8192)}, "a quote in the name is not escaped"},
		{"vsphere", `{"name":"x","cpu_count":1,"z":"","cpu_count":4,"memory_mb":8192}`, Facts{"x", providers.Hardware{MemoryMiB: providers.Known(int64(8192))}}, "a host name can say anything: what stands twice is not believed"},
		{"vsphere", `{"cpu_count":0,"memory_mb":-1}`, Facts{}, "no machine has none"},
		{"vsphere", `{"cpu_count":99999999999999999999}`, Facts{}, "no number of CPUs"},
		{"vsphere", ``, Facts{}, "nothing is said"},
		{"libvirt", `{"CPU(s)":"2","Max memory":"4194304 KiB","Used memory":"1048576 KiB","Name":"web","State":"running"}`, Facts{"web", maximum}, "dominfo"},
		{"libvirt", `{"CPU(s)":"two","Used memory":"lots"}`, Facts{}, "no numbers"},
		{"proxmox", `{"node":"pve","vmid":100,"cpu_count":4}`, Facts{}, "that server says no sizes"},
		{"mock", `{"cpu_count":4}`, Facts{}, "that server knows no VM"},
	} {
		if d := cmp.Diff(row.want, PeerOf(row.kind, "").Raw(row.text)); d != "" {
			t.Errorf("%s %s (%s): -want +got\n%s", row.kind, row.text, row.reason, d)
		}
	}
}

// TestListings: which facts of ListVMs are believed.
func TestListings(t *testing.T) {
	info := func() *pb.VMInfo {
		return &pb.VMInfo{
			Id: "id", Name: "web", PowerState: "On", Cpu: 2, MemoryMib: 1024, Ips: []string{"10.0.0.5", "junk", "127.0.0.1"},
			Disks:    []*pb.DiskInfo{{Id: "root", Path: "/a", SizeGib: 10}},
			Networks: []*pb.NetworkInfo{{Name: "lan", Mac: "52:54:00:00:00:0A"}},
		}
	}
	base := providers.VM{ID: "id", Name: "web", Power: providers.On}
	sized := base
	sized.Config = providers.Hardware{CPU: providers.Known(2), MemoryMiB: providers.Known(int64(1024))}
	most := base
	most.Config = providers.Hardware{CPUMax: providers.Known(2), MemoryMaxMiB: providers.Known(int64(1024))}
	addressed := sized
	addressed.Addresses = []providers.Address{{IP: "10.0.0.5"}}
	whole := addressed
	whole.Config.DisksKnown, whole.Config.Disks = true, []providers.Disk{{Name: "root", Origin: "/a", SizeGiB: providers.Known(10)}}
	whole.Config.NICsKnown, whole.Config.NICs = true, []providers.NIC{{Network: "lan", MAC: "52:54:00:00:00:0a"}}
	for _, row := range []struct {
		kind, message string
		want          providers.VM
		reason        string
	}{
		{"libvirt", "", most, "the maximum, not what the VM has; no addresses; sizes of disks are 0"},
		{"vsphere", "", addressed, "sizes and addresses; interfaces are always missing"},
		{"proxmox", "", sized, "sizes of disks are misread there"},
		{"mock", "", base, "everything is constant or random"},
		{"demo", "", addressed, "a server that nobody knows keeps the protocol"},
		{"libvirt", Banner + "libvirt: fine", whole, "our own server says everything"},
	} {
		if d := cmp.Diff(row.want, PeerOf(row.kind, row.message).FromList(info())); d != "" {
			t.Errorf("%s (%s): -want +got\n%s", row.kind, row.reason, d)
		}
	}
}

// TestPowerWords: an unknown word is not Off.
func TestPowerWords(t *testing.T) {
	for word, want := range map[string]providers.PowerState{
		"On": providers.On, "Off": providers.Off, "Suspended": providers.Suspended,
		"": providers.Unknown, "notfound": providers.Unknown, "off": providers.Unknown, "poweredOn": providers.Unknown,
	} {
		if got := Power(word); got != want {
			t.Errorf("%q is %s, want %s", word, got, want)
		}
	}
}

// TestDescriptions: a description has the id that was asked for, and on libvirt
// that is the name.
func TestDescriptions(t *testing.T) {
	got := PeerOf("libvirt", "").FromDescribe("web", &pb.DescribeResponse{Exists: true, PowerState: "Off", ProviderRawJson: "{}"})
	if want := (providers.VM{ID: "web", Name: "web", Power: providers.Off}); cmp.Diff(want, got) != "" {
		t.Errorf("-want +got\n%s", cmp.Diff(want, got))
	}
}
