package providers

// Field names one comparable property of a VM. Names in brackets are filled
// in by the plan: "disks[data].size".
type Field string

// The fields that a plan compares.
const (
	FieldExists     Field = "exists"
	FieldPower      Field = "power"
	FieldName       Field = "name" // under which the hypervisor knows the VM
	FieldCPU        Field = "cpu"
	FieldMemory     Field = "memory"
	FieldFirmware   Field = "firmware"
	FieldDisk       Field = "disks[]"
	FieldDiskSize   Field = "disks[].size"
	FieldNIC        Field = "nics[]"
	FieldNICNetwork Field = "nics[].network"
	FieldNICModel   Field = "nics[].model"
	FieldNICMAC     Field = "nics[].mac"
	FieldTags       Field = "tags"
	FieldAutostart  Field = "autostart"
	FieldImage      Field = "image"
	FieldCloudInit  Field = "cloudInit"
	FieldRetired    Field = "retired"
)

// Ability is how a provider can change a field of a VM that exists.
type Ability string

// The abilities. LiveInHeadroom is Live up to Hardware.CPUMax or MemoryMaxMiB
// for growth, and Restart beyond it or for shrinking.
const (
	Live           Ability = "live"
	LiveInHeadroom Ability = "live-in-headroom"
	Restart        Ability = "restart"
	Replace        Ability = "replace" // only by making the VM anew
	Never          Ability = "never"   // not comparable or not changeable here
	// Uncompared takes a field, or all whose name begins alike, out of a kind
	// that is compared: a key of extraConfig that speaks to another provider.
	Uncompared Ability = "uncompared"
)

// Capabilities is what a provider states about itself, all of it plain data.
// The zero value states nothing.
type Capabilities struct {
	// Change says how each field of an existing VM can be changed. A field
	// that is not in it is neither observed nor compared.
	Change map[Field]Ability `json:"change,omitempty"`
	// MemoryShrinksLive is true if a running guest's memory can be taken back.
	MemoryShrinksLive bool `json:"memoryShrinksLive,omitempty"`
	// Concurrency is how many calls the endpoint bears at once.
	Concurrency int `json:"concurrency,omitempty"`
	// NIC says how NIC.Network and NIC.Model are reported.
	NIC NICNames `json:"nic,omitzero"`
	// Honours says what this provider does about each field of a manifest.
	// What is declared and not honoured is named in a warning.
	Honours Honours `json:"honours,omitempty"`
}
