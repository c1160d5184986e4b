package manifest

import "strings"

// oldHints are fields that stand in manifests of earlier versions of the API or
// are easily mistaken, by kind and path, with what to write in their place.
var oldHints = map[string]string{
	"VirtualMachine.spec.vmClassRef":                       "write `classRef`",
	"VirtualMachine.spec.vmImageRef":                       "write `imageRef`",
	"VirtualMachine.spec.networkAttachments":               "write `networks`, each item with name and networkRef",
	"VirtualMachine.spec.networkAttachmentRef":             "write `networks`, each item with name and networkRef",
	"VirtualMachine.spec.cloneType":                        "clones are always full",
	"VirtualMachine.spec.cpus":                             "write `resources.cpu`, or `cpu` in the VMClass",
	"VirtualMachine.spec.cpu":                              "write `resources.cpu`, or `cpu` in the VMClass",
	"VirtualMachine.spec.memory":                           "write `resources.memoryMiB`, or `memory` in the VMClass",
	"VirtualMachine.spec.resources.memory":                 "write `memoryMiB`, a number of MiB",
	"VirtualMachine.spec.resources.cpus":                   "write `cpu`",
	"VirtualMachine.spec.metaData.inline":                  "write `cloudInit.inline`",
	"VirtualMachine.spec.metaData.secretRef":               "write `cloudInit.secretRef`",
	"VirtualMachine.spec.userData.inline":                  "write `cloudInit.inline`",
	"VirtualMachine.spec.userData.secretRef":               "write `cloudInit.secretRef`",
	"VirtualMachine.spec.networks[].ipPolicy":              "write ipAddress and prefix, or ipAllocation in the VMNetworkAttachment",
	"VirtualMachine.spec.disks[].size":                     "write `sizeGiB`, a number of GiB",
	"VirtualMachine.spec.placement.datacenter":             "the provider's endpoint decides",
	"VMClass.spec.cpus":                                    "write `cpu`",
	"VMClass.spec.memoryMiB":                               "write `memory`, such as 4Gi",
	"VMClass.spec.disks":                                   "write `diskDefaults`, or `disks` in the VirtualMachine",
	"VMClass.spec.diskDefaults.sizeGiB":                    "is not a field, and the default 40Gi then applies; write size: 20Gi",
	"VMImage.spec.libvirt":                                 "write `source.libvirt`",
	"VMImage.spec.vsphere":                                 "write `source.vsphere`",
	"VMImage.spec.http":                                    "write `source.http`",
	"VMImage.spec.prepare.importIfMissing":                 "write `onMissing: Import`",
	"VMNetworkAttachment.spec.config":                      "write `network`",
	"VMNetworkAttachment.spec.libvirt":                     "write `network.libvirt`",
	"VMNetworkAttachment.spec.vsphere":                     "write `network.vsphere`",
	"VMNetworkAttachment.spec.ipPolicy":                    "write `ipAllocation.type`",
	"VMNetworkAttachment.spec.network.vsphere.distributed": "write `distributedSwitch`",
	"Provider.spec.defaults.datacenter":                    "the endpoint decides",
	"Provider.spec.defaults.storagePool":                   "write `datastore`",
	"VMSnapshot.spec.nameHint":                             "write `snapshotConfig.name`",
	"VMSnapshot.spec.memory":                               "write `snapshotConfig.includeMemory`",
	"VMSnapshot.spec.includeMemory":                        "write `snapshotConfig.includeMemory`",
	"VMSnapshot.spec.description":                          "write `snapshotConfig.description`",
	"VMClone.spec.sourceRef":                               "write `source.vmRef`",
	"VMClone.spec.linked":                                  "write `options.type: LinkedClone`",
	"VMClone.spec.powerOn":                                 "write `options.powerOn`",
}

// oldHint returns the special hint for an unknown field of the present object.
func (d *decoder) oldHint(name string) string {
	return oldHints[d.kind+"."+schemaPath(append(d.path[:len(d.path):len(d.path)], step{key: name}))]
}

// oldName returns the field that the special hint for name tells to write, if
// it is one field of the same object.
func (d *decoder) oldName(name string) string {
	_, rest, _ := strings.Cut(d.oldHint(name), "write `")
	field, _, _ := strings.Cut(rest, "`")
	return field
}

func (s *shape) names() []string {
	names := make([]string, len(s.fields))
	for i := range s.fields {
		names[i] = s.fields[i].name
	}
	return names
}

const maxNearLen = 64

// nearest returns the candidate that differs least from name, and nothing when
// none is near. Case does not count.
func nearest(name string, candidates []string) string {
	if len(name) > maxNearLen || len(name) < 2 {
		return ""
	}
	lower := strings.ToLower(name)
	best, bestDistance := "", max(1, len(name)/3)+1
	for _, c := range candidates {
		if n := editDistance(lower, strings.ToLower(c)); n < bestDistance {
			best, bestDistance = c, n
		}
	}
	return best
}

// editDistance counts the insertions, deletions and replacements of a byte, and
// swaps of neighbours, that lead from a to b.
func editDistance(a, b string) int {
	before, previous, current := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		before, previous, current = previous, current, before
	}
	return previous[len(b)]
}
