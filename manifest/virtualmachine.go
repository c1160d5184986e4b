package manifest

import "github.com/vmsteward/vmsteward/internal/secret"

// VirtualMachine is one wanted machine.
type VirtualMachine struct {
	Object
	Spec VirtualMachineSpec `json:"spec" check:"required" doc:"The wanted machine."`
}

// VirtualMachineSpec is what a VirtualMachine asks for.
type VirtualMachineSpec struct {
	ProviderRef  Ref           `json:"providerRef" check:"required" doc:"The hypervisor connection that runs this VM."`
	ClassRef     Ref           `json:"classRef" check:"required" doc:"The VMClass that sizes this VM."`
	ImageRef     *Ref          `json:"imageRef" doc:"The VMImage to boot from; exactly one of imageRef and importedDisk is written."`
	ImportedDisk *ImportedBoot `json:"importedDisk" doc:"An existing disk to boot from, in place of imageRef."`
	Networks     []NetworkRef  `json:"networks" check:"items=..10" doc:"Network interfaces, in order."`
	Disks        []DiskSpec    `json:"disks" check:"items=..20" doc:"Disks beside the root disk."`
	UserData     *UserData     `json:"userData" doc:"First-boot data for the guest."`
	MetaData     *MetaData     `json:"metaData" doc:"Instance metadata for cloud-init."`
	Placement    *PlacementRef `json:"placement" doc:"Where the VM lives, in the hypervisor's own names."`
	PowerState   PowerState    `json:"powerState" check:"enum=On|Off|OffGraceful" doc:"Wanted power state; On when absent."`
	Tags         []string      `json:"tags" check:"items=..50" doc:"Tags on the hypervisor."`
	Resources    *Resources    `json:"resources" doc:"Overrides of the class for this VM."`
	PlacementRef *LocalRef     `json:"placementRef" doc:"Name of a VMPlacementPolicy."`
	Snapshot     *RevertSpec   `json:"snapshot"`
	Lifecycle    *Lifecycle    `json:"lifecycle" doc:"How the VM is started and stopped."`
}

// ImportedBoot is an existing disk to boot from.
type ImportedBoot struct {
	DiskID       string    `json:"diskID" check:"required,len=1..253" doc:"Identity of the existing disk."`
	Path         string    `json:"path" doc:"Path of the disk on the hypervisor."`
	Format       string    `json:"format" check:"enum=qcow2|vmdk|raw|vdi|vhdx,default=qcow2" doc:"Format of the disk."`
	Source       string    `json:"source" check:"enum=migration|clone|import|snapshot|manual"`
	SizeGiB      int32     `json:"sizeGiB" check:"range=1.." doc:"Expected size in GiB."`
	MigrationRef *LocalRef `json:"migrationRef"`
}

// NetworkRef is one network interface as written.
type NetworkRef struct {
	Name       string `json:"name" check:"required,len=..63,pattern=dnsLabel" doc:"Label of the interface, unique in the VM."`
	NetworkRef *Ref   `json:"networkRef" doc:"The VMNetworkAttachment to plug into; the template's own interface is kept when absent."`
	IPAddress  string `json:"ipAddress" check:"pattern=ipv4" doc:"Static IPv4 address."`
	Prefix     int32  `json:"prefix" check:"range=1..32" doc:"Prefix length of ipAddress."`
	Gateway    string `json:"gateway" check:"pattern=ipv4" doc:"Default gateway."`
	DNS        string `json:"dns" doc:"Name servers, separated by commas."`
	MACAddress string `json:"macAddress" check:"pattern=mac" doc:"Hardware address; the provider chooses one when absent."`
}

// DiskSpec is one disk beside the root disk, as written.
type DiskSpec struct {
	Name         string    `json:"name" check:"required,len=..63,pattern=dnsLabel" doc:"Identity of the disk, unique in the VM."`
	SizeGiB      int32     `json:"sizeGiB" check:"required,range=1..65536" doc:"Size in GiB; a disk can grow but not shrink."`
	Type         string    `json:"type" check:"enum=thin|thick|eagerzeroedthick|ssd|hdd,default=thin" doc:"How the space is provisioned."`
	ExpandPolicy string    `json:"expandPolicy" check:"enum=Online|Offline,default=Offline" doc:"Whether the disk may grow while the VM runs."`
	StorageClass string    `json:"storageClass" doc:"Storage to put the disk on."`
	SCSI         *SCSISpec `json:"scsi" doc:"Place on a SCSI controller."`
}

