package manifest

import (
	"fmt"
	"strings"
	"time"

	"github.com/vmsteward/vmsteward/internal/secret"
)

// Key names one object: its namespace and its name.
type Key struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// String returns "namespace/name", and the name alone where there is no
// namespace.
func (k Key) String() string {
	if k.Namespace == "" {
		return k.Name
	}
	return k.Namespace + "/" + k.Name
}

// MarshalText lets a Key be the key of a JSON object.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what String writes, the empty text of the zero Key too.
func (k *Key) UnmarshalText(b []byte) error {
	ns, name, ok := strings.Cut(string(b), "/")
	if !ok {
		ns, name = "", ns
	}
	if name == "" && ns != "" {
		return fmt.Errorf("%q is not namespace/name", b)
	}
	k.Namespace, k.Name = ns, name
	return nil
}

// Compare orders keys by namespace, then name.
func (k Key) Compare(o Key) int {
	switch {
	case k == o:
		return 0
	case k.Namespace < o.Namespace || k.Namespace == o.Namespace && k.Name < o.Name:
		return -1
	}
	return 1
}

// Position is a place in a file of the snapshot. Line and Column count from 1;
// 0 means that the place is the whole file.
type Position struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// String returns "file:line:column", as editors and compilers write it.
func (p Position) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// VM is one VirtualMachine with everything it refers to folded in: class,
// image, networks, secrets, overrides and defaults. It is what a plan compares
// and what a provider receives. It is read-only once resolved.
type VM struct {
	Key         Key
	At          Position // where the VirtualMachine document begins
	Labels      map[string]string
	Annotations map[string]string
	Provider    Key

	CPU       int   // virtual CPUs
	MemoryMiB int64 // MiB
	CPUHotAdd bool  // head-room for adding CPUs to a running guest is wanted
	MemHotAdd bool

	Power    Power
	Shutdown Shutdown

	Firmware    Firmware
	SecureBoot  bool
	TPM         bool
	VTd         bool
	VBS         bool
	NestedVirt  bool
	ExtraConfig map[string]string // VMClass.spec.extraConfig

	Image     *Image        // boot template; nil when Imported is set
	Imported  *ImportedDisk // existing boot disk; nil when Image is set
	RootDisk  RootDisk
	Disks     []Disk // in the manifest's order; names are unique
	NICs      []NIC  // in the manifest's order; names are unique
	CloudInit CloudInit
	Placement Placement
	Limits    Limits
	Tags      []string // sorted, without duplicates
	Autostart *bool    // nil: the manifest does not say

	// Declared holds the path of every field that a document behind this VM
	// sets explicitly, such as "VirtualMachine.spec.disks[].expandPolicy" or
	// "VMClass.spec.firmware", sorted, without duplicates. Defaults are not in
	// it. It is what "not honoured by this provider" is computed from. The
	// paths are those of Fields: objects are not in it for themselves, and a
	// list of texts or a map is one field.
	Declared []string

	// Digest is a canonical hash of everything above except At and Provider's
	// own settings: two VMs with the same digest want the same machine.
	Digest string
}

// Power is a state that a VM can be in and stay in. OffGraceful of the
// manifest is PowerOff together with Shutdown.Graceful.
type Power string

// The wanted power states.
const (
	PowerOn  Power = "On"
	PowerOff Power = "Off"
)

// Shutdown says how PowerOff is reached from PowerOn.
type Shutdown struct {
	Graceful bool          // ask the guest first
	Timeout  time.Duration // how long the guest may take; 60 s unless the manifest says
}

// Firmware is what the machine boots with.
type Firmware string

// The firmwares. EFI of the manifest is UEFI.
const (
	FirmwareBIOS Firmware = "BIOS"
	FirmwareUEFI Firmware = "UEFI"
)

// Image is a VMImage as resolved: every source block that it has. A provider
// reads the one that is its own.
type Image struct {
	Key       Key
	Libvirt   *LibvirtImage
	VSphere   *VSphereImage
	Proxmox   *ProxmoxImage
	HTTP      *HTTPImage
	OnMissing string // Import, Fail or Wait
	Digest    string // canonical hash of the sources
}

