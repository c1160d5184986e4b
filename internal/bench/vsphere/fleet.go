package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/internal/bench/side"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// extraKey is a key of extraConfig that the manifests set.
const extraKey = "sched.cpu.latencySensitivity"

// fleet returns manifests of n VMs that are off, in turn on the port group of
// the one and of the other datacenter, one to a file and a hundred to a folder.
func fleet(n int) map[string]string {
	files := map[string]string{"shared.yaml": `apiVersion: infra.virtrigaud.io/v1beta1
kind: VMClass
metadata: {name: small}
spec: {cpu: 2, memory: 2Gi, extraConfig: {` + extraKey + `: normal}}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMImage
metadata: {name: base}
spec: {source: {vsphere: {templateName: template}}}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMNetworkAttachment
metadata: {name: lan-0}
spec: {network: {vsphere: {portgroup: DC0_DVPG0}}}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMNetworkAttachment
metadata: {name: lan-1}
spec: {network: {vsphere: {portgroup: DC1_DVPG0}}}
`}
	for i := range n {
		files[fmt.Sprintf("vms/%03d/vm-%06d.yaml", i/100, i)] = fmt.Sprintf(`apiVersion: infra.virtrigaud.io/v1beta1
kind: VirtualMachine
metadata: {name: vm-%06d}
spec:
  providerRef: {name: lab}
  classRef: {name: small}
  imageRef: {name: base}
  powerState: "Off"
  tags: [bench]
  networks:
  - {name: lan, networkRef: {name: lan-%d}}
`, i, i%2)
	}
	return files
}

// wanted resolves the manifests in a folder, in the order of their names.
func wanted(dir string) ([]*manifest.VM, error) {
	d := manifest.Resolve(manifest.Load(os.DirFS(dir), manifest.Options{}), manifest.ResolveOptions{Providers: []manifest.Key{side.Lab()}})
	if len(d.Findings) > 0 {
		return nil, fmt.Errorf("the manifests: %v", d.Findings[0])
	}
	vms := slices.Clone(d.VMs)
	slices.SortFunc(vms, func(a, b *manifest.VM) int { return a.Key.Compare(b.Key) })
	return vms, nil
}

// mark is what the provider notes on its machines.
type mark struct {
	UUID      string   `json:"uuid"`
	Fleet     string   `json:"fleet"`
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Image     string   `json:"image"`
	Disks     []device `json:"disks"`
	NICs      []device `json:"nics"`
	Tags      []string `json:"tags"`
	Extra     []string `json:"extra"`
}

type device struct {
	Name string `json:"name"`
	At   string `json:"at,omitempty"`
	Made bool   `json:"made,omitempty"`
	Key  int32  `json:"key,omitempty"`
	MAC  string `json:"mac,omitempty"`
}

// become makes of a machine the one that the provider would have made. It
// carries what machines of a vCenter carry: some dozens of keys that vCenter
// sets itself, and the first-boot data of the guest.
func become(vm *manifest.VM, spec *types.VirtualMachineConfigSpec) error {
	owner := providers.Owner{Fleet: side.FleetName, VM: vm.Key}
	spec.Name, spec.InstanceUuid = vm.Key.Name, owner.UUID().String()
	mac := owner.MAC("02:50:56", "lan")
	for _, c := range spec.DeviceChange {
		if nic, ok := c.GetVirtualDeviceConfigSpec().Device.(types.BaseVirtualEthernetCard); ok {
			nic.GetVirtualEthernetCard().MacAddress = mac
		}
	}
	text, err := json.Marshal(mark{
		UUID: spec.InstanceUuid, Fleet: owner.Fleet, Namespace: vm.Key.Namespace, Name: vm.Key.Name, Image: vm.Image.Digest,
		Disks: []device{{Name: providers.RootDiskName, At: "scsi0:0", Made: true}},
		NICs:  []device{{Name: "lan", Key: 4000, MAC: mac}}, Tags: vm.Tags, Extra: []string{extraKey},
	})
	set := func(key, value string) {
		spec.ExtraConfig = append(spec.ExtraConfig, &types.OptionValue{Key: key, Value: value})
	}
	set("vmsteward.mark", string(text))
	set(extraKey, "normal")
	set("guestinfo.userdata", strings.Repeat("QUJD", 1000))
	for i := range 40 {
		set(fmt.Sprintf("pciBridge%d.virtualDev", i), "pcieRootPort")
	}
	return err
}
