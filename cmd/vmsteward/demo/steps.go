package demo

import (
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
)

// Step is one thing that happens, by a commit or behind the daemon's back.
type Step struct {
	Title   string
	Shown   string // what a person would type or write
	Write   map[string]string
	Remove  []string
	Outside func(memory.Outside) error
	Ends    map[string]providers.PowerState // the VMs that are there afterwards
}

const common = `apiVersion: infra.virtrigaud.io/v1beta1
kind: VMClass
metadata: {name: small}
spec: {cpu: 2, memory: 2Gi, performanceProfile: {cpuHotAddEnabled: true}}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMImage
metadata: {name: debian-12}
spec: {source: {libvirt: {path: /images/debian-12.qcow2}}}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMNetworkAttachment
metadata: {name: lan}
spec: {network: {libvirt: {networkName: lan}}}
`

func vm(name, power, more string) string {
	return `apiVersion: infra.virtrigaud.io/v1beta1
kind: VirtualMachine
metadata: {name: ` + name + `}
spec:
  providerRef: {name: lab}
  classRef: {name: small}
  imageRef: {name: debian-12}
  powerState: ` + power + `
  networks: [{name: lan, networkRef: {name: lan}}]
` + more
}

// Steps returns what the demo shows, in order.
func Steps() []Step {
	const on, off = providers.On, providers.Off
	web := vm("web-1", "On", "")
	return []Step{
		{
			Title: "A commit adds three VMs",
			Shown: "git add web-1.yaml web-2.yaml db-1.yaml && git commit",
			Write: map[string]string{"common.yaml": common, "web-1.yaml": web, "web-2.yaml": vm("web-2", "On", ""),
				"db-1.yaml": vm("db-1", "On", "  disks: [{name: data, sizeGiB: 20}]\n")},
			Ends: map[string]providers.PowerState{"web-1": on, "web-2": on, "db-1": on},
		},
		{
			Title: "A commit gives web-1 two more CPUs and db-1 a larger disk",
			Shown: "web-1.yaml:  resources: {cpu: 4}\ndb-1.yaml:   disks: [{name: data, sizeGiB: 40}]",
			Write: map[string]string{"web-1.yaml": vm("web-1", "On", "  resources: {cpu: 4}\n"),
				"db-1.yaml": vm("db-1", "On", "  disks: [{name: data, sizeGiB: 40}]\n")},
			Ends: map[string]providers.PowerState{"web-1": on, "web-2": on, "db-1": on},
		},
		{
			Title: "A commit wants web-2 shut down gracefully",
			Shown: "web-2.yaml:  powerState: OffGraceful",
			Write: map[string]string{"web-2.yaml": vm("web-2", "OffGraceful", "")},
			Ends:  map[string]providers.PowerState{"web-1": on, "web-2": off, "db-1": on},
		},
		{
			Title: "Somebody pulls the plug of db-1 and takes memory from web-1, without a commit",
			Shown: "drift: it is reported and corrected",
			Outside: func(o memory.Outside) error {
				if err := o.Destroy("db-1"); err != nil {
					return err
				}
				return o.SetMemory("web-1", 1024, true)
			},
			Ends: map[string]providers.PowerState{"web-1": on, "web-2": off, "db-1": on},
		},
		{
			Title:  "A commit removes web-2: it is retired and kept for a grace period",
			Shown:  "git rm web-2.yaml",
			Remove: []string{"web-2.yaml"},
			Ends:   map[string]providers.PowerState{"web-1": on, "web-2": off, "db-1": on},
		},
		{
			Title: "The commit is reverted in time: web-2 is back, with its disks",
			Shown: "git revert HEAD",
			Write: map[string]string{"web-2.yaml": vm("web-2", "On", "")},
			Ends:  map[string]providers.PowerState{"web-1": on, "web-2": on, "db-1": on},
		},
		{
			Title:  "A commit removes web-2 for good: when the grace period is over, it is deleted",
			Shown:  "git rm web-2.yaml",
			Remove: []string{"web-2.yaml"},
			Ends:   map[string]providers.PowerState{"web-1": on, "db-1": on},
		},
	}
}