// LibvirtImage names a disk image for libvirt: a file on the hypervisor host
// (which may be a volume of a pool), or a URL to fetch it from.
type LibvirtImage struct {
	Path         string
	URL          string
	Format       string // qcow2, raw, …
	Pool         string // storage pool; empty: the provider's choice
	Checksum     string
	ChecksumType string
}

// VSphereImage names a template, an OVA or a content library item.
type VSphereImage struct {
	Template       string
	OVAURL         string
	Checksum       string
	ChecksumType   string
	Library        string
	LibraryItem    string
	LibraryVersion string
}

// ProxmoxImage names a template on Proxmox VE: by its number, or else by its
// name.
type ProxmoxImage struct {
	TemplateID int // 0: the manifest does not say
	Template   string
	Storage    string
}

// HTTPImage is an image at a URL.
type HTTPImage struct {
	URL          string
	Checksum     string
	ChecksumType string
}

// ImportedDisk is an existing disk to boot from.
type ImportedDisk struct {
	ID      string
	Path    string
	Format  string
	SizeGiB int
}

// RootDisk is the boot disk's wanted shape.
type RootDisk struct {
	SizeGiB int    // 0: as large as the image
	Type    string // thin, thick, …; empty: the manifest does not say
}

// Disk is one disk beside the root disk.
type Disk struct {
	Name         string
	SizeGiB      int
	Type         string // thin, thick, eagerzeroedthick, ssd, hdd
	ExpandOnline bool
	StorageClass string
	SCSI         *SCSI
}

// SCSI places a disk on a SCSI controller.
type SCSI struct {
	Controller     int
	ControllerType string
	SharedBus      string
}

// NIC is one network interface.
type NIC struct {
	Name    string
	Network *Network // nil: the template's own interface is kept
	MAC     string   // lower case, colons; empty: the provider's choice, kept for good
	Static  *StaticAddress
}

// StaticAddress is an IPv4 configuration for the guest.
type StaticAddress struct {
	Address string // dotted quad
	Prefix  int    // 1..32
	Gateway string
	DNS     []string
	Search  []string
	Routes  []Route
}

// Route is one static route of a guest.
type Route struct {
	Destination string // CIDR
	Gateway     string
	Metric      int
}

// Network is a VMNetworkAttachment as resolved. A provider reads the block
// that is its own.
type Network struct {
	Key     Key
	Libvirt *LibvirtNetwork
	VSphere *VSphereNetwork
	Proxmox *ProxmoxNetwork
	MTU     int // 0: the manifest does not say
}

// LibvirtNetwork is where a NIC is plugged in on a libvirt host. A bridge wins
// over a network name.
type LibvirtNetwork struct {
	Network string
	Bridge  string
	Model   string
}

// VSphereNetwork is where a NIC is plugged in on vSphere.
type VSphereNetwork struct {
	Portgroup   string
	AdapterType string
	VLANID      int
	Switch      string
	PCISlot     int
}

// ProxmoxNetwork is where a NIC is plugged in on Proxmox VE.
type ProxmoxNetwork struct {
	Bridge  string
	Model   string
	VLANTag int // 0: none
}

// CloudInit is the first-boot data. Empty texts mean that the manifest has none.
type CloudInit struct {
	UserData secret.Text
	MetaData secret.Text
	Ignition secret.Text
	Digest   string // canonical hash of the texts; empty when there are none
}

// Empty tells whether the manifest declares no first-boot data at all.
func (c CloudInit) Empty() bool {
	return c.UserData.Empty() && c.MetaData.Empty() && c.Ignition.Empty()
}

// Placement is where the VM should live, in the hypervisor's own names.
type Placement struct {
	Cluster, Host, ResourcePool, Folder, Datastore, StoragePod string
}

// Limits are resource controls. Nil: the manifest does not say.
type Limits struct {
	CPULimitMHz, CPUReservationMHz, CPUShares *int
	MemoryLimitMiB, MemoryReservationMiB      *int64
}
