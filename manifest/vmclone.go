package manifest

import "github.com/vmsteward/vmsteward/internal/secret"

// VMClone asks for a copy of a VM. It is validated and not acted on yet.
type VMClone struct {
	Object
	Spec VMCloneSpec `json:"spec" check:"required"`
}

// VMCloneSpec is what a VMClone says.
type VMCloneSpec struct {
	Source        CloneSource         `json:"source" check:"required"`
	Target        CloneTarget         `json:"target" check:"required"`
	Options       *CloneOptions       `json:"options"`
	Customization *CloneCustomization `json:"customization"`
	Metadata      *CloneMetadata      `json:"metadata"`
}

// CloneSource is what is copied.
type CloneSource struct {
	VMRef       *LocalRef `json:"vmRef"`
	SnapshotRef *LocalRef `json:"snapshotRef"`
	TemplateRef *Ref      `json:"templateRef"`
	ImageRef    *Ref      `json:"imageRef"`
}

// CloneTarget is the copy.
type CloneTarget struct {
	Name         string            `json:"name" check:"required,len=..253,pattern=dnsLabel"`
	Namespace    string            `json:"namespace" check:"len=..63,pattern=dnsLabel"`
	ProviderRef  *Ref              `json:"providerRef"`
	ClassRef     *LocalRef         `json:"classRef"`
	PlacementRef *LocalRef         `json:"placementRef"`
	Networks     []NetworkRef      `json:"networks" check:"items=..10"`
	Disks        []DiskSpec        `json:"disks" check:"items=..20"`
	Labels       map[string]string `json:"labels" check:"items=..50"`
	Annotations  map[string]string `json:"annotations" check:"items=..50"`
}

// CloneOptions is how the copy is made.
type CloneOptions struct {
	Type             string            `json:"type" check:"enum=FullClone|LinkedClone|InstantClone,default=FullClone"`
	PowerOn          bool              `json:"powerOn" check:"default=false"`
	IncludeSnapshots bool              `json:"includeSnapshots" check:"default=false"`
	Parallel         bool              `json:"parallel" check:"default=false"`
	Timeout          Duration          `json:"timeout" check:"default=30m,duration"`
	RetryPolicy      *CloneRetry       `json:"retryPolicy"`
	Storage          *CloneStorage     `json:"storage"`
	Performance      *ClonePerformance `json:"performance"`
}

// CloneRetry is how often a copy is tried again.
type CloneRetry struct {
	MaxRetries        int32    `json:"maxRetries" check:"range=0..10,default=3"`
	RetryDelay        Duration `json:"retryDelay" check:"default=5m,duration"`
	BackoffMultiplier int32    `json:"backoffMultiplier" check:"default=2"`
}

// CloneStorage is where the copy is kept.
type CloneStorage struct {
	PreferThinProvisioning bool   `json:"preferThinProvisioning" check:"default=true"`
	DiskFormat             string `json:"diskFormat" check:"enum=thin|thick|eagerzeroedthick|ssd|hdd|nvme"`
	StorageClass           string `json:"storageClass" check:"len=..253"`
	Datastore              string `json:"datastore" check:"len=..255"`
	Folder                 string `json:"folder" check:"len=..255"`
	EnableCompression      bool   `json:"enableCompression" check:"default=false"`
}

// ClonePerformance limits the work of copying.
type ClonePerformance struct {
	Priority        string `json:"priority" check:"enum=Low|Normal|High,default=Normal"`
	IOThrottling    bool   `json:"ioThrottling" check:"default=false"`
	MaxIOPS         int32  `json:"maxIOPS" check:"range=100..100000"`
	ConcurrentDisks int32  `json:"concurrentDisks" check:"range=1..10,default=2"`
}

// CloneCustomization is what the guest changes about itself.
type CloneCustomization struct {
	Hostname      string             `json:"hostname" check:"len=..255,pattern=hostname"`
	Domain        string             `json:"domain" check:"len=..255"`
	TimeZone      string             `json:"timeZone" check:"len=..100"`
	Networks      []CloneNetwork     `json:"networks" check:"items=..10"`
	UserData      *UserData          `json:"userData"`
	Sysprep       *Sysprep           `json:"sysprep"`
	Tags          []string           `json:"tags" check:"items=..50"`
	GuestCommands []GuestCommand     `json:"guestCommands" check:"items=..20"`
	Certificates  []CloneCertificate `json:"certificates" check:"items=..10"`
}

// CloneNetwork is one interface of the copy.
type CloneNetwork struct {
	Name       string   `json:"name" check:"required,len=..255"`
	IPAddress  string   `json:"ipAddress" check:"pattern=ipv4"`
	SubnetMask string   `json:"subnetMask" check:"pattern=ipv4"`
	Gateway    string   `json:"gateway" check:"pattern=ipv4"`
	DNS        []string `json:"dns" check:"items=..5"`
	DHCP       *bool    `json:"dhcp"`
	MACAddress string   `json:"macAddress" check:"pattern=mac"`
}

// Sysprep is the customization of Windows.
type Sysprep struct {
	Enabled        bool           `json:"enabled" check:"default=false"`
	ProductKey     secret.Text    `json:"productKey"`
	Organization   string         `json:"organization" check:"len=..255"`
	Owner          string         `json:"owner" check:"len=..255"`
	AdminPassword  *PasswordValue `json:"adminPassword"`
	JoinDomain     *JoinDomain    `json:"joinDomain"`
	CustomCommands []string       `json:"customCommands" check:"items=..20"`
}

// PasswordValue is a password from the manifest or from a Secret.
type PasswordValue struct {
	SecretRef *LocalRef   `json:"secretRef"`
	SecretKey string      `json:"secretKey" check:"default=password"`
	Value     secret.Text `json:"value"`
}

// JoinDomain is the Windows domain to join.
type JoinDomain struct {
	Domain             string        `json:"domain" check:"required,len=..255"`
	Username           string        `json:"username" check:"required,len=..255"`
	Password           PasswordValue `json:"password" check:"required"`
	OrganizationalUnit string        `json:"organizationalUnit" check:"len=..500"`
}

// GuestCommand is a command to run in the guest.
type GuestCommand struct {
	Command          string   `json:"command" check:"required,len=..1000"`
	Arguments        []string `json:"arguments" check:"items=..20"`
	WorkingDirectory string   `json:"workingDirectory" check:"len=..500"`
	RunAsUser        string   `json:"runAsUser" check:"len=..255"`
	Timeout          Duration `json:"timeout" check:"default=5m,duration"`
	Stage            string   `json:"stage" check:"enum=pre-customization|post-customization|first-boot,default=post-customization"`
}

// CloneCertificate is a certificate to install in the guest.
type CloneCertificate struct {
	Name      string      `json:"name" check:"required,len=..255"`
	Data      secret.Text `json:"data"`
	SecretRef *LocalRef   `json:"secretRef"`
	SecretKey string      `json:"secretKey" check:"default=tls.crt"`
	Store     string      `json:"store" check:"enum=root|ca|my|trust,default=root"`
}

// CloneMetadata describes a clone to people.
type CloneMetadata struct {
	Purpose     string            `json:"purpose" check:"enum=backup|testing|migration|development|production|staging"`
	CreatedBy   string            `json:"createdBy" check:"len=..255"`
	Project     string            `json:"project" check:"len=..255"`
	Environment string            `json:"environment" check:"enum=dev|staging|prod|test|qa|uat"`
	Tags        map[string]string `json:"tags" check:"items=..50"`
}
