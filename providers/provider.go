// Package providers is the contract between the reconciler and a hypervisor:
// the seven calls of the provider guide, the small optional interfaces beside
// them, the facts that a provider reports, and the kinds of its errors. It
// must not know any SDK, any plan, any retry. Every promise stated here is a
// test in providertest, which runs against every provider.
package providers

import (
	"context"
	"time"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
)

// Provider acts on one hypervisor endpoint.
//
// Every call is one attempt: a provider neither retries nor waits for long
// work, and returns by the context's deadline. Every call is idempotent, as
// said at each. Calls may come from many goroutines at once; calls for the
// same VM come one after another. A VM that does not carry the mark of the
// Ref's owner is never changed: the call returns an error of kind Conflict.
// Every error carries a Kind; context errors pass through unwrapped, except
// that a deadline may be a Timeout.
type Provider interface {
	// Validate tells whether the endpoint can be reached and used with the
	// configured credentials. It changes nothing.
	Validate(ctx context.Context) error

	// Create makes the VM, powered off, with its mark and its hardware in the
	// defining call, and returns its id. If a VM with the owner's mark exists,
	// its id is returned and nothing is changed. A VM of the same name or UUID
	// without that mark is a Conflict. Volumes left by an earlier attempt that
	// did not end are used, not duplicated.
	Create(ctx context.Context, req CreateRequest) (CreateResult, error)

	// Delete removes the VM, which must be powered off, and the disks that
	// were created with it, and no others. A VM that is not there is a success.
	Delete(ctx context.Context, ref Ref) (TaskRef, error)

	// Power brings the VM to a power state. A VM that is in it already is a
	// success. PowerShutdown starts a graceful shutdown and returns a task
	// that is complete when the VM is off.
	Power(ctx context.Context, ref Ref, op PowerOp) (TaskRef, error)

	// Reconfigure applies exactly the fields set in change, and nothing else.
	// Applied twice, the second time changes nothing.
	Reconfigure(ctx context.Context, ref Ref, change Change) (TaskRef, error)

	// Describe reports one VM as it is now. It changes nothing. A VM that is
	// not there is an error of kind NotFound; a VM that could not be read is
	// an error of another kind, never NotFound.
	Describe(ctx context.Context, ref Ref) (*VM, error)

	// IsTaskComplete reports whether long work has ended. A task that ended
	// badly returns true and its error. A TaskRef stays valid across restarts
	// of this process; one that the hypervisor no longer knows is complete,
	// and what it did is seen by Describe.
	IsTaskComplete(ctx context.Context, task TaskRef) (bool, error)
}

// Lister reads every VM of the endpoint at once, ours and others, in as few
// calls as the hypervisor allows. Without it, the reconciler describes the
// VMs that it knows, one by one.
type Lister interface {
	// List returns what the endpoint has. The answer is read-only: a provider
	// may share parts of it between calls.
	List(ctx context.Context) (*Inventory, error)
}

// Capable states what a provider observes, changes and honours. A provider
// without it is taken to support nothing beyond create, delete and power.
type Capable interface {
	// Capabilities returns what is known now. It makes no call: a provider
	// that asks its endpoint for it returns nil, or less, until the endpoint
	// was reached, and is asked again after each read. The answer is read-only
	// for both sides, and the pointer is the same for as long as the same is
	// stated: another means that everything is to be weighed anew.
	Capabilities() *Capabilities
}

// Sweeper removes what a creation that never ended has left behind.
type Sweeper interface {
	Sweep(ctx context.Context, left Leftover) error
}

// Progressor tells how far long work has come.
type Progressor interface {
	// TaskProgress returns how many percent of a task were done when
	// IsTaskComplete last looked at it. ok is false if nobody knows. It makes
	// no call.
	TaskProgress(task TaskRef) (percent int, ok bool)
}

// Closer releases connections. The provider is not used afterwards.
type Closer interface {
	Close() error
}

// Settings is what a factory builds a provider from: the Provider manifest of
// the host, with its credential opened.
type Settings struct {
	Key                manifest.Key
	Fleet              string // the fleet whose marks are ours
	Type               string // libvirt, vsphere, …
	Endpoint           string
	InsecureSkipVerify bool
	Defaults           Defaults
	Credentials        secret.Set
	ConnectTimeout     time.Duration
	MaxConnections     int
	Ledger             Ledger // nil: an endpoint without a place for marks cannot be used
}

// Defaults is where VMs go that do not say.
type Defaults struct {
	Cluster, Datastore, Folder, Network, ResourcePool, StoragePod string
}

// TaskRef names long work that goes on after the call: opaque to everybody
// but its provider, and stable across restarts. Empty: the work is done.
type TaskRef string

// Owner says whose VM it is.
type Owner struct {
	Fleet string       `json:"fleet"`
	VM    manifest.Key `json:"vm"`
}

// Ref names one VM of an endpoint together with the owner whose mark it must
// carry. ID may be empty: it is then looked up by the owner.
type Ref struct {
	ID    string
	Owner Owner
}

// CreateRequest asks for one VM.
type CreateRequest struct {
	Owner Owner
	VM    *manifest.VM // read-only
}

// CreateResult is what Create returns.
type CreateResult struct {
	ID   string
	Task TaskRef // empty when the VM is there already
}

// PowerOp is an act on the power state.
type PowerOp string

// The acts. PowerShutdown asks the guest; PowerStop pulls the plug;
// PowerReboot asks the guest to restart and needs it to run.
const (
	PowerStart    PowerOp = "start"
	PowerStop     PowerOp = "stop"
	PowerShutdown PowerOp = "shutdown"
	PowerReboot   PowerOp = "reboot"
)

// Change is a set of decided differences. A nil or empty field is left alone.
type Change struct {
	// Live applies the change to the running machine as well as to its
	// definition. Without it only the definition changes, which the next
	// start uses. For a VM that is off, the two are the same.
	Live bool `json:"live,omitempty"`

	Name       *string         `json:"name,omitempty"` // of a VM that is off
	CPU        *int            `json:"cpu,omitempty"`
	MemoryMiB  *int64          `json:"memoryMiB,omitempty"`
	AddDisks   []manifest.Disk `json:"addDisks,omitempty"`
	GrowDisks  []DiskSize      `json:"growDisks,omitempty"` // RootDiskName grows the root disk
	AddNICs    []manifest.NIC  `json:"addNICs,omitempty"`   // a NIC of this name that exists is replaced
	RemoveNICs []NICRef        `json:"removeNICs,omitempty"`
	// Traits are set and no others. An empty text takes a key of extraConfig
	// away. One that cannot be set is NotSupported, a text that the trait
	// cannot have InvalidSpec; the whole change is refused then.
	Traits    Traits    `json:"traits,omitempty"`
	Tags      *[]string `json:"tags,omitempty"`
	Autostart *bool     `json:"autostart,omitempty"`
	// Retired moves the mark between in use (the zero time) and retired since.
	Retired *time.Time `json:"retired,omitempty"`
}

// RootDiskName is the name of the boot disk wherever disks are named.
const RootDiskName = "root"

// DiskSize is a disk and the size it shall have.
type DiskSize struct {
	Name    string `json:"name"`
	SizeGiB int    `json:"sizeGiB"`
}

// NICRef names an interface that is there: by the name we gave it, or by its
// MAC address when it is not of our making.
type NICRef struct {
	Name string `json:"name,omitempty"`
	MAC  string `json:"mac,omitempty"`
}
