package manifest

// VMSnapshot asks for a snapshot of a VM. It is validated and not acted on yet.
type VMSnapshot struct {
	Object
	Spec VMSnapshotSpec `json:"spec" check:"required"`
}

// VMSnapshotSpec is what a VMSnapshot says.
type VMSnapshotSpec struct {
	VMRef           LocalRef           `json:"vmRef" check:"required" doc:"The VM, in the same namespace."`
	SnapshotConfig  *SnapshotConfig    `json:"snapshotConfig"`
	RetentionPolicy *SnapshotRetention `json:"retentionPolicy"`
	Schedule        *SnapshotSchedule  `json:"schedule"`
	Metadata        *SnapshotMetadata  `json:"metadata"`
}

// SnapshotConfig is how a snapshot is taken.
type SnapshotConfig struct {
	Name             string              `json:"name" check:"len=..255,pattern=snapshotName"`
	Description      string              `json:"description" check:"len=..1024"`
	IncludeMemory    bool                `json:"includeMemory" check:"default=false"`
	Quiesce          bool                `json:"quiesce" check:"default=true"`
	Type             string              `json:"type" check:"enum=Standard|Crash|Application,default=Standard"`
	Compression      bool                `json:"compression" check:"default=false"`
	ConsistencyLevel string              `json:"consistencyLevel" check:"enum=CrashConsistent|FilesystemConsistent|ApplicationConsistent,default=FilesystemConsistent"`
	Encryption       *SnapshotEncryption `json:"encryption"`
}

// SnapshotEncryption asks for an encrypted snapshot.
type SnapshotEncryption struct {
	Enabled     bool      `json:"enabled" check:"default=false"`
	KeyProvider string    `json:"keyProvider" check:"enum=standard|hardware|external"`
	KeyRef      *LocalRef `json:"keyRef"`
}

// SnapshotRetention is how long snapshots are kept. The API types maxAge as a
// plain string, and "30d" stands in the wild, so a bad one is only warned of.
type SnapshotRetention struct {
	MaxAge           Duration `json:"maxAge" check:"durationWarn"`
	MaxCount         int32    `json:"maxCount" check:"range=1..100"`
	DeleteOnVMDelete bool     `json:"deleteOnVMDelete" check:"default=true"`
	PreservePinned   bool     `json:"preservePinned" check:"default=true"`
	GracePeriod      Duration `json:"gracePeriod" check:"default=24h,duration"`
}

// SnapshotSchedule is when snapshots are taken.
type SnapshotSchedule struct {
	Enabled                    bool   `json:"enabled" check:"default=false"`
	CronSpec                   string `json:"cronSpec" check:"pattern=cron"`
	Timezone                   string `json:"timezone" check:"default=UTC"`
	Suspend                    bool   `json:"suspend" check:"default=false"`
	ConcurrencyPolicy          string `json:"concurrencyPolicy" check:"enum=Allow|Forbid|Replace,default=Forbid"`
	SuccessfulJobsHistoryLimit int32  `json:"successfulJobsHistoryLimit" check:"range=0..100,default=3"`
	FailedJobsHistoryLimit     int32  `json:"failedJobsHistoryLimit" check:"range=0..100,default=1"`
}

// SnapshotMetadata describes a snapshot to people.
type SnapshotMetadata struct {
	Purpose     string            `json:"purpose" check:"enum=backup|testing|migration|restore-point|update|other"`
	Environment string            `json:"environment" check:"enum=dev|staging|prod|test|qa|uat"`
	Application string            `json:"application" check:"len=..255"`
	Pinned      bool              `json:"pinned" check:"default=false"`
	Tags        map[string]string `json:"tags" check:"items=..50"`
}
