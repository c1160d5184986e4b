package manifest

// VMPlacementPolicy says where VMs should live. It is validated and not acted
// on yet.
type VMPlacementPolicy struct {
	Object
	Spec VMPlacementPolicySpec `json:"spec"`
}

// VMPlacementPolicySpec is what a VMPlacementPolicy says.
type VMPlacementPolicySpec struct {
	Hard                *PlacementConstraints `json:"hard"`
	Soft                *PlacementConstraints `json:"soft"`
	Affinity            *Affinity             `json:"affinity"`
	AntiAffinity        *AntiAffinity         `json:"antiAffinity"`
	ResourceConstraints *ResourceConstraints  `json:"resourceConstraints"`
	SecurityConstraints *SecurityConstraints  `json:"securityConstraints"`
	Priority            *int32                `json:"priority" check:"range=0..1000"`
	Weight              int32                 `json:"weight" check:"range=1..100"`
}

// PlacementConstraints names where VMs must or should live.
type PlacementConstraints struct {
	Clusters           []string          `json:"clusters" check:"items=..50"`
	ExcludedClusters   []string          `json:"excludedClusters" check:"items=..50"`
	Datastores         []string          `json:"datastores" check:"items=..100"`
	ExcludedDatastores []string          `json:"excludedDatastores" check:"items=..100"`
	Hosts              []string          `json:"hosts" check:"items=..200"`
	ExcludedHosts      []string          `json:"excludedHosts" check:"items=..200"`
	Folders            []string          `json:"folders" check:"items=..50"`
	Networks           []string          `json:"networks" check:"items=..50"`
	ResourcePools      []string          `json:"resourcePools" check:"items=..100"`
	Zones              []string          `json:"zones" check:"items=..20"`
	Regions            []string          `json:"regions" check:"items=..20"`
	NodeSelector       map[string]string `json:"nodeSelector" check:"items=..20"`
	Tolerations        []Toleration      `json:"tolerations" check:"items=..20"`
}

// Toleration accepts a taint.
type Toleration struct {
	Key               string `json:"key"`
	Operator          string `json:"operator" check:"default=Equal"`
	Value             string `json:"value"`
	Effect            string `json:"effect" check:"enum=NoSchedule|PreferNoSchedule|NoExecute"`
	TolerationSeconds *int64 `json:"tolerationSeconds"`
}

// Affinity says what VMs should be near to.
type Affinity struct {
	VMAffinity          *VMAffinity          `json:"vmAffinity"`
	HostAffinity        *HostAffinity        `json:"hostAffinity"`
	ClusterAffinity     *ClusterAffinity     `json:"clusterAffinity"`
	DatastoreAffinity   *DatastoreAffinity   `json:"datastoreAffinity"`
	ZoneAffinity        *ZoneAffinity        `json:"zoneAffinity"`
	ApplicationAffinity *ApplicationAffinity `json:"applicationAffinity"`
}

// VMAffinity picks VMs to be near to, or away from.
type VMAffinity struct {
	RequiredDuringScheduling  []VMAffinityTerm         `json:"requiredDuringScheduling" check:"items=..20"`
	PreferredDuringScheduling []WeightedVMAffinityTerm `json:"preferredDuringScheduling" check:"items=..20"`
}

// WeightedVMAffinityTerm is a wish among others.
type WeightedVMAffinityTerm struct {
	Weight         int32          `json:"weight" check:"required,range=1..100"`
	VMAffinityTerm VMAffinityTerm `json:"vmAffinityTerm" check:"required"`
}

// VMAffinityTerm picks VMs by their labels.
type VMAffinityTerm struct {
	LabelSelector     *LabelSelector    `json:"labelSelector"`
	MatchExpressions  []MatchExpression `json:"matchExpressions" check:"items=..20"`
	Namespaces        []string          `json:"namespaces" check:"items=..20"`
	NamespaceSelector *LabelSelector    `json:"namespaceSelector"`
	TopologyKey       string            `json:"topologyKey" check:"required,len=..253"`
}

// MatchExpression is one condition on labels.
type MatchExpression struct {
	Key      string   `json:"key" check:"required,len=..253"`
	Operator string   `json:"operator" check:"required"`
	Values   []string `json:"values" check:"items=..50"`
}

// HostAffinity keeps VMs on the same host.
type HostAffinity struct {
	Enabled        bool     `json:"enabled" check:"required"`
	PreferredHosts []string `json:"preferredHosts" check:"items=..50"`
	Scope          string   `json:"scope" check:"enum=strict|preferred"`
}

// ClusterAffinity keeps VMs in the same cluster.
type ClusterAffinity struct {
	Enabled           bool     `json:"enabled" check:"required"`
	PreferredClusters []string `json:"preferredClusters" check:"items=..20"`
	Scope             string   `json:"scope" check:"enum=strict|preferred"`
}

