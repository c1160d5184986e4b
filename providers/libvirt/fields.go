package libvirt

import (
	"strings"

	"github.com/vmsteward/vmsteward/manifest"
)

// condition tells whether a path is honoured for a VM; nil means always.
type condition func(vm *manifest.VM) bool

// honoured tells for the paths of a manifest whether this provider acts on
// them. An entry also stands for what is below it. The longest entry wins; a
// path without an entry is not honoured, and is named in a warning.
//
// The blocks of other hypervisors are here, too: a VMImage or a
// VMNetworkAttachment may serve several kinds of provider at once, and what it
// says to the others is not lost on this one.
func honoured() map[string]condition {
	never := func(*manifest.VM) bool { return false }
	virtioSCSI := func(vm *manifest.VM) bool { // the controller is always virtio-scsi
		for _, d := range vm.Disks {
			if d.SCSI != nil && d.SCSI.ControllerType != "" {
				return false
			}
		}
		return true
	}
	unshared := func(vm *manifest.VM) bool {
		for _, d := range vm.Disks {
			if d.SCSI != nil && d.SCSI.SharedBus != "" && d.SCSI.SharedBus != "noSharing" {
				return false
			}
		}
		return true
	}
	return map[string]condition{
		// What the reconciler acts on, whichever the provider.
		"VirtualMachine.spec.providerRef":                       nil,
		"VirtualMachine.spec.classRef":                          nil,
		"VirtualMachine.spec.imageRef":                          nil,
		"VirtualMachine.spec.powerState":                        nil,
		"VirtualMachine.spec.lifecycle.gracefulShutdownTimeout": nil,
		"VirtualMachine.metadata":                               nil,

		"VirtualMachine.spec.resources.cpu":                   nil,
		"VirtualMachine.spec.resources.memoryMiB":             nil,
		"VirtualMachine.spec.tags":                            nil,
		"VirtualMachine.spec.userData.cloudInit":              nil,
		"VirtualMachine.spec.metaData.cloudInit":              nil,
		"VirtualMachine.spec.placement.datastore":             nil,
		"VirtualMachine.spec.importedDisk":                    nil,
		"VirtualMachine.spec.importedDisk.sizeGiB":            never,
		"VirtualMachine.spec.disks[]":                         nil,
		"VirtualMachine.spec.disks[].type":                    diskTypes,
		"VirtualMachine.spec.disks[].storageClass":            never,
		"VirtualMachine.spec.disks[].scsi.controllerType":     virtioSCSI,
		"VirtualMachine.spec.disks[].scsi.sharedBus":          unshared,
		"VirtualMachine.spec.networks[]":                      nil,
		"VirtualMachine.spec.networks[].networkRef.namespace": nil,

		"VMClass.spec.cpu":                                            nil,
		"VMClass.spec.memory":                                         nil,
		"VMClass.spec.firmware":                                       nil,
		"VMClass.spec.diskDefaults.size":                              nil,
		"VMClass.spec.diskDefaults.type":                              rootType,
		"VMClass.spec.performanceProfile.cpuHotAddEnabled":            nil,
		"VMClass.spec.performanceProfile.nestedVirtualization":        nil,
		"VMClass.spec.performanceProfile.memoryHotAddEnabled":         func(vm *manifest.VM) bool { return !vm.MemHotAdd },
		"VMClass.spec.performanceProfile.virtualizationBasedSecurity": func(vm *manifest.VM) bool { return !vm.VBS },
		"VMClass.spec.securityProfile.secureBoot":                     nil,
		"VMClass.spec.securityProfile.tpmEnabled":                     nil,
		"VMClass.spec.securityProfile.vtdEnabled":                     nil,

		"VMImage.spec.source.libvirt":              nil,
		"VMImage.spec.source.libvirt.url":          never,
		"VMImage.spec.source.libvirt.checksum":     never,
		"VMImage.spec.source.libvirt.checksumType": never,
		"VMImage.spec.source.vsphere":              nil,
		"VMImage.spec.source.proxmox":              nil,
		"VMImage.spec.distribution":                nil, // says what it is, asks for nothing
		"VMImage.spec.metadata":                    nil, // likewise

		"VMNetworkAttachment.spec.network.libvirt.networkName": nil,
		"VMNetworkAttachment.spec.network.libvirt.bridge.name": nil,
		"VMNetworkAttachment.spec.network.libvirt.model":       nil,
		"VMNetworkAttachment.spec.network.mtu":                 nil,
		"VMNetworkAttachment.spec.network.vsphere":             nil,
		"VMNetworkAttachment.spec.network.proxmox":             nil,
		"VMNetworkAttachment.spec.metadata":                    nil,
	}
}

// honours returns the function that looks a path up. The table is made once
// for it: it is asked for every path of every VM.
func honours() func(path string, vm *manifest.VM) bool {
	table := honoured()
	return func(path string, vm *manifest.VM) bool {
		for at := path; at != ""; at = parent(at) {
			if cond, ok := table[at]; ok {
				return cond == nil || cond(vm)
			}
		}
		return false
	}
}

// parent returns the path one step up: "a.b[]" is above "a.b[].c", and "a.b"
// above "a.b[]".
func parent(path string) string {
	if s, ok := strings.CutSuffix(path, "[]"); ok {
		return s
	}
	up, _, _ := cutLast(path, ".")
	if up == path {
		return ""
	}
	return up
}

// diskTypes tells whether every disk's type is one that makes a difference
// here. What a disk spins on is the pool's matter.
func diskTypes(vm *manifest.VM) bool {
	for _, d := range vm.Disks {
		if !provisioning(d.Type) {
			return false
		}
	}
	return true
}

func rootType(vm *manifest.VM) bool { return provisioning(vm.RootDisk.Type) }

func provisioning(kind string) bool {
	switch kind {
	case "", "thin", "thick", "eagerzeroedthick":
		return true
	}
	return false
}
