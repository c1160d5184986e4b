package vsphere

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
	byGuestInfo  = "in guestinfo, for cloud-init"
	ownDatastore = "the space that is left decides within a datastore cluster"
	ofPortGroup  = "it is the port group's own"
)

func machineFields() providers.Honours {
	return providers.Honours{
		"VirtualMachine.spec.resources.cpu":       {Note: "live with cpuHotAddEnabled"},
		"VirtualMachine.spec.resources.memoryMiB": {Note: "a multiple of 4; live with memoryHotAddEnabled"},
		"VirtualMachine.spec.resources.gpu":       {Act: providers.Ignore},
		"VirtualMachine.spec.tags":                {Note: "kept in the VM's mark, not as tags of vCenter"},

		"VirtualMachine.spec.userData.cloudInit": {Note: byGuestInfo},
		"VirtualMachine.spec.userData.ignition":  {Note: "in guestinfo"},
		"VirtualMachine.spec.metaData.cloudInit": {Note: byGuestInfo},

		"VirtualMachine.spec.placement":            {Act: providers.AtCreation, Note: "names or inventory paths; a VM is not moved"},
		"VirtualMachine.spec.placement.storagePod": {Act: providers.AtCreation, Note: ownDatastore},

		"VirtualMachine.spec.importedDisk.diskID":       {Act: providers.Describe, Note: "path says where it is"},
		"VirtualMachine.spec.importedDisk.path":         {Act: providers.AtCreation, Note: "[datastore] path"},
		"VirtualMachine.spec.importedDisk.format":       {Only: providers.Values{"vmdk"}, Act: providers.AtCreation, Note: "vmdk alone"},
		"VirtualMachine.spec.importedDisk.source":       {Act: providers.Describe},
		"VirtualMachine.spec.importedDisk.sizeGiB":      {Act: providers.Ignore, Note: "the disk has its size"},
		"VirtualMachine.spec.importedDisk.migrationRef": {Act: providers.Describe},

		"VirtualMachine.spec.placementRef":        {Act: providers.Ignore, Note: "placement says where"},
		"VirtualMachine.spec.snapshot":            {Act: providers.Ignore},
		"VirtualMachine.spec.lifecycle.postStart": {Act: providers.Ignore},
		"VirtualMachine.spec.lifecycle.preStop":   {Act: providers.Ignore},

		"VirtualMachine.spec.disks[].name":         {Note: "never taken away"},
		"VirtualMachine.spec.disks[].sizeGiB":      {Note: "grows only, and not with snapshots"},
		"VirtualMachine.spec.disks[].type":         {Only: providers.Provisions(), Note: "what a disk spins on is the datastore's matter"},
		"VirtualMachine.spec.disks[].storageClass": {Act: providers.Ignore, Note: "a disk lies beside its VM"},
		"VirtualMachine.spec.disks[].scsi": {
			Note: "without it, a disk is plugged in where SCSI bus 0 has room",
		},

		"VirtualMachine.spec.networks[].name":       {},
		"VirtualMachine.spec.networks[].networkRef": {Note: "without it, the template's interface is kept"},
		"VirtualMachine.spec.networks[].macAddress": {},
		"VirtualMachine.spec.networks[].ipAddress":  {Act: providers.AtCreation, Note: byGuestInfo},
		"VirtualMachine.spec.networks[].prefix":     {Act: providers.AtCreation, Note: byGuestInfo},
		"VirtualMachine.spec.networks[].gateway":    {Act: providers.AtCreation, Note: byGuestInfo},
		"VirtualMachine.spec.networks[].dns":        {Act: providers.AtCreation, Note: byGuestInfo},
	}
}

func classFields() providers.Honours {
	return providers.Honours{
		"VMClass.spec.cpu":      {Note: "live with cpuHotAddEnabled"},
		"VMClass.spec.memory":   {Note: "a multiple of 4Mi; live with memoryHotAddEnabled"},
		"VMClass.spec.firmware": {Note: "a template with other firmware needs it written"},

		"VMClass.spec.diskDefaults.size":         {Note: "not below the template's"},
		"VMClass.spec.diskDefaults.type":         {Only: providers.Provisions(), Note: "what a disk spins on is the datastore's matter"},
		"VMClass.spec.diskDefaults.iops":         {Act: providers.Ignore},
		"VMClass.spec.diskDefaults.storageClass": {Act: providers.Ignore},
		"VMClass.spec.guestToolsPolicy":          {Act: providers.Ignore, Note: "the image brings its tools"},
		"VMClass.spec.extraConfig": {
			Only: ownKeys(), Note: "not autostart, which a host has, and not keys of other providers; vsphere.hardwareVersion takes a restart",
		},

		"VMClass.spec.resourceLimits": {Note: "one that is written no more stays as it is"},

		"VMClass.spec.performanceProfile.cpuHotAddEnabled":            {},
		"VMClass.spec.performanceProfile.memoryHotAddEnabled":         {},
		"VMClass.spec.performanceProfile.nestedVirtualization":        {},
		"VMClass.spec.performanceProfile.virtualizationBasedSecurity": {Note: "true needs UEFI"},
		"VMClass.spec.performanceProfile.latencySensitivity":          {Act: providers.Ignore},
		"VMClass.spec.performanceProfile.hyperThreadingPolicy":        {Act: providers.Ignore},

		"VMClass.spec.securityProfile.secureBoot":       {Note: "true needs UEFI"},
		"VMClass.spec.securityProfile.tpmEnabled":       {Note: "true needs UEFI and a key provider"},
		"VMClass.spec.securityProfile.tpmVersion":       {Act: providers.Ignore, Note: "a virtual TPM is 2.0"},
		"VMClass.spec.securityProfile.vtdEnabled":       {},
		"VMClass.spec.securityProfile.encryptionPolicy": {Act: providers.Ignore},
	}
}