// DatastoreAffinity keeps VMs on the same datastore.
type DatastoreAffinity struct {
	Enabled             bool     `json:"enabled" check:"required"`
	PreferredDatastores []string `json:"preferredDatastores" check:"items=..50"`
	Scope               string   `json:"scope" check:"enum=strict|preferred"`
}

// ZoneAffinity keeps VMs in the same zone.
type ZoneAffinity struct {
	Enabled        bool     `json:"enabled" check:"required"`
	PreferredZones []string `json:"preferredZones" check:"items=..10"`
	Scope          string   `json:"scope" check:"enum=strict|preferred"`
}

// ApplicationAffinity keeps the VMs of one application together, or apart.
type ApplicationAffinity struct {
	Enabled          bool   `json:"enabled" check:"required"`
	ApplicationLabel string `json:"applicationLabel" check:"default=app"`
	Scope            string `json:"scope" check:"enum=strict|preferred"`
}

// AntiAffinity says what VMs should be away from.
type AntiAffinity struct {
	VMAntiAffinity          *VMAffinity            `json:"vmAntiAffinity"`
	HostAntiAffinity        *HostAntiAffinity      `json:"hostAntiAffinity"`
	ClusterAntiAffinity     *ClusterAntiAffinity   `json:"clusterAntiAffinity"`
	DatastoreAntiAffinity   *DatastoreAntiAffinity `json:"datastoreAntiAffinity"`
	ZoneAntiAffinity        *ZoneAntiAffinity      `json:"zoneAntiAffinity"`
	ApplicationAntiAffinity *ApplicationAffinity   `json:"applicationAntiAffinity"`
}

// HostAntiAffinity spreads VMs over hosts.
type HostAntiAffinity struct {
	Enabled       bool   `json:"enabled" check:"required"`
	MaxVMsPerHost int32  `json:"maxVMsPerHost" check:"range=1..1000"`
	Scope         string `json:"scope" check:"enum=strict|preferred"`
}

// ClusterAntiAffinity spreads VMs over clusters.
type ClusterAntiAffinity struct {
	Enabled          bool   `json:"enabled" check:"required"`
	MaxVMsPerCluster int32  `json:"maxVMsPerCluster" check:"range=1..10000"`
	Scope            string `json:"scope" check:"enum=strict|preferred"`
}

// DatastoreAntiAffinity spreads VMs over datastores.
type DatastoreAntiAffinity struct {
	Enabled            bool   `json:"enabled" check:"required"`
	MaxVMsPerDatastore int32  `json:"maxVMsPerDatastore" check:"range=1..10000"`
	Scope              string `json:"scope" check:"enum=strict|preferred"`
}

// ZoneAntiAffinity spreads VMs over zones.
type ZoneAntiAffinity struct {
	Enabled       bool   `json:"enabled" check:"required"`
	MaxVMsPerZone int32  `json:"maxVMsPerZone" check:"range=1..10000"`
	Scope         string `json:"scope" check:"enum=strict|preferred"`
}

// ResourceConstraints is what a host must have left.
type ResourceConstraints struct {
	MinCPUPerHost        int32     `json:"minCPUPerHost" check:"range=1.."`
	MinMemoryPerHost     *Quantity `json:"minMemoryPerHost"`
	MinDiskSpacePerHost  *Quantity `json:"minDiskSpacePerHost"`
	MaxCPUUtilization    *int32    `json:"maxCPUUtilization" check:"range=0..100"`
	MaxMemoryUtilization *int32    `json:"maxMemoryUtilization" check:"range=0..100"`
	MaxDiskUtilization   *int32    `json:"maxDiskUtilization" check:"range=0..100"`
	RequiredFeatures     []string  `json:"requiredFeatures" check:"items=..20"`
	PreferredFeatures    []string  `json:"preferredFeatures" check:"items=..20"`
}

// SecurityConstraints is what a host must be.
type SecurityConstraints struct {
	RequireSecureBoot       *bool    `json:"requireSecureBoot"`
	RequireTPM              *bool    `json:"requireTPM"`
	RequireEncryptedStorage *bool    `json:"requireEncryptedStorage"`
	RequireNUMATopology     *bool    `json:"requireNUMATopology"`
	AllowedSecurityGroups   []string `json:"allowedSecurityGroups" check:"items=..20"`
	DeniedSecurityGroups    []string `json:"deniedSecurityGroups" check:"items=..20"`
	IsolationLevel          string   `json:"isolationLevel" check:"enum=none|basic|strict|maximum"`
	TrustLevel              string   `json:"trustLevel" check:"enum=untrusted|basic|trusted|highly-trusted"`
}
