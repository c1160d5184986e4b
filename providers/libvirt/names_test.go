package libvirt

import (
	"strings"
	"testing"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

func TestVolumeNames(t *testing.T) {
	plain := providers.Owner{Fleet: "lab", VM: manifest.Key{Namespace: "prod", Name: "db.example"}}
	odd := providers.Owner{Fleet: "a_b/c ~", VM: manifest.Key{Namespace: "n_s", Name: "ä"}}
	if got := volumeName(plain, "root", "qcow2"); got != "vmsteward_lab_prod_db.example_root.qcow2" {
		t.Error(got)
	}
	for _, o := range []providers.Owner{plain, odd} {
		name := volumeName(o, "da.ta", "qcow2")
		if strings.ContainsAny(name, "/ ") {
			t.Errorf("name %q", name)
		}
		for _, n := range []string{name, name + copySuffix} {
			if got, ok := volumeOwner(n); !ok || got != o {
				t.Errorf("%q is of %v, %v; want %v", n, got, ok, o)
			}
		}
	}
	long := providers.Owner{Fleet: "lab", VM: manifest.Key{Namespace: "prod", Name: strings.Repeat("x", 253)}}
	name := volumeName(long, "root", "qcow2")
	if _, ok := volumeOwner(name); ok || len(name)+len(copySuffix) > maxFileName || !strings.Contains(name, long.UUID().String()) {
		t.Errorf("name %q", name)
	}
	for _, foreign := range []string{"", "debian.qcow2", "vmsteward_x.qcow2", "vmsteward_a_b_c_d_e.qcow2", "vmsteward_a__c_d.qcow2", "vmsteward_a_b_c_~zz.qcow2", "vmsteward_a_b_c_d~1.iso"} {
		if o, ok := volumeOwner(foreign); ok {
			t.Errorf("%q is taken for one of %v", foreign, o)
		}
	}
}

func TestWorthless(t *testing.T) {
	const mib = 1 << 20
	cases := []struct {
		what string
		doc  volumeDoc
		want bool
	}{
		{"a new image", volumeDoc{Format: typeDoc{formatQCOW2}, Capacity: 40 * gib, Physical: 196624, Cluster: cluster}, true},
		{"an image with one cluster of data", volumeDoc{Format: typeDoc{formatQCOW2}, Capacity: 40 * gib, Physical: 6 * cluster, Cluster: cluster}, false},
		{"an image of another layout", volumeDoc{Format: typeDoc{formatQCOW2}, Capacity: 40 * gib, Physical: 196624, Cluster: 4096}, false},
		{"an image of unknown size", volumeDoc{Format: typeDoc{formatQCOW2}, Capacity: 40 * gib, Cluster: cluster}, false},
		{"a new large image", volumeDoc{Format: typeDoc{formatQCOW2}, Capacity: 64 << 40, Physical: 3*cluster + mib, Cluster: cluster}, true},
		{"the beginning of an image", volumeDoc{Format: typeDoc{formatRaw}, Capacity: 2, Physical: 2}, true},
		{"an empty file", volumeDoc{Format: typeDoc{formatRaw}}, true},
		{"a raw disk", volumeDoc{Format: typeDoc{formatRaw}, Capacity: gib, Physical: gib}, false},
		{"a block device", volumeDoc{Type: "block", Format: typeDoc{formatRaw}, Capacity: 4096, Physical: 4096}, false},
		{"another format", volumeDoc{Format: typeDoc{"vmdk"}, Capacity: 100, Physical: 100}, false},
	}
	for _, c := range cases {
		if got := c.doc.worthless(); got != c.want {
			t.Errorf("%s: worthless %v, want %v", c.what, got, c.want)
		}
	}
}

func TestHonours(t *testing.T) {
	vm := &manifest.VM{MemHotAdd: true, RootDisk: manifest.RootDisk{Type: "nvme"}, ExtraConfig: map[string]string{"autostart": "true", "other": "1"}, Disks: []manifest.Disk{{Type: "thin"}}}
	honours := providers.NewHonours(honoured())
	for path, want := range map[string]bool{
		"VirtualMachine.spec.powerState":                             true,
		"VirtualMachine.spec.disks[].sizeGiB":                        true,
		"VirtualMachine.spec.disks[].type":                           true,
		"VirtualMachine.spec.disks[].storageClass":                   false,
		"VirtualMachine.spec.networks[].ipAddress":                   true,
		"VirtualMachine.spec.userData.cloudInit.inline":              true,
		"VirtualMachine.spec.userData.ignition.inline":               false,
		"VirtualMachine.spec.placement.cluster":                      false,
		"VMClass.spec.diskDefaults.type":                             false,
		"VMClass.spec.performanceProfile.memoryHotAddEnabled":        false,
		"VMImage.spec.source.libvirt.path":                           true,
		"VMImage.spec.source.libvirt.url":                            false,
		"VMImage.spec.source.vsphere.templateName":                   true,
		"VMNetworkAttachment.spec.network.vsphere.vlan.vlanID":       true,
		"VMNetworkAttachment.spec.network.libvirt.driver.queues":     false,
		"VMNetworkAttachment.spec.network.libvirt.bridge.name":       true,
		"VMNetworkAttachment.spec.network.libvirt.bridge.stp":        false,
		"VMNetworkAttachment.spec.ipAllocation.staticConfig.address": true,
		"VMNetworkAttachment.spec.ipAllocation.poolConfig.poolRef":   false,
		"VMClass.spec.extraConfig":                                   false,
	} {
		if got := honours.Acts(path, vm); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
}
