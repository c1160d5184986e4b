package seed

// The texts are JSON of structs without tags: keys are the capitalised names
// of the fields, and every field is written, empty ones too.

// Class is class_json of a creation.
type Class struct {
	CPU                int32
	MemoryMiB          int32
	Firmware           string
	DiskDefaults       *DiskDefaults
	GuestToolsPolicy   string
	ExtraConfig        map[string]string
	PerformanceProfile *PerformanceProfile
	SecurityProfile    *SecurityProfile
	ResourceLimits     *ResourceLimits
}

// DiskDefaults is the root disk.
type DiskDefaults struct {
	Type    string
	SizeGiB int32
}

// PerformanceProfile is the performance features of a class.
type PerformanceProfile struct {
	LatencySensitivity          string
	CPUHotAddEnabled            bool
	MemoryHotAddEnabled         bool
	VirtualizationBasedSecurity bool
	NestedVirtualization        bool
	HyperThreadingPolicy        string
}

// SecurityProfile is the security features of a class.
type SecurityProfile struct {
	SecureBoot        bool
	TPMEnabled        bool
	TPMVersion        string
	VTDEnabled        bool
	EncryptionEnabled bool
	KeyProvider       string
	RequireEncryption bool
}

// ResourceLimits are resource controls; nil: not limited. CPU is in MHz.
type ResourceLimits struct {
	CPULimit             *int32
	CPUReservation       *int32
	MemoryLimitMiB       *int32
	MemoryReservationMiB *int32
	CPUShares            *int32
}

// Image is image_json of a creation.
type Image struct {
	TemplateName string
	Path         string
	URL          string
	Format       string
	Checksum     string
	ChecksumType string

	// Imported is the id of a disk that is there already, at Path, and that the
	// VM boots from as it is. Our own server alone reads it.
	Imported string `json:",omitempty"`
}

// Network is one entry of networks_json. The servers of vSphere and libvirt
// read the capitalised keys, the one of Proxmox the others; each passes over
// what is not its own. An entry that is written holds both.
type Network struct {
	Name          string
	NetworkName   string
	Bridge        string
	VLAN          int32
	Model         string
	StaticIP      string
	Prefix        int32
	Gateway       string
	DNS           string // separated by commas
	PCISlotNumber *int32
	Portgroup     string
	MacAddress    string
	IPPolicy      string

	// A reader that takes keys in any case reads these into Name and VLAN: the
	// later key wins, so they stand last.
	LowerName     string        `json:"name,omitempty"` // the bridge, where there is one
	LowerVLAN     int32         `json:"vlan,omitempty"`
	LowerStaticIP *LowerAddress `json:"static_ip,omitempty"`
}

// LowerAddress is a fixed address in the other spelling.
type LowerAddress struct {
	Address string   `json:"address"` // with its prefix length: a.b.c.d/nn
	Gateway string   `json:"gateway,omitempty"`
	DNS     []string `json:"dns,omitempty"`
}

// Disk is one entry of disks_json.
type Disk struct {
	SizeGiB int32
	Type    string
	Name    string
	SCSI    *SCSI `json:",omitempty"` // the server of vSphere alone reads it
}

// SCSI places a disk on a controller.
type SCSI struct {
	Controller     int32  `json:"controller"`
	SharedBus      string `json:"sharedBus"`
	ControllerType string `json:"controllerType"`
}

// Placement is placement_json of a creation.
type Placement struct {
	Datastore  string
	StoragePod string
	Cluster    string
	Folder     string
	Host       string
}

// Desired is desired_json of a reconfiguration: the whole request of a
// creation once more.
type Desired struct {
	Name      string
	Class     *Class
	Image     *Image
	Networks  []Network
	Disks     []Disk
	UserData  unread
	MetaData  unread
	Placement *Placement
	Tags      []string
}

// unread is what a text may say and nobody looks at, because it is secret.
type unread struct{}

// UnmarshalJSON implements json.Unmarshaler.
func (*unread) UnmarshalJSON([]byte) error { return nil }

// MarshalJSON implements json.Marshaler.
func (unread) MarshalJSON() ([]byte, error) { return []byte("null"), nil }
