package providers

import (
	"encoding/json"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
)

// Opt is a fact that may be unknown, which is not the same as zero.
type Opt[T any] struct {
	Value T
	Known bool
}

// Known returns a fact.
func Known[T any](v T) Opt[T] { return Opt[T]{v, true} }

// MarshalJSON writes null for an unknown fact.
func (o Opt[T]) MarshalJSON() ([]byte, error) {
	if !o.Known {
		return []byte("null"), nil
	}
	return json.Marshal(o.Value)
}

// UnmarshalJSON reads null as unknown.
func (o *Opt[T]) UnmarshalJSON(b []byte) error {
	*o = Opt[T]{}
	if string(b) == "null" {
		return nil
	}
	o.Known = true
	return json.Unmarshal(b, &o.Value)
}

// Inventory is what one bulk read of an endpoint found.
type Inventory struct {
	VMs []VM // in no particular order
	// Complete is true only if every VM of the endpoint that could be ours was
	// read. When it is false, a VM that is missing here may well exist.
	Complete  bool
	Problems  []Problem  // what could not be read, and why
	Leftovers []Leftover // volumes of ours without a VM
}

// Problem is one thing that an inventory could not read.
type Problem struct {
	ID, Name string
	Err      error
}

// Leftover is storage that carries an owner of our fleet in its name while no
// VM with that owner exists and no VM whatever uses it.
type Leftover struct {
	ID    string `json:"id"` // the provider's own name of it
	Owner Owner  `json:"owner"`
}

// VM is one machine as the hypervisor describes it.
type VM struct {
	ID    string
	Name  string
	Mark  *Mark // nil: it carries no mark of any fleet
	Power PowerState

	// Config is the definition that the next start uses. Running is the
	// machine that runs now; nil when none does, or when the hypervisor makes
	// no difference between the two.
	Config  Hardware
	Running *Hardware

	Autostart Opt[bool]
	Tags      Opt[[]string] // sorted
	Addresses []Address     // of the guest, as far as known
}

// PowerState is a state that a machine was found in.
type PowerState string

// The states. Suspended covers paused and saved to disk. Unknown is not Off.
const (
	On        PowerState = "On"
	Off       PowerState = "Off"
	Suspended PowerState = "Suspended"
	Unknown   PowerState = "Unknown"
)

// Hardware is the part of a VM that a manifest shapes.
type Hardware struct {
	CPU          Opt[int]
	CPUMax       Opt[int] // how far CPU can go without a restart
	MemoryMiB    Opt[int64]
	MemoryMaxMiB Opt[int64] // how far memory can go without a restart
	Firmware     Opt[manifest.Firmware]

	DisksKnown bool
	Disks      []Disk // the boot disk is named RootDiskName
	NICsKnown  bool
	NICs       []NIC

	// Traits are what WantedTraits names, as far as the provider sees them;
	// of extraConfig only the keys that were set for a manifest. Nil: the
	// provider reports none. Read-only: VMs may share one.
	Traits Traits
}

// Disk is one disk of a machine.
type Disk struct {
	Name string // the name we gave it; empty: not of our making
	// Origin says where it is, in the hypervisor's words, for people.
	Origin  string
	SizeGiB Opt[int]
	// SizeBytes is exact where SizeGiB rounds down.
	SizeBytes Opt[int64]
}

// NIC is one network interface of a machine.
type NIC struct {
	Name    string // the name we gave it; empty: not of our making
	Network string // network, bridge or port group, as the provider names it
	Model   string
	MAC     string // lower case, colons
}

// Address is one address of the guest.
type Address struct {
	NIC string `json:"nic,omitempty"` // name or MAC of the interface, if known
	IP  string `json:"ip"`
	Via string `json:"via,omitempty"` // lease, agent, arp, tools
}

// Mark is the proof of ownership that a VM carries in the hypervisor itself.
type Mark struct {
	Owner   Owner
	Retired time.Time // zero: in use
	// What the VM was created from, to see later that the manifest wants
	// something else.
	Image     string // Digest of the image
	CloudInit string // Digest of the first-boot data
	// MACs holds the address that each interface was given, by its name, so
	// that a changed one is seen although the manifest states none.
	MACs map[string]string
}
