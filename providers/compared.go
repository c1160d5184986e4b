package providers

// Compared returns the field that a plan compares for a path of a manifest, so
// that Capabilities.Change tells how it can be changed. ok is false for a path
// that leads to no comparison.
func Compared(path string) (f Field, ok bool) { return longest(compared(), path) }

// compared is the table of Compared. An entry stands for what is below it, too.
func compared() map[string]Field {
	return map[string]Field{
		"VirtualMachine.spec.imageRef":                                FieldImage,
		"VirtualMachine.spec.powerState":                              FieldPower,
		"VirtualMachine.spec.resources.cpu":                           FieldCPU,
		"VirtualMachine.spec.resources.memoryMiB":                     FieldMemory,
		"VirtualMachine.spec.tags":                                    FieldTags,
		"VirtualMachine.spec.userData":                                FieldCloudInit,
		"VirtualMachine.spec.metaData":                                FieldCloudInit,
		"VirtualMachine.spec.disks[].name":                            FieldDisk,
		"VirtualMachine.spec.disks[].sizeGiB":                         FieldDiskSize,
		"VirtualMachine.spec.disks[].type":                            FieldDiskType,
		"VirtualMachine.spec.disks[].scsi.controller":                 FieldDiskBus,
		"VirtualMachine.spec.disks[].scsi.controllerType":             FieldDiskController,
		"VirtualMachine.spec.disks[].scsi.sharedBus":                  FieldDiskSharing,
		"VirtualMachine.spec.networks[].name":                         FieldNIC,
		"VirtualMachine.spec.networks[].networkRef":                   FieldNICNetwork,
		"VirtualMachine.spec.networks[].macAddress":                   FieldNICMAC,
		"VMClass.spec.cpu":                                            FieldCPU,
		"VMClass.spec.memory":                                         FieldMemory,
		"VMClass.spec.firmware":                                       FieldFirmware,
		"VMClass.spec.diskDefaults.size":                              FieldDiskSize,
		"VMClass.spec.diskDefaults.type":                              FieldRootDiskType,
		"VMClass.spec.extraConfig":                                    FieldExtraConfig,
		"VMClass.spec.resourceLimits.cpuLimit":                        FieldCPULimit,
		"VMClass.spec.resourceLimits.cpuReservation":                  FieldCPUReservation,
		"VMClass.spec.resourceLimits.cpuShares":                       FieldCPUShares,
		"VMClass.spec.resourceLimits.memoryLimit":                     FieldMemoryLimit,
		"VMClass.spec.resourceLimits.memoryReservation":               FieldMemoryReservation,
		"VMClass.spec.performanceProfile.cpuHotAddEnabled":            FieldCPUHotAdd,
		"VMClass.spec.performanceProfile.memoryHotAddEnabled":         FieldMemoryHotAdd,
		"VMClass.spec.performanceProfile.nestedVirtualization":        FieldNestedVirt,
		"VMClass.spec.performanceProfile.virtualizationBasedSecurity": FieldVBS,
		"VMClass.spec.securityProfile.secureBoot":                     FieldSecureBoot,
		"VMClass.spec.securityProfile.tpmEnabled":                     FieldTPM,
		"VMClass.spec.securityProfile.vtdEnabled":                     FieldVTd,
		"VMImage.spec.source":                                         FieldImage,
		"VMNetworkAttachment.spec.network.libvirt.networkName":        FieldNICNetwork,
		"VMNetworkAttachment.spec.network.libvirt.bridge.name":        FieldNICNetwork,
		"VMNetworkAttachment.spec.network.libvirt.model":              FieldNICModel,
		"VMNetworkAttachment.spec.network.vsphere.portgroup":          FieldNICNetwork,
		"VMNetworkAttachment.spec.network.vsphere.distributedSwitch":  FieldNICNetwork,
		"VMNetworkAttachment.spec.network.vsphere.adapterType":        FieldNICModel,
		"VMNetworkAttachment.spec.network.vsphere.pciSlotNumber":      FieldNICSlot,
	}
}
