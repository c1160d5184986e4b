package libvirt

import (
	"maps"

	"github.com/vmsteward/vmsteward/providers"
)

// honoured is what this provider does about the fields of manifests. The
// blocks of other hypervisors are in it, too: a VMImage or a
// VMNetworkAttachment may serve several kinds of provider at once, and what it
// says to the others is not lost on this one.
func honoured() providers.Honours {
	all := machineFields()
	for _, more := range []providers.Honours{classFields(), imageFields(), networkFields()} {
		maps.Copy(all, more)
	}
	return all
}

const (
	bySeed      = "in the first-boot data"
	thinOrThick = "thin, thick and eagerzeroedthick"
)

func machineFields() providers.Honours {
	return providers.Honours{
		"VirtualMachine.spec.resources.cpu":             {},
		"VirtualMachine.spec.resources.memoryMiB":       {},
		"VirtualMachine.spec.tags":                      {Note: "kept in the domain's metadata"},
		"VirtualMachine.spec.userData.cloudInit":        {},
		"VirtualMachine.spec.metaData.cloudInit":        {},
		"VirtualMachine.spec.placement.datastore":       {Act: providers.AtCreation, Note: "the storage pool"},
		"VirtualMachine.spec.importedDisk.diskID":       {Act: providers.Describe, Note: "path says where it is"},
		"VirtualMachine.spec.importedDisk.path":         {Act: providers.AtCreation},
		"VirtualMachine.spec.importedDisk.format":       {Act: providers.AtCreation, Note: "a volume of a pool has its own"},
		"VirtualMachine.spec.importedDisk.source":       {Act: providers.Describe},
		"VirtualMachine.spec.importedDisk.migrationRef": {Act: providers.Describe},
		"VirtualMachine.spec.disks[]":                   {},
		"VirtualMachine.spec.disks[].type":              {Act: providers.AtCreation, Only: providers.Provisions(), Note: thinOrThick},
		"VirtualMachine.spec.disks[].storageClass":      {Act: providers.Ignore, Note: "there are no classes of storage"},
		"VirtualMachine.spec.disks[].scsi.controller":   {Act: providers.AtCreation},
		"VirtualMachine.spec.disks[].scsi.controllerType": {
			Act: providers.Ignore, Note: "the controller is virtio-scsi",
		},
		"VirtualMachine.spec.disks[].scsi.sharedBus": {Act: providers.AtCreation, Only: providers.Values{"noSharing"}, Note: "noSharing alone"},
		"VirtualMachine.spec.networks[]":             {},
		"VirtualMachine.spec.networks[].ipAddress":   {Act: providers.AtCreation, Note: bySeed},
		"VirtualMachine.spec.networks[].prefix":      {Act: providers.AtCreation, Note: bySeed},
		"VirtualMachine.spec.networks[].gateway":     {Act: providers.AtCreation, Note: bySeed},
		"VirtualMachine.spec.networks[].dns":         {Act: providers.AtCreation, Note: bySeed},
	}
}

func classFields() providers.Honours {
	return providers.Honours{
		"VMClass.spec.cpu":                                     {},
		"VMClass.spec.memory":                                  {},
		"VMClass.spec.firmware":                                {},
		"VMClass.spec.diskDefaults.size":                       {},
		"VMClass.spec.diskDefaults.type":                       {Act: providers.AtCreation, Only: providers.Provisions(), Note: thinOrThick},
		"VMClass.spec.extraConfig":                             {Field: providers.FieldAutostart, Only: providers.Values{"autostart"}, Note: "autostart alone"},
		"VMClass.spec.performanceProfile.cpuHotAddEnabled":     {Note: "room for four times as many"},
		"VMClass.spec.performanceProfile.nestedVirtualization": {Note: "true needs KVM on an Intel or AMD host"},
		"VMClass.spec.performanceProfile.memoryHotAddEnabled": {
			Act: providers.AtCreation, Only: providers.Values{"false"}, Note: "false alone",
		},
		"VMClass.spec.performanceProfile.virtualizationBasedSecurity": {
			Act: providers.AtCreation, Only: providers.Values{"false"}, Note: "false alone",
		},
		"VMClass.spec.securityProfile.secureBoot": {},
		"VMClass.spec.securityProfile.tpmEnabled": {Note: "true needs swtpm on the host"},
		"VMClass.spec.securityProfile.vtdEnabled": {Note: "true needs an x86_64 host"},
	}
}

func imageFields() providers.Honours {
	return providers.Honours{
		"VMImage.spec.source.libvirt":              {},
		"VMImage.spec.source.libvirt.url":          {Act: providers.Refuse, Note: "an image is found by its path, in a pool of the host"},
		"VMImage.spec.source.libvirt.checksum":     {Act: providers.Ignore, Note: "nothing is fetched"},
		"VMImage.spec.source.libvirt.checksumType": {Act: providers.Ignore, Note: "nothing is fetched"},
		"VMImage.spec.source.vsphere":              {Act: providers.Elsewhere},
		"VMImage.spec.source.proxmox":              {Act: providers.Elsewhere},
		"VMImage.spec.distribution":                {Act: providers.Describe},
		"VMImage.spec.metadata":                    {Act: providers.Describe},
	}
}

func networkFields() providers.Honours {
	return providers.Honours{
		"VMNetworkAttachment.spec.network.libvirt.networkName": {},
		"VMNetworkAttachment.spec.network.libvirt.bridge.name": {},
		"VMNetworkAttachment.spec.network.libvirt.model":       {},
		"VMNetworkAttachment.spec.network.vsphere":             {Act: providers.Elsewhere},
		"VMNetworkAttachment.spec.network.proxmox":             {Act: providers.Elsewhere},
		"VMNetworkAttachment.spec.network.mtu":                 {Act: providers.AtCreation, Note: "of the interface"},
		"VMNetworkAttachment.spec.metadata":                    {Act: providers.Describe},

		"VMNetworkAttachment.spec.ipAllocation.type":                    {Act: providers.AtCreation, Note: "DHCP and Static"},
		"VMNetworkAttachment.spec.ipAllocation.staticConfig":            {Act: providers.AtCreation, Note: bySeed},
		"VMNetworkAttachment.spec.ipAllocation.dnsConfig.servers":       {Act: providers.AtCreation, Note: bySeed},
		"VMNetworkAttachment.spec.ipAllocation.dnsConfig.searchDomains": {Act: providers.AtCreation, Note: bySeed},
	}
}
