package manifest

// VMClass is a size and a set of machine features that VMs share.
type VMClass struct {
	Object
	Spec VMClassSpec `json:"spec" check:"required" doc:"The size and the features."`
}

// VMClassSpec is what a VMClass says.
type VMClassSpec struct {
	CPU                int32               `json:"cpu" check:"required,range=1..128" doc:"Virtual CPUs."`
	Memory             Quantity            `json:"memory" check:"required" doc:"Memory, such as 4Gi."`
	Firmware           string              `json:"firmware" check:"enum=BIOS|UEFI|EFI,default=BIOS" doc:"What the machine boots with; EFI is UEFI."`
	DiskDefaults       *DiskDefaults       `json:"diskDefaults" doc:"Shape of the root disk."`
	GuestToolsPolicy   string              `json:"guestToolsPolicy" check:"enum=install|skip|upgrade|uninstall,default=install"`
	ExtraConfig        map[string]string   `json:"extraConfig" check:"items=..50" doc:"Settings for one hypervisor, such as autostart or vsphere.hardwareVersion."`
	ResourceLimits     *ResourceLimits     `json:"resourceLimits" doc:"Limits, reservations and shares."`
	PerformanceProfile *PerformanceProfile `json:"performanceProfile" doc:"Performance features."`
	SecurityProfile    *SecurityProfile    `json:"securityProfile" doc:"Security features."`
}

// DiskDefaults is the shape of the root disk.
type DiskDefaults struct {
	Size         Quantity `json:"size" check:"default=40Gi" doc:"Size of the root disk, whole GiB."`
	Type         string   `json:"type" check:"enum=thin|thick|eagerzeroedthick|ssd|hdd|nvme,default=thin" doc:"How the space is provisioned."`
	IOPS         int32    `json:"iops" check:"range=100..100000"`
	StorageClass string   `json:"storageClass" check:"len=..253"`
}

// ResourceLimits are resource controls as written.
type ResourceLimits struct {
	CPULimit          *int32    `json:"cpuLimit" check:"range=100..100000" doc:"Most CPU, in MHz."`
	CPUReservation    *int32    `json:"cpuReservation" check:"range=0..100000" doc:"Guaranteed CPU, in MHz."`
	CPUShares         *int32    `json:"cpuShares" check:"range=1..1000000" doc:"Weight against other VMs."`
	MemoryLimit       *Quantity `json:"memoryLimit" doc:"Most memory."`
	MemoryReservation *Quantity `json:"memoryReservation" doc:"Guaranteed memory."`
}

// PerformanceProfile is the performance features of a class.
type PerformanceProfile struct {
	CPUHotAddEnabled            bool   `json:"cpuHotAddEnabled" check:"default=false" doc:"CPUs can be added while the VM runs."`
	MemoryHotAddEnabled         bool   `json:"memoryHotAddEnabled" check:"default=false" doc:"Memory can be added while the VM runs."`
	NestedVirtualization        bool   `json:"nestedVirtualization" check:"default=false" doc:"The guest can run VMs itself."`
	VirtualizationBasedSecurity bool   `json:"virtualizationBasedSecurity" check:"default=false" doc:"Virtualization-based security of Windows."`
	LatencySensitivity          string `json:"latencySensitivity" check:"enum=low|normal|high,default=normal"`
	HyperThreadingPolicy        string `json:"hyperThreadingPolicy" check:"enum=auto|prefer|avoid|require,default=auto"`
}

// SecurityProfile is the security features of a class.
type SecurityProfile struct {
	SecureBoot       bool              `json:"secureBoot" check:"default=false" doc:"Only signed boot code runs; needs UEFI."`
	TPMEnabled       bool              `json:"tpmEnabled" check:"default=false" doc:"The machine has a virtual TPM."`
	TPMVersion       TPMVersion        `json:"tpmVersion" check:"enum=1.2|2.0" doc:"Version of the TPM."`
	VTdEnabled       bool              `json:"vtdEnabled" check:"default=false" doc:"The machine has a virtual IOMMU."`
	EncryptionPolicy *EncryptionPolicy `json:"encryptionPolicy"`
}

// EncryptionPolicy asks for an encrypted VM.
type EncryptionPolicy struct {
	Enabled           bool   `json:"enabled" check:"default=false"`
	KeyProvider       string `json:"keyProvider" check:"enum=standard|hardware|external"`
	RequireEncryption bool   `json:"requireEncryption" check:"default=false"`
}
