package manifest

// VMImage is something to boot new VMs from, on one or several hypervisors.
type VMImage struct {
	Object
	Spec VMImageSpec `json:"spec" check:"required" doc:"The sources of the image."`
}

// VMImageSpec is what a VMImage says.
type VMImageSpec struct {
	Source       ImageSource        `json:"source" check:"required" doc:"Where the image comes from, per hypervisor."`
	Prepare      *ImagePrepare      `json:"prepare" doc:"What to do before the image is first used."`
	Metadata     *ImageMetadata     `json:"metadata"`
	Distribution *ImageDistribution `json:"distribution"`
}

// ImageSource has one block per kind of source; a provider reads its own.
type ImageSource struct {
	VSphere    *VSphereSource  `json:"vsphere" doc:"Template, OVA or content library item."`
	Libvirt    *LibvirtSource  `json:"libvirt" doc:"Disk image for libvirt."`
	Proxmox    *ProxmoxSource  `json:"proxmox" doc:"Template on Proxmox VE."`
	HTTP       *HTTPSource     `json:"http" doc:"Image at a URL."`
	Registry   *RegistrySource `json:"registry"`
	DataVolume *Ref            `json:"dataVolume"`
}

// VSphereSource is an image on vSphere.
type VSphereSource struct {
	TemplateName   string           `json:"templateName" check:"len=..255" doc:"Template or VM to clone, by name or inventory path."`
	ContentLibrary *LibraryItemSpec `json:"contentLibrary" doc:"Content library item to deploy."`
	OVAURL         string           `json:"ovaURL" check:"pattern=ovaURL" doc:"OVA or OVF to import."`
	Checksum       string           `json:"checksum" doc:"Checksum of the OVA."`
	ChecksumType   string           `json:"checksumType" check:"enum=md5|sha1|sha256|sha512,default=sha256" doc:"Algorithm of the checksum."`
	ProviderRef    *LocalRef        `json:"providerRef"`
}

// LibraryItemSpec names an item of a content library.
type LibraryItemSpec struct {
	Library string `json:"library" check:"required,len=..255" doc:"Name of the library."`
	Item    string `json:"item" check:"required,len=..255" doc:"Name of the item."`
	Version string `json:"version" doc:"Version of the item."`
}

// LibvirtSource is a disk image for libvirt.
type LibvirtSource struct {
	Path         string `json:"path" doc:"File on the hypervisor host."`
	URL          string `json:"url" check:"pattern=fetchURL" doc:"Where to fetch the image."`
	Format       string `json:"format" check:"enum=qcow2|raw|vmdk|vhd|vhdx|iso|ova|ovf,default=qcow2" doc:"Format of the image."`
	Checksum     string `json:"checksum" doc:"Checksum of the image."`
	ChecksumType string `json:"checksumType" check:"enum=md5|sha1|sha256|sha512,default=sha256" doc:"Algorithm of the checksum."`
	StoragePool  string `json:"storagePool" check:"len=..255" doc:"Storage pool to keep the image in."`
}

// ProxmoxSource is a template on Proxmox VE.
type ProxmoxSource struct {
	TemplateID   int64  `json:"templateID" check:"range=100..999999999" doc:"Number of the template to clone."`
	TemplateName string `json:"templateName" check:"len=..255" doc:"Template to clone, by name."`
	Storage      string `json:"storage" check:"len=..255"`
	Node         string `json:"node" check:"len=..255"`
	Format       string `json:"format" check:"enum=raw|qcow2|vmdk,default=qcow2"`
	FullClone    bool   `json:"fullClone" check:"default=true"`
}

// HTTPSource is an image at a URL.
type HTTPSource struct {
	URL            string            `json:"url" check:"required,pattern=httpURL" doc:"Where to fetch the image."`
	Headers        map[string]string `json:"headers" check:"items=..20"`
	Checksum       string            `json:"checksum" doc:"Checksum of the image."`
	ChecksumType   string            `json:"checksumType" check:"enum=md5|sha1|sha256|sha512,default=sha256" doc:"Algorithm of the checksum."`
	Authentication *HTTPAuth         `json:"authentication"`
	Timeout        Duration          `json:"timeout" check:"default=30m,duration"`
}

// HTTPAuth is how to be let in by an HTTP server.
type HTTPAuth struct {
	BasicAuth  *BasicAuth  `json:"basicAuth"`
	Bearer     *BearerAuth `json:"bearer"`
	ClientCert *CertAuth   `json:"clientCert"`
}