func imageFields() providers.Honours {
	return providers.Honours{
		"VMImage.spec.source.vsphere":              {},
		"VMImage.spec.source.vsphere.checksum":     {Note: "of the OVA"},
		"VMImage.spec.source.vsphere.checksumType": {Note: "of the OVA"},
		"VMImage.spec.source.vsphere.providerRef":  {Act: providers.Ignore, Note: "the VM's provider has the image"},
		"VMImage.spec.source.libvirt":              {Act: providers.Elsewhere},
		"VMImage.spec.source.proxmox":              {Act: providers.Elsewhere},
		"VMImage.spec.source.http":                 {Act: providers.Ignore, Note: "source.vsphere.ovaURL says where an OVA is"},
		"VMImage.spec.source.registry":             {Act: providers.Ignore},
		"VMImage.spec.source.dataVolume":           {Act: providers.Ignore},
		"VMImage.spec.prepare":                     {Act: providers.Ignore},
		"VMImage.spec.prepare.onMissing":           {Act: providers.AtCreation, Note: "of an OVA, and of an OVF in a content library; a template is never made"},
		"VMImage.spec.distribution":                {Act: providers.Describe},
		"VMImage.spec.metadata":                    {Act: providers.Describe},
	}
}

func networkFields() providers.Honours {
	return providers.Honours{
		"VMNetworkAttachment.spec.network.vsphere.portgroup":                       {Note: "a name or an inventory path"},
		"VMNetworkAttachment.spec.network.vsphere.distributedSwitch.name":          {Act: providers.Follow, Note: "which of several port groups of a name is meant"},
		"VMNetworkAttachment.spec.network.vsphere.distributedSwitch.uuid":          {Act: providers.Ignore, Note: "its name says which it is"},
		"VMNetworkAttachment.spec.network.vsphere.distributedSwitch.portgroupType": {Act: providers.Ignore, Note: ofPortGroup},
		"VMNetworkAttachment.spec.network.vsphere.vlan":                            {Act: providers.Ignore, Note: ofPortGroup},
		"VMNetworkAttachment.spec.network.vsphere.security":                        {Act: providers.Ignore, Note: ofPortGroup},
		"VMNetworkAttachment.spec.network.vsphere.trafficShaping":                  {Act: providers.Ignore, Note: ofPortGroup},
		"VMNetworkAttachment.spec.network.vsphere.adapterType":                     {},
		"VMNetworkAttachment.spec.network.vsphere.pciSlotNumber":                   {Note: "the server gives another one if it is taken"},

		"VMNetworkAttachment.spec.network.libvirt": {Act: providers.Elsewhere},
		"VMNetworkAttachment.spec.network.proxmox": {Act: providers.Elsewhere},
		"VMNetworkAttachment.spec.network.type":    {Act: providers.Ignore, Note: ofPortGroup},
		"VMNetworkAttachment.spec.network.mtu":     {Act: providers.AtCreation, Note: "in the guest, " + byGuestInfo},

		"VMNetworkAttachment.spec.ipAllocation.type":                    {Act: providers.AtCreation, Note: "DHCP and Static"},
		"VMNetworkAttachment.spec.ipAllocation.staticConfig":            {Act: providers.AtCreation, Note: byGuestInfo},
		"VMNetworkAttachment.spec.ipAllocation.dnsConfig.servers":       {Act: providers.AtCreation, Note: byGuestInfo},
		"VMNetworkAttachment.spec.ipAllocation.dnsConfig.searchDomains": {Act: providers.AtCreation, Note: byGuestInfo},
		"VMNetworkAttachment.spec.ipAllocation.dnsConfig.options":       {Act: providers.Ignore},
		"VMNetworkAttachment.spec.ipAllocation.dhcpConfig":              {Act: providers.Ignore},
		"VMNetworkAttachment.spec.ipAllocation.poolConfig":              {Act: providers.Ignore},
		"VMNetworkAttachment.spec.security":                             {Act: providers.Ignore, Note: ofPortGroup},
		"VMNetworkAttachment.spec.qos":                                  {Act: providers.Ignore, Note: ofPortGroup},
		"VMNetworkAttachment.spec.metadata":                             {Act: providers.Describe},
	}
}
