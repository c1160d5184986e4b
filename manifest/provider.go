package manifest

// Provider is one connection to a hypervisor.
type Provider struct {
	Object
	Spec ProviderSpec `json:"spec" check:"required" doc:"The connection."`
}

// ProviderSpec is what a Provider says. In Kubernetes runtime and
// credentialSecretRef are required; here both may be absent, for nothing here
// runs provider pods, and a local socket needs no login. The type memory and
// its endpoints are ours: VMs that exist only in a process or a file, to try
// things out. A provider server may be of any type that it calls itself.
type ProviderSpec struct {
	Type                string             `json:"type" check:"required,enum=vsphere|libvirt|firecracker|qemu|proxmox|memory,pattern=dnsLabel,len=..63" doc:"Family of the hypervisor, or what a provider server says that it is."`
	Endpoint            string             `json:"endpoint" check:"required,pattern=endpoint" doc:"Address of the hypervisor, such as qemu+ssh://host/system or https://vcenter/sdk."`
	CredentialSecretRef Ref                `json:"credentialSecretRef" doc:"Secret with the login; not needed for a local socket."`
	InsecureSkipVerify  bool               `json:"insecureSkipVerify" check:"default=false" doc:"Do not check the hypervisor's certificate or host key."`
	Defaults            *ProviderDefaults  `json:"defaults" doc:"Placement of VMs that do not say theirs."`
	RateLimit           *RateLimit         `json:"rateLimit" doc:"Pace of calls to the hypervisor."`
	ConnectionPooling   *ConnectionPooling `json:"connectionPooling" doc:"Number and age of connections."`
	HealthCheck         *HealthCheck       `json:"healthCheck"`
	Runtime             *ProviderRuntime   `json:"runtime" doc:"How Kubernetes runs the provider; accepted and ignored."`
}

// ProviderDefaults is the placement of VMs that do not say theirs.
type ProviderDefaults struct {
	Datastore    string `json:"datastore" check:"len=..255" doc:"Datastore or storage pool."`
	StoragePod   string `json:"storagePod" check:"len=..255" doc:"Datastore cluster."`
	Cluster      string `json:"cluster" check:"len=..255" doc:"Compute cluster."`
	Folder       string `json:"folder" check:"len=..255" doc:"VM folder."`
	ResourcePool string `json:"resourcePool" check:"len=..255" doc:"Resource pool."`
	Network      string `json:"network" check:"len=..255" doc:"Network."`
}

// RateLimit is the pace of calls to a hypervisor.
type RateLimit struct {
	QPS   int64 `json:"qps" check:"range=1..1000,default=10" doc:"Calls per second."`
	Burst int64 `json:"burst" check:"range=1..2000,default=20" doc:"Calls that may come at once."`
}

// ConnectionPooling is the number and age of connections to a hypervisor.
type ConnectionPooling struct {
	MaxConnections     int32    `json:"maxConnections" check:"range=1..100,default=10" doc:"Most connections."`
	MaxIdleConnections int32    `json:"maxIdleConnections" check:"range=1..,default=5" doc:"Most idle connections."`
	ConnectionTimeout  Duration `json:"connectionTimeout" check:"default=30s,duration" doc:"How long connecting may take."`
	IdleTimeout        Duration `json:"idleTimeout" check:"default=5m,duration" doc:"How long a connection may idle."`
}

// HealthCheck is how often a hypervisor is looked at.
type HealthCheck struct {
	Enabled          bool     `json:"enabled" check:"default=true"`
	Interval         Duration `json:"interval" check:"default=30s,duration"`
	Timeout          Duration `json:"timeout" check:"default=10s,duration"`
	FailureThreshold int32    `json:"failureThreshold" check:"range=1..10,default=3"`
	SuccessThreshold int32    `json:"successThreshold" check:"range=1..10,default=1"`
}

// ProviderRuntime is how Kubernetes runs the provider.
type ProviderRuntime struct {
	Mode             string            `json:"mode" check:"enum=Remote,default=Remote"`
	Image            string            `json:"image" check:"required,pattern=containerImage"`
	ImagePullPolicy  string            `json:"imagePullPolicy" check:"enum=Always|Never|IfNotPresent,default=IfNotPresent"`
	ImagePullSecrets []Ignored         `json:"imagePullSecrets" check:"items=..10"`
	Replicas         int32             `json:"replicas" check:"range=1..10,default=1"`
	Service          *ProviderService  `json:"service"`
	LogLevel         string            `json:"logLevel" check:"enum=debug|info|warn|error,default=info"`
	LogFormat        string            `json:"logFormat" check:"enum=text|json,default=text"`
	Env              []Ignored         `json:"env" check:"items=..50"`
	NodeSelector     map[string]string `json:"nodeSelector"`
	Tolerations      []Ignored         `json:"tolerations" check:"items=..20"`
	Affinity         Ignored           `json:"affinity"`
	Resources        Ignored           `json:"resources"`
	SecurityContext  Ignored           `json:"securityContext"`
	LivenessProbe    Ignored           `json:"livenessProbe"`
	ReadinessProbe   Ignored           `json:"readinessProbe"`
}

// ProviderService is where the provider's pod listens.
type ProviderService struct {
	Port int32               `json:"port" check:"range=1024..65535,default=9443"`
	TLS  *ProviderServiceTLS `json:"tls"`
}

// ProviderServiceTLS is how the provider's pod is spoken to.
type ProviderServiceTLS struct {
	Enabled            bool    `json:"enabled" check:"default=true"`
	SecretRef          Ignored `json:"secretRef"`
	InsecureSkipVerify bool    `json:"insecureSkipVerify" check:"default=false"`
}
