package manifest

// VMSet asks for a number of equal VMs. It is validated and not acted on yet.
type VMSet struct {
	Object
	Spec VMSetSpec `json:"spec" check:"required"`
}

// VMSetSpec is what a VMSet says.
type VMSetSpec struct {
	Replicas                             int32           `json:"replicas" check:"range=0..1000,default=1"`
	Selector                             LabelSelector   `json:"selector" check:"required"`
	Template                             VMTemplate      `json:"template" check:"required"`
	ServiceName                          string          `json:"serviceName" check:"len=..253"`
	UpdateStrategy                       *UpdateStrategy `json:"updateStrategy"`
	MinReadySeconds                      *int32          `json:"minReadySeconds" check:"range=0..3600"`
	RevisionHistoryLimit                 int32           `json:"revisionHistoryLimit" check:"range=0..100,default=10"`
	Ordinals                             *Ordinals       `json:"ordinals"`
	VolumeClaimTemplates                 []ClaimTemplate `json:"volumeClaimTemplates" check:"items=..20"`
	PersistentVolumeClaimRetentionPolicy *ClaimRetention `json:"persistentVolumeClaimRetentionPolicy"`
}

// VMTemplate is what each VM of a set looks like.
type VMTemplate struct {
	Metadata Ignored            `json:"metadata"`
	Spec     VirtualMachineSpec `json:"spec" check:"required"`
}

// UpdateStrategy is how the VMs of a set are changed.
type UpdateStrategy struct {
	Type          string         `json:"type" check:"enum=RollingUpdate|OnDelete|Recreate,default=RollingUpdate"`
	RollingUpdate *RollingUpdate `json:"rollingUpdate"`
}

// RollingUpdate is how many VMs of a set change at once.
type RollingUpdate struct {
	Partition           *int32       `json:"partition" check:"range=0.."`
	MaxUnavailable      IntOrPercent `json:"maxUnavailable" check:"default=25%"`
	MaxSurge            IntOrPercent `json:"maxSurge" check:"default=25%"`
	PodManagementPolicy string       `json:"podManagementPolicy" check:"enum=OrderedReady|Parallel,default=OrderedReady"`
}

// Ordinals is how the VMs of a set are numbered.
type Ordinals struct {
	Start int32 `json:"start" check:"range=0..999999,default=0"`
}

// ClaimTemplate is a Kubernetes volume per VM.
type ClaimTemplate struct {
	Metadata Ignored `json:"metadata"`
	Spec     Ignored `json:"spec" check:"required"`
}

// ClaimRetention is what becomes of the volumes.
type ClaimRetention struct {
	WhenDeleted string `json:"whenDeleted" check:"enum=Retain|Delete,default=Retain"`
	WhenScaled  string `json:"whenScaled" check:"enum=Retain|Delete,default=Retain"`
}

// LabelSelector picks objects by their labels.
type LabelSelector struct {
	MatchLabels      map[string]string     `json:"matchLabels"`
	MatchExpressions []SelectorRequirement `json:"matchExpressions"`
}

// SelectorRequirement is one condition on labels.
type SelectorRequirement struct {
	Key      string   `json:"key" check:"required"`
	Operator string   `json:"operator" check:"required"`
	Values   []string `json:"values"`
}