// BasicAuth is a user name and a password.
type BasicAuth struct {
	SecretRef   LocalRef `json:"secretRef" check:"required"`
	UsernameKey string   `json:"usernameKey" check:"default=username"`
	PasswordKey string   `json:"passwordKey" check:"default=password"`
}

// BearerAuth is a token.
type BearerAuth struct {
	SecretRef LocalRef `json:"secretRef" check:"required"`
	TokenKey  string   `json:"tokenKey" check:"default=token"`
}

// CertAuth is a client certificate.
type CertAuth struct {
	SecretRef LocalRef `json:"secretRef" check:"required"`
	CertKey   string   `json:"certKey" check:"default=tls.crt"`
	KeyKey    string   `json:"keyKey" check:"default=tls.key"`
}

// RegistrySource is an image in a container registry.
type RegistrySource struct {
	Image         string    `json:"image" check:"required,pattern=taggedImage"`
	PullSecretRef *LocalRef `json:"pullSecretRef"`
	Format        string    `json:"format" check:"enum=qcow2|raw|vmdk|vhd|vhdx|iso|ova|ovf,default=qcow2"`
}

// ImagePrepare is what to do before an image is first used.
type ImagePrepare struct {
	OnMissing        string             `json:"onMissing" check:"enum=Import|Fail|Wait,default=Import" doc:"What to do when the image is not on the hypervisor yet."`
	ValidateChecksum bool               `json:"validateChecksum" check:"default=true"`
	Timeout          Duration           `json:"timeout" check:"default=30m,duration"`
	Retries          int32              `json:"retries" check:"range=0..10,default=3"`
	Force            bool               `json:"force"`
	Storage          *ImageStorage      `json:"storage"`
	Optimization     *ImageOptimization `json:"optimization"`
}

// ImageStorage is where a prepared image is kept.
type ImageStorage struct {
	PreferredFormat string               `json:"preferredFormat" check:"enum=qcow2|raw|vmdk|vhd|vhdx|iso|ova|ovf"`
	Compression     bool                 `json:"compression" check:"default=false"`
	VSphere         *VSphereImageStorage `json:"vsphere"`
	Libvirt         *LibvirtImageStorage `json:"libvirt"`
}

// VSphereImageStorage is where a prepared image is kept on vSphere.
type VSphereImageStorage struct {
	Datastore       string `json:"datastore" check:"len=..255"`
	Folder          string `json:"folder" check:"len=..255"`
	ThinProvisioned *bool  `json:"thinProvisioned"`
	DiskType        string `json:"diskType" check:"enum=thin|thick|eagerzeroedthick"`
}

// LibvirtImageStorage is where a prepared image is kept on libvirt.
type LibvirtImageStorage struct {
	StoragePool      string `json:"storagePool" check:"len=..255"`
	AllocationPolicy string `json:"allocationPolicy" check:"enum=eager|lazy"`
	Preallocation    string `json:"preallocation" check:"enum=off|metadata|falloc|full"`
}

// ImageOptimization is how a prepared image is made smaller.
type ImageOptimization struct {
	ConvertFormat     string `json:"convertFormat" check:"enum=qcow2|raw|vmdk|vhd|vhdx|iso|ova|ovf"`
	EnableCompression bool   `json:"enableCompression" check:"default=false"`
	RemoveUnusedSpace bool   `json:"removeUnusedSpace" check:"default=false"`
	EnableDeltaSync   bool   `json:"enableDeltaSync" check:"default=false"`
}

// ImageMetadata describes an image to people.
type ImageMetadata struct {
	DisplayName  string            `json:"displayName" check:"len=..255"`
	Description  string            `json:"description" check:"len=..1024"`
	Version      string            `json:"version" check:"len=..100"`
	Architecture string            `json:"architecture" check:"enum=amd64|arm64|x86_64|aarch64,default=amd64"`
	Tags         map[string]string `json:"tags" check:"items=..50"`
	Annotations  map[string]string `json:"annotations" check:"items=..50"`
}

// ImageDistribution says which operating system is in an image.
type ImageDistribution struct {
	Name    string       `json:"name" check:"enum=ubuntu|centos|rhel|fedora|debian|suse|windows|freebsd|coreos|other"`
	Version string       `json:"version" check:"len=..100"`
	Variant string       `json:"variant" check:"len=..100"`
	Family  string       `json:"family" check:"enum=linux|windows|bsd|other"`
	Kernel  *ImageKernel `json:"kernel"`
}

// ImageKernel says which kernel is in an image.
type ImageKernel struct {
	Type    string `json:"type" check:"enum=linux|windows|freebsd|other"`
	Version string `json:"version"`
}
