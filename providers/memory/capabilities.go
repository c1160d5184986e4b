package memory

import (
	"maps"

	"github.com/vmsteward/vmsteward/providers"
)

const (
	defaultNICModel    = "virtio"
	defaultConcurrency = 16
)

// Capabilities implements providers.Capable. They are those of a libvirt host.
func (p *Provider) Capabilities() *providers.Capabilities { return p.stated }

func capabilities(s providers.Settings) *providers.Capabilities {
	concurrency := s.MaxConnections
	if concurrency <= 0 {
		concurrency = defaultConcurrency
	}
	return &providers.Capabilities{
		Change:            abilities(),
		MemoryShrinksLive: true,
		Concurrency:       concurrency,
		NIC:               nicNames,
		Honours:           providers.NewHonours(honoured()),
	}
}

func abilities() map[providers.Field]providers.Ability {
	all := map[providers.Field]providers.Ability{
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
	maps.Copy(all, traitAbilities())
	return all
}

// nicNames says what a wanted interface is plugged in to: a bridge before a
// network, the port group when there is no libvirt block, else the name of the
// attachment. It is shared, and nobody writes to it.
var nicNames = providers.NICNames{
	Network: []string{"libvirt.bridge.name", "libvirt.networkName", "vsphere.portgroup", "name"},
	Model:   []string{"libvirt.model"}, DefaultModel: defaultNICModel,
}

// honoured is what the model shows, compares or keeps.
func honoured() providers.Honours {
	const (
		noGuest     = "nothing runs in the guest"
		thinOrThick = "thin, thick and eagerzeroedthick"
		seen        = "its digest is kept in the mark"
	)
	return providers.Honours{
		"VirtualMachine.spec.importedDisk":         {Act: providers.AtCreation},
		"VirtualMachine.spec.importedDisk.source":  {Act: providers.Describe},
		"VirtualMachine.spec.resources.cpu":        {},
		"VirtualMachine.spec.resources.memoryMiB":  {},
		"VirtualMachine.spec.disks":                {},
		"VirtualMachine.spec.disks[].type":         {Only: providers.Provisions(), Note: thinOrThick},
		"VirtualMachine.spec.disks[].storageClass": {Act: providers.Ignore, Note: "there are no classes of storage"},
		"VirtualMachine.spec.networks":             {},
		"VirtualMachine.spec.networks[].ipAddress": {Act: providers.Ignore, Note: noGuest},
		"VirtualMachine.spec.networks[].prefix":    {Act: providers.Ignore, Note: noGuest},
		"VirtualMachine.spec.networks[].gateway":   {Act: providers.Ignore, Note: noGuest},
		"VirtualMachine.spec.networks[].dns":       {Act: providers.Ignore, Note: noGuest},
		"VirtualMachine.spec.userData":             {Note: seen},
		"VirtualMachine.spec.metaData":             {Note: seen},
		"VirtualMachine.spec.tags":                 {},
		"VMClass.spec.cpu":                         {},
		"VMClass.spec.memory":                      {},
		"VMClass.spec.firmware":                    {},
		"VMClass.spec.diskDefaults.size":           {},
		"VMClass.spec.diskDefaults.type":           {Only: providers.Provisions(), Note: thinOrThick},
		"VMClass.spec.extraConfig":                 {Note: "autostart, too"},
		"VMClass.spec.resourceLimits":              {},
		"VMClass.spec.securityProfile.secureBoot":  {},
		"VMClass.spec.securityProfile.tpmEnabled":  {},
		"VMClass.spec.securityProfile.vtdEnabled":  {},
		"VMImage.spec.source.libvirt":              {},
		"VMImage.spec.source.vsphere":              {},
		"VMImage.spec.source.http.url":             {},
		"VMImage.spec.source.http.checksum":        {},
		"VMImage.spec.source.http.checksumType":    {},
		"VMImage.spec.distribution":                {Act: providers.Describe},
		"VMImage.spec.metadata":                    {Act: providers.Describe},
		"VMNetworkAttachment.spec.metadata":        {Act: providers.Describe},

		"VMClass.spec.performanceProfile.cpuHotAddEnabled":            {},
		"VMClass.spec.performanceProfile.memoryHotAddEnabled":         {},
		"VMClass.spec.performanceProfile.nestedVirtualization":        {},
		"VMClass.spec.performanceProfile.virtualizationBasedSecurity": {},

		"VMNetworkAttachment.spec.network.libvirt.bridge.name":   {},
		"VMNetworkAttachment.spec.network.libvirt.networkName":   {},
		"VMNetworkAttachment.spec.network.libvirt.model":         {},
		"VMNetworkAttachment.spec.network.vsphere.portgroup":     {},
		"VMNetworkAttachment.spec.network.vsphere.pciSlotNumber": {},
	}
}
