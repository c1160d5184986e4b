package manifest

// APIVersion is the group and version of every kind here but Secret.
const APIVersion = "infra.virtrigaud.io/v1beta1"

const (
	apiGroup         = "infra.virtrigaud.io"
	secretAPIVersion = "v1"
)

// The kinds.
const (
	KindVirtualMachine      = "VirtualMachine"
	KindVMClass             = "VMClass"
	KindVMImage             = "VMImage"
	KindVMNetworkAttachment = "VMNetworkAttachment"
	KindProvider            = "Provider"
	KindVMSnapshot          = "VMSnapshot"
	KindVMClone             = "VMClone"
	KindVMMigration         = "VMMigration"
	KindVMSet               = "VMSet"
	KindVMPlacementPolicy   = "VMPlacementPolicy"
	KindSecret              = "Secret"
)

// Object is the envelope that all kinds share.
//
// In this package a field's tags are its whole contract: json gives the name,
// check the rules (required, range=1..128, len=..63, items=..20, enum=a|b,
// pattern=name, default=x, duration), and doc one sentence. Decoding,
// defaulting, validation and the JSON Schema all read the tags, so they cannot
// differ. A default is filled in only where the enclosing object is written.
// A field is a pointer where absent differs from its zero value.
type Object struct {
	APIVersion string   `json:"apiVersion" check:"required" doc:"Group and version of the kind."`
	Kind       string   `json:"kind" check:"required" doc:"What this document describes."`
	Metadata   Metadata `json:"metadata" check:"required" doc:"Name, namespace, labels and annotations."`
	Status     Ignored  `json:"status" doc:"Ignored; status is reported elsewhere."`
}

// Metadata is the part of the Kubernetes metadata that has a meaning here; the
// rest is accepted and ignored.
type Metadata struct {
	Name        string            `json:"name" check:"required,len=1..253,pattern=subdomain" doc:"Name, unique per kind and namespace."`
	Namespace   string            `json:"namespace" check:"len=..63,pattern=dnsLabel" doc:"Namespace; the configured default when absent."`
	Labels      map[string]string `json:"labels" doc:"Labels, copied to the VM."`
	Annotations map[string]string `json:"annotations" doc:"Annotations, copied to the VM."`

	GenerateName               Ignored `json:"generateName"`
	UID                        Ignored `json:"uid"`
	ResourceVersion            Ignored `json:"resourceVersion"`
	Generation                 Ignored `json:"generation"`
	CreationTimestamp          Ignored `json:"creationTimestamp"`
	DeletionTimestamp          Ignored `json:"deletionTimestamp"`
	DeletionGracePeriodSeconds Ignored `json:"deletionGracePeriodSeconds"`
	Finalizers                 Ignored `json:"finalizers"`
	OwnerReferences            Ignored `json:"ownerReferences"`
	ManagedFields              Ignored `json:"managedFields"`
	SelfLink                   Ignored `json:"selfLink"`
}

// Ref names an object, by default one in the namespace of the referrer.
type Ref struct {
	Name      string `json:"name" check:"required,len=..253,pattern=dnsLabel" doc:"Name of the object."`
	Namespace string `json:"namespace" check:"len=..63,pattern=dnsLabel" doc:"Namespace of the object; the referrer's own when absent."`
}

// In returns the key that r names when it is written in namespace ns.
func (r Ref) In(ns string) Key {
	if r.Namespace != "" {
		ns = r.Namespace
	}
	return Key{Namespace: ns, Name: r.Name}
}

// LocalRef names an object in the namespace of the referrer.
type LocalRef struct {
	Name string `json:"name" check:"required,len=..253,pattern=dnsLabel" doc:"Name of the object, in the same namespace."`
}

// In returns the key that r names when it is written in namespace ns.
func (r LocalRef) In(ns string) Key { return Key{Namespace: ns, Name: r.Name} }
