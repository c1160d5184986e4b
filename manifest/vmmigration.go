package manifest

// VMMigration moves a VM between two providers. It is validated and not acted
// on yet.
type VMMigration struct {
	Object
	Spec VMMigrationSpec `json:"spec" check:"required"`
}

// VMMigrationSpec is what a VMMigration says.
type VMMigrationSpec struct {
	Source   MigrationSource    `json:"source" check:"required"`
	Target   MigrationTarget    `json:"target" check:"required"`
	Options  *MigrationOptions  `json:"options"`
	Storage  *MigrationStorage  `json:"storage"`
	Metadata *MigrationMetadata `json:"metadata"`
}

// MigrationSource is the VM that moves.
type MigrationSource struct {
	VMRef                   LocalRef  `json:"vmRef" check:"required"`
	ProviderRef             *Ref      `json:"providerRef"`
	SnapshotRef             *LocalRef `json:"snapshotRef"`
	CreateSnapshot          bool      `json:"createSnapshot" check:"default=true"`
	PowerOffBeforeMigration bool      `json:"powerOffBeforeMigration" check:"default=false"`
	DeleteAfterMigration    bool      `json:"deleteAfterMigration" check:"default=false"`
}

// MigrationTarget is what the VM becomes.
type MigrationTarget struct {
	Name         string            `json:"name" check:"required,len=..253,pattern=dnsLabel"`
	Namespace    string            `json:"namespace" check:"len=..63,pattern=dnsLabel"`
	ProviderRef  Ref               `json:"providerRef" check:"required"`
	ClassRef     *LocalRef         `json:"classRef"`
	ImageRef     *LocalRef         `json:"imageRef"`
	PlacementRef *LocalRef         `json:"placementRef"`
	Networks     []NetworkRef      `json:"networks" check:"items=..10"`
	Disks        []DiskSpec        `json:"disks" check:"items=..20"`
	Labels       map[string]string `json:"labels" check:"items=..50"`
	Annotations  map[string]string `json:"annotations" check:"items=..50"`
	PowerOn      bool              `json:"powerOn" check:"default=false"`
}

// MigrationOptions is how the VM moves.
type MigrationOptions struct {
	DiskFormat       string           `json:"diskFormat" check:"enum=qcow2|vmdk|raw"`
	Compress         bool             `json:"compress" check:"default=false"`
	VerifyChecksums  bool             `json:"verifyChecksums" check:"default=true"`
	Timeout          Duration         `json:"timeout" check:"default=4h,duration"`
	RetryPolicy      *MigrationRetry  `json:"retryPolicy"`
	CleanupPolicy    string           `json:"cleanupPolicy" check:"enum=Always|OnSuccess|Never,default=OnSuccess"`
	ValidationChecks *MigrationChecks `json:"validationChecks"`
}

// MigrationRetry is how often moving is tried again.
type MigrationRetry struct {
	MaxRetries        int32    `json:"maxRetries" check:"range=0..10,default=3"`
	RetryDelay        Duration `json:"retryDelay" check:"default=5m,duration"`
	BackoffMultiplier int32    `json:"backoffMultiplier" check:"range=1..10,default=2"`
}

// MigrationChecks is what is looked at after moving.
type MigrationChecks struct {
	CheckDiskSize     bool `json:"checkDiskSize" check:"default=true"`
	CheckChecksum     bool `json:"checkChecksum" check:"default=true"`
	CheckBoot         bool `json:"checkBoot" check:"default=false"`
	CheckConnectivity bool `json:"checkConnectivity" check:"default=false"`
}

// MigrationStorage is where the disk waits between the two hypervisors.
type MigrationStorage struct {
	Type         string      `json:"type" check:"enum=pvc|nfs|s3,default=pvc"`
	TransferMode string      `json:"transferMode" check:"enum=auto|relay|direct,default=auto"`
	PVC          *PVCStorage `json:"pvc"`
	NFS          *NFSStorage `json:"nfs"`
	S3           *S3Storage  `json:"s3"`
}

// PVCStorage is a Kubernetes volume.
type PVCStorage struct {
	Name             string `json:"name"`
	StorageClassName string `json:"storageClassName"`
	Size             string `json:"size" check:"pattern=volumeSize"`
	AccessMode       string `json:"accessMode" check:"enum=ReadWriteOnce|ReadWriteMany|ReadOnlyMany,default=ReadWriteMany"`
	MountPath        string `json:"mountPath" check:"default=/mnt/migration-storage"`
}

// NFSStorage is an NFS export.
type NFSStorage struct {
	Server   string `json:"server" check:"required,len=..253"`
	Export   string `json:"export" check:"required,len=..4096"`
	Path     string `json:"path" check:"len=..4096"`
	ReadOnly bool   `json:"readOnly" check:"default=false"`
	UID      *int64 `json:"uid" check:"range=0..4294967295"`
	GID      *int64 `json:"gid" check:"range=0..4294967295"`
}

// S3Storage is a bucket.
type S3Storage struct {
	Bucket               string `json:"bucket" check:"required"`
	Region               string `json:"region"`
	Endpoint             string `json:"endpoint" check:"len=..263"`
	Prefix               string `json:"prefix"`
	UsePathStyle         bool   `json:"usePathStyle" check:"default=false"`
	CredentialsSecretRef Ref    `json:"credentialsSecretRef" check:"required"`
}

// MigrationMetadata describes a migration to people.
type MigrationMetadata struct {
	Purpose     string            `json:"purpose" check:"enum=disaster-recovery|cloud-migration|provider-change|testing|maintenance"`
	CreatedBy   string            `json:"createdBy" check:"len=..255"`
	Project     string            `json:"project" check:"len=..255"`
	Environment string            `json:"environment" check:"enum=dev|staging|prod|test|qa|uat"`
	Tags        map[string]string `json:"tags" check:"items=..50"`
}
