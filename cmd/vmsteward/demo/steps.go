package demo

import (
	"context"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// Step is one thing that happens, by a commit or behind the daemon's back.
type Step struct {
	Title   string
	Shown   string // what a person would type or write
	Write   map[string]string
	Remove  []string
	Outside func(context.Context, *vcsim.Server) error
	Ends    map[string]providers.PowerState // the VMs that are there afterwards
	Retired string                          // the one of them that is in its grace period, if any
}

const common = `apiVersion: infra.virtrigaud.io/v1beta1
kind: VMClass
metadata: {name: small}
spec: {cpu: 2, memory: 2Gi, performanceProfile: {cpuHotAddEnabled: true}}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMImage
metadata: {name: debian-13}
spec: {source: {vsphere: {templateName: ` + vcsim.Template + `}}}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMNetworkAttachment
metadata: {name: lan}
spec: {network: {vsphere: {portgroup: DC0_DVPG0}}}
`

func vm(name, power, more string) string {
	return `apiVersion: infra.virtrigaud.io/v1beta1
kind: VirtualMachine
metadata: {name: ` + name + `}
spec:
  providerRef: {name: lab}
  classRef: {name: small}
  imageRef: {name: debian-13}
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
			Title: "Somebody pulls the plug of db-1 and gives web-1 more memory, without a commit",
			Shown: "drift: it is reported and corrected",
			Outside: func(ctx context.Context, vc *vcsim.Server) error {
				if err := vc.PowerOff(ctx, "db-1"); err != nil {
					return err
				}
				return vc.SetMemory(ctx, "web-1", 4096)
			},
			Ends: map[string]providers.PowerState{"web-1": on, "web-2": off, "db-1": on},
		},
		{
			Title:  "A commit removes web-2: it is retired and kept for a grace period",
			Shown:  "git rm web-2.yaml",
			Remove: []string{"web-2.yaml"},
			Ends:   map[string]providers.PowerState{"web-1": on, "web-2": off, "db-1": on}, Retired: "web-2",
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
