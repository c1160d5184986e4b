package remote

import (
	"cmp"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/seed"
)

// bareConcurrency is how many calls a server of provider.v1 is asked for at
// once where the settings do not say: most wait in a call for all its work.
const bareConcurrency = 4

// resizes tells whether CPUs and memory can be changed and read back.
func resizes(p *seed.Peer) bool { return p.Listed.Sizes && !p.RunningOnly }

// BareCapabilities returns what can be observed and changed through a server
// that speaks provider.v1 alone, by its type, or through one of ours.
func BareCapabilities(kind string, ours bool) *providers.Capabilities {
	message := ""
	if ours {
		message = seed.Banner
	}
	return bareCapabilities(seed.PeerOf(kind, message), 0)
}

func bareCapabilities(p *seed.Peer, most int) *providers.Capabilities {
	c := &providers.Capabilities{
		Change: map[providers.Field]providers.Ability{
			providers.FieldExists:    providers.Live,
			providers.FieldPower:     providers.Live,
			providers.FieldRetired:   providers.Live,
			providers.FieldImage:     providers.Replace,
			providers.FieldCloudInit: providers.Replace,
		},
		Concurrency: cmp.Or(most, bareConcurrency),
		NIC:         providers.NICNames{Network: []string{"libvirt.bridge.name", "libvirt.networkName", "vsphere.portgroup"}},
		Honours:     providers.NewHonours(bareHonours(p)),
	}
	if resizes(p) {
		c.Change[providers.FieldCPU], c.Change[providers.FieldMemory] = providers.Restart, providers.Restart
	}
	return c
}

const (
	unseen    = "the server does not tell of it afterwards"
	noEffect  = "the server does nothing about it"
	inLedger  = "its digest is kept in the ledger"
	oneNIC    = "of the first interface; a VM with more is not made"
	noServer  = "the server has no such disks; a VM with them is not made"
	notLasted = "what the server does about it later does not last"
)

// bareHonours says what becomes of each field. Nothing but CPUs, memory and the
// power state is ever seen again.
func bareHonours(p *seed.Peer) providers.Honours {
	made := providers.Honour{Act: providers.AtCreation, Note: unseen}
	ignored := providers.Honour{Act: providers.Ignore, Note: noEffect}
	h := providers.Honours{
		"VirtualMachine.spec.importedDisk":        {Act: providers.AtCreation},
		"VirtualMachine.spec.importedDisk.source": {Act: providers.Describe},
		"VirtualMachine.spec.userData":            {Note: inLedger},
		"VirtualMachine.spec.metaData":            {Note: inLedger},
		"VirtualMachine.spec.disks":               made,
		"VirtualMachine.spec.networks":            made,
		"VirtualMachine.spec.placement":           ignored,
		"VirtualMachine.spec.tags":                ignored,
		"VMClass.spec.diskDefaults":               made,
		"VMImage.spec.source":                     {Note: inLedger},
		"VMImage.spec.distribution":               {Act: providers.Describe},
		"VMImage.spec.metadata":                   {Act: providers.Describe},
		"VMNetworkAttachment.spec.network":        made,
		"VMNetworkAttachment.spec.metadata":       {Act: providers.Describe},
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
	for _, path := range bareMade(p) {
		h[path] = made
	}
	if !p.Disks {
		h["VirtualMachine.spec.disks"] = providers.Honour{Act: providers.Refuse, Note: noServer}
	}
	if p.NICs == 1 {
		h["VirtualMachine.spec.networks"] = providers.Honour{Act: providers.AtCreation, Note: oneNIC}
	}
	return h
}

// bareMade returns the other paths that shape a VM when it is made.
func bareMade(p *seed.Peer) []string {
	const class = "VMClass.spec."
	switch {
	case p.Ours:
		return []string{
			class + "firmware", class + "extraConfig", class + "performanceProfile", class + "securityProfile", class + "resourceLimits",
			"VirtualMachine.spec.placement", "VirtualMachine.spec.tags",
		}
	case p.Type == "vsphere":
		return []string{
			class + "firmware", class + "performanceProfile.cpuHotAddEnabled", class + "performanceProfile.memoryHotAddEnabled",
			class + "performanceProfile.nestedVirtualization", class + "performanceProfile.virtualizationBasedSecurity",
			class + "securityProfile.secureBoot", class + "securityProfile.tpmEnabled", class + "securityProfile.vtdEnabled",
			"VirtualMachine.spec.placement.datastore", "VirtualMachine.spec.placement.storagePod",
			"VirtualMachine.spec.placement.cluster", "VirtualMachine.spec.placement.folder",
		}
	case p.Type == "libvirt":
		return []string{
			class + "performanceProfile.cpuHotAddEnabled", class + "performanceProfile.memoryHotAddEnabled",
			class + "performanceProfile.nestedVirtualization",
			class + "securityProfile.secureBoot", class + "securityProfile.tpmEnabled", class + "securityProfile.vtdEnabled",
		}
	}
	return nil
}
