package remote

import (
	"maps"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/seed"
)

const (
	inLedger  = "its digest is kept in the ledger"
	noEffect  = "the server does nothing about it"
	oneNIC    = "a VM with more than one is not made"
	noDisks   = "the server makes none, and a VM with them is not made"
	noWordFor = "the protocol has no word for it"
	notLasted = "what the server does about it later does not last, or cannot be seen"
)

// bareHonours says what becomes of each field through a server of provider.v1.
// Nothing but CPUs, memory and the power state is ever seen again.
func bareHonours(p *seed.Peer) providers.Honours {
	h := providers.Honours{
		"VirtualMachine.spec.disks[].expandPolicy":      {Act: providers.Ignore, Note: "no disk is grown"},
		"VirtualMachine.spec.importedDisk.path":         {Act: providers.AtCreation},
		"VirtualMachine.spec.importedDisk.format":       {Act: providers.AtCreation},
		"VirtualMachine.spec.importedDisk.diskID":       {Act: providers.Describe},
		"VirtualMachine.spec.importedDisk.source":       {Act: providers.Describe},
		"VirtualMachine.spec.importedDisk.migrationRef": {Act: providers.Describe},
		"VirtualMachine.spec.userData.cloudInit":        {Note: inLedger},
		"VirtualMachine.spec.userData.ignition":         {Act: providers.Refuse, Note: noWordFor},
		"VirtualMachine.spec.metaData":                  {Note: inLedger},
		"VMImage.spec.source.vsphere":                   {Act: providers.Elsewhere},
		"VMImage.spec.source.libvirt":                   {Act: providers.Elsewhere},
		"VMImage.spec.source.proxmox":                   {Act: providers.Elsewhere},
		"VMImage.spec.distribution":                     {Act: providers.Describe},
		"VMImage.spec.metadata":                         {Act: providers.Describe},
		"VMNetworkAttachment.spec.metadata":             {Act: providers.Describe},
		"VMNetworkAttachment.spec.network.vsphere":      {Act: providers.Elsewhere},
		"VMNetworkAttachment.spec.network.libvirt":      {Act: providers.Elsewhere},
		"VMNetworkAttachment.spec.network.proxmox":      {Act: providers.Elsewhere},
	}
	sizes := providers.Honour{}
	if !resizes(p) {
		sizes = providers.Honour{Act: providers.AtCreation, Note: notLasted}
	}
	for _, path := range []string{
		"VirtualMachine.spec.resources.cpu", "VirtualMachine.spec.resources.memoryMiB", "VMClass.spec.cpu", "VMClass.spec.memory",
	} {
		h[path] = sizes
	}
	if !p.Disks {
		h["VirtualMachine.spec.disks"] = providers.Honour{Act: providers.Refuse, Note: noDisks}
	}
	if p.NICs == 1 {
		h["VirtualMachine.spec.networks"] = providers.Honour{Act: providers.AtCreation, Note: oneNIC}
	}
	maps.Copy(h, bareTyped(p))
	return h
}

// bareTyped is what the servers of one type do, as they were seen to.
func bareTyped(p *seed.Peer) providers.Honours {
	h := providers.Honours{}
	creation := func(at string, paths ...string) {
		for _, path := range paths {
			h[at+path] = providers.Honour{Act: providers.AtCreation}
		}
	}
	image := func(paths ...string) {
		for _, path := range paths {
			h["VMImage.spec.source."+path] = providers.Honour{Note: inLedger}
		}
	}
	const vm, class, network = "VirtualMachine.spec.", "VMClass.spec.", "VMNetworkAttachment.spec.network."
	creation(vm, "networks[].name", "networks[].networkRef", "networks[].ipAddress", "networks[].prefix", "networks[].gateway", "networks[].dns")
	creation(class, "diskDefaults.size")
	switch {
	case p.Ours:
		creation(vm, "networks[].macAddress", "disks[].name", "disks[].sizeGiB", "disks[].type", "disks[].scsi", "placement", "tags")
		creation(class, "firmware", "diskDefaults.type", "extraConfig", "resourceLimits", "performanceProfile.cpuHotAddEnabled",
			"performanceProfile.memoryHotAddEnabled", "performanceProfile.nestedVirtualization", "performanceProfile.virtualizationBasedSecurity",
			"securityProfile.secureBoot", "securityProfile.tpmEnabled", "securityProfile.vtdEnabled")
		creation(network, "libvirt.networkName", "libvirt.bridge.name", "libvirt.model",
			"vsphere.portgroup", "vsphere.adapterType", "vsphere.pciSlotNumber", "vsphere.vlan.vlanID")
		image("vsphere.templateName", "libvirt.path", "libvirt.url", "libvirt.format", "libvirt.checksum", "libvirt.checksumType",
			"http.url", "http.checksum", "http.checksumType")
		h[vm+"placement.resourcePool"] = providers.Honour{Act: providers.Ignore, Note: noWordFor}
	case p.Type == "vsphere":
		creation(vm, "disks[].name", "disks[].sizeGiB", "disks[].type", "disks[].scsi",
			"placement.cluster", "placement.folder", "placement.datastore", "placement.storagePod")
		creation(class, "performanceProfile.cpuHotAddEnabled", "performanceProfile.memoryHotAddEnabled",
			"performanceProfile.nestedVirtualization", "performanceProfile.virtualizationBasedSecurity",
			"securityProfile.secureBoot", "securityProfile.tpmEnabled", "securityProfile.vtdEnabled")
		creation(network, "vsphere.portgroup")
		image("vsphere.templateName")
		h[vm+"networks[].macAddress"] = providers.Honour{Act: providers.Ignore, Note: noEffect}
		h[class+"firmware"] = providers.Honour{Act: providers.AtCreation, Note: "UEFI alone; otherwise it is the template's"}
	case p.Type == "libvirt":
		creation(vm, "networks[].macAddress")
		creation(class, "performanceProfile.cpuHotAddEnabled", "performanceProfile.memoryHotAddEnabled",
			"performanceProfile.nestedVirtualization", "securityProfile.secureBoot", "securityProfile.tpmEnabled", "securityProfile.vtdEnabled")
		creation(network, "libvirt.networkName", "libvirt.bridge.name", "libvirt.model")
		image("libvirt.path", "libvirt.url", "libvirt.format", "http.url")
		for _, path := range []string{"ipAddress", "prefix", "gateway", "dns"} {
			h[vm+"networks[]."+path] = providers.Honour{Act: providers.Ignore, Note: noEffect}
		}
	case p.Type == "proxmox":
		creation(network, "proxmox.bridge", "proxmox.vlanTag", "libvirt.bridge.name")
		image("proxmox.templateID")
	default:
		maps.Copy(h, unknownServer())
	}
	return h
}

// unknownServer is what a server is told that nobody has seen yet.
func unknownServer() providers.Honours {
	told := providers.Honour{Act: providers.AtCreation, Note: "if the server does so"}
	return providers.Honours{
		"VirtualMachine.spec.networks": told, "VirtualMachine.spec.disks": told, "VirtualMachine.spec.placement": told,
		"VMClass.spec.firmware": told, "VMClass.spec.diskDefaults": told, "VMClass.spec.extraConfig": told,
		"VMClass.spec.performanceProfile": told, "VMClass.spec.securityProfile": told, "VMClass.spec.resourceLimits": told,
		"VMImage.spec.source":                      {Note: inLedger},
		"VMNetworkAttachment.spec.network.libvirt": told, "VMNetworkAttachment.spec.network.vsphere": told,
		"VMNetworkAttachment.spec.network.proxmox": told,
	}
}
