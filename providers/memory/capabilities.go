package memory

import (
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

const (
	defaultNICModel    = "virtio"
	defaultConcurrency = 16
)

// Capabilities implements providers.Capable. They are those of a libvirt host.
func (p *Provider) Capabilities() providers.Capabilities {
	concurrency := p.settings.MaxConnections
	if concurrency <= 0 {
		concurrency = defaultConcurrency
	}
	return providers.Capabilities{
		Change:            abilities(),
		MemoryShrinksLive: true,
		Concurrency:       concurrency,
		NIC:               nicOpinion,
		Honours:           honours(),
	}
}

func abilities() map[providers.Field]providers.Ability {
	return map[providers.Field]providers.Ability{
		providers.FieldCPU:        providers.LiveInHeadroom,
		providers.FieldMemory:     providers.LiveInHeadroom,
		providers.FieldDisk:       providers.Live,
		providers.FieldDiskSize:   providers.Live,
		providers.FieldNIC:        providers.Live,
		providers.FieldNICNetwork: providers.Live,
		providers.FieldNICModel:   providers.Restart,
		providers.FieldNICMAC:     providers.Restart,
		providers.FieldName:       providers.Restart,
		providers.FieldTags:       providers.Live,
		providers.FieldAutostart:  providers.Live,
		providers.FieldRetired:    providers.Live,
		providers.FieldPower:      providers.Live,
		providers.FieldExists:     providers.Live,
		providers.FieldFirmware:   providers.Replace,
		providers.FieldImage:      providers.Replace,
		providers.FieldCloudInit:  providers.Replace,
	}
}

// nicOpinion returns the network and model that a wanted interface will have:
// a bridge before a network, the port group when there is no libvirt block,
// else the name of the attachment. There is no opinion about a NIC that keeps
// the template's interface.
func nicOpinion(nic manifest.NIC) (network, model string) {
	n := nic.Network
	if n == nil {
		return "", ""
	}
	model = defaultNICModel
	if n.Libvirt != nil && n.Libvirt.Model != "" {
		model = n.Libvirt.Model
	}
	switch {
	case n.Libvirt != nil && n.Libvirt.Bridge != "":
		return n.Libvirt.Bridge, model
	case n.Libvirt != nil && n.Libvirt.Network != "":
		return n.Libvirt.Network, model
	case n.VSphere != nil && n.VSphere.Portgroup != "":
		return n.VSphere.Portgroup, model
	}
	return n.Key.Name, model
}

// honours tells whether the model acts on a declared path. The longest entry
// of the table that the path begins with decides; a path without one is not
// acted on.
func honours() func(path string, _ *manifest.VM) bool {
	table := honoured()
	return func(path string, _ *manifest.VM) bool {
		for path != "" {
			if yes, ok := table[path]; ok {
				return yes
			}
			cut := strings.LastIndexAny(path, ".[")
			if cut < 0 {
				return false
			}
			path = path[:cut]
		}
		return false
	}
}

// honoured is the table of honours: what the model shows, compares or keeps.
func honoured() map[string]bool {
	return map[string]bool{
		"VirtualMachine.spec.providerRef":                       true,
		"VirtualMachine.spec.classRef":                          true,
		"VirtualMachine.spec.imageRef":                          true,
		"VirtualMachine.spec.importedDisk":                      true,
		"VirtualMachine.spec.importedDisk.source":               false, // where it came from changes nothing
		"VirtualMachine.spec.powerState":                        true,
		"VirtualMachine.spec.lifecycle.gracefulShutdownTimeout": true,
		"VirtualMachine.spec.resources.cpu":                     true,
		"VirtualMachine.spec.resources.memoryMiB":               true,
		"VirtualMachine.spec.disks":                             true,
		"VirtualMachine.spec.disks[].expandPolicy":              false, // growing is always live
		"VirtualMachine.spec.disks[].type":                      false, // one kind of storage
		"VirtualMachine.spec.disks[].storageClass":              false, // no classes
		"VirtualMachine.spec.disks[].scsi":                      false, // no controllers
		"VirtualMachine.spec.networks":                          true,
		"VirtualMachine.spec.networks[].ipAddress":              false, // nothing runs in the guest
		"VirtualMachine.spec.networks[].prefix":                 false,
		"VirtualMachine.spec.networks[].gateway":                false,
		"VirtualMachine.spec.networks[].dns":                    false,
		"VirtualMachine.spec.userData":                          true, // its digest is kept in the mark
		"VirtualMachine.spec.metaData":                          true,
		"VirtualMachine.spec.tags":                              true,
		"VMClass.spec.cpu":                                      true,
		"VMClass.spec.memory":                                   true,
		"VMClass.spec.firmware":                                 true,
		"VMClass.spec.diskDefaults.size":                        true,
		"VMClass.spec.performanceProfile.cpuHotAddEnabled":      true,
		"VMClass.spec.performanceProfile.memoryHotAddEnabled":   true,
		"VMImage.spec.source.libvirt":                           true,
		"VMImage.spec.source.vsphere":                           true,
		"VMImage.spec.source.http":                              true,
		"VMNetworkAttachment.spec.network.libvirt.bridge.name":  true,
		"VMNetworkAttachment.spec.network.libvirt.networkName":  true,
		"VMNetworkAttachment.spec.network.libvirt.model":        true,
		"VMNetworkAttachment.spec.network.vsphere.portgroup":    true,
	}
}