// SCSISpec places a disk on a SCSI controller, as written.
type SCSISpec struct {
	Controller     *int32 `json:"controller" check:"range=0..3" doc:"Bus number of the controller."`
	ControllerType string `json:"controllerType" check:"enum=lsilogic|buslogic|lsilogic-sas|pvscsi,default=pvscsi" doc:"Model of the controller."`
	SharedBus      string `json:"sharedBus" check:"enum=noSharing|virtualSharing|physicalSharing,default=noSharing" doc:"Sharing of the bus between VMs."`
}

// UserData is the first-boot data as written.
type UserData struct {
	CloudInit *TextSource `json:"cloudInit" doc:"Data for cloud-init."`
	Ignition  *TextSource `json:"ignition" doc:"Data for Ignition."`
}

// MetaData is the instance metadata as written.
type MetaData struct {
	CloudInit *TextSource `json:"cloudInit" doc:"Instance metadata for cloud-init, as YAML."`
}

// TextSource is a text from the manifest, from a Secret, or both.
type TextSource struct {
	Inline    secret.Text `json:"inline" doc:"The text itself."`
	SecretRef *LocalRef   `json:"secretRef" doc:"Secret in the same namespace that holds the text."`
}

// PlacementRef is where the VM should live, as written.
type PlacementRef struct {
	Cluster      string `json:"cluster" doc:"Compute cluster."`
	Host         string `json:"host" doc:"Host."`
	ResourcePool string `json:"resourcePool" doc:"Resource pool."`
	Folder       string `json:"folder" doc:"VM folder."`
	Datastore    string `json:"datastore" doc:"Datastore or storage pool; wins over storagePod."`
	StoragePod   string `json:"storagePod" doc:"Datastore cluster."`
}

// Resources are the overrides of the class.
type Resources struct {
	CPU       int32 `json:"cpu" check:"range=1..128" doc:"Virtual CPUs, in place of the class's."`
	MemoryMiB int64 `json:"memoryMiB" check:"range=128..1048576" doc:"Memory in MiB, in place of the class's."`
	GPU       *GPU  `json:"gpu"`
}

// GPU asks for graphics processors.
type GPU struct {
	Count  int32  `json:"count" check:"required,range=1..8"`
	Type   string `json:"type" check:"pattern=word"`
	Memory int64  `json:"memory" check:"range=512.."` // MiB
}

// RevertSpec names a snapshot to go back to.
type RevertSpec struct {
	RevertToRef *LocalRef `json:"revertToRef"`
}

// Lifecycle is how a VM is started and stopped.
type Lifecycle struct {
	GracefulShutdownTimeout Duration `json:"gracefulShutdownTimeout" check:"default=60s,duration" doc:"How long the guest may take to shut down."`
	PostStart               *Hook    `json:"postStart"`
	PreStop                 *Hook    `json:"preStop"`
}

// Hook is something to do at a turn of the VM's life.
type Hook struct {
	Exec     *ExecHook     `json:"exec"`
	HTTPGet  *HTTPGetHook  `json:"httpGet"`
	Snapshot *SnapshotHook `json:"snapshot"`
}

// ExecHook runs a command in the guest.
type ExecHook struct {
	Command []string `json:"command" check:"required,items=1.."`
}

// HTTPGetHook calls an HTTP server.
type HTTPGetHook struct {
	Host   string `json:"host"`
	Path   string `json:"path"`
	Port   int32  `json:"port" check:"required,range=1..65535"`
	Scheme string `json:"scheme" check:"enum=HTTP|HTTPS,default=HTTP"`
}

// SnapshotHook takes a snapshot.
type SnapshotHook struct {
	Name          string `json:"name" check:"required"`
	IncludeMemory bool   `json:"includeMemory"`
	Description   string `json:"description"`
}
