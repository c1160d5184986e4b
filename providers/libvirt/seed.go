package libvirt

import (
	"go.yaml.in/yaml/v3"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/cloudinit"
)

// seedLabel is the volume label by which cloud-init finds its NoCloud source.
const seedLabel = "cidata"

// wantsSeed tells whether the VM needs first-boot data: the manifest has some,
// or an address that only the guest can set.
func wantsSeed(vm *manifest.VM) bool {
	if !vm.CloudInit.UserData.Empty() || !vm.CloudInit.MetaData.Empty() {
		return true
	}
	for _, n := range vm.NICs {
		if n.Static != nil {
			return true
		}
	}
	return false
}

// seedImage returns the NoCloud image of the VM: the same bytes for the same
// manifest. macs holds the address of each interface by its name. The image
// holds secrets: it goes to the hypervisor and nowhere else.
func seedImage(o providers.Owner, vm *manifest.VM, macs map[string]string) ([]byte, error) {
	data, err := cloudinit.MetaData(o, vm.CloudInit.MetaData)
	if err != nil {
		return nil, &providers.Error{Op: "create", Subject: o.VM.String(), Kind: providers.InvalidSpec, Err: err}
	}
	meta, err := yaml.Marshal(data)
	if err != nil {
		return nil, err
	}
	files := []isoFile{
		{"meta-data", meta},
		{"user-data", []byte(vm.CloudInit.UserData.Reveal())},
	}
	if network := cloudinit.NetworkOf(vm.NICs, macs); network != nil {
		config, err := yaml.Marshal(network)
		if err != nil {
			return nil, err
		}
		files = append(files, isoFile{"network-config", config})
	}
	return isoImage(seedLabel, files)
}
