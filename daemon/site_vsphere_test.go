package daemon_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vmware/govmomi/property"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25/mo"

	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
	"github.com/vmsteward/vmsteward/sources/sourcetest"
)

// center is a site whose hypervisor is a simulated vCenter, behind TLS.
type center struct {
	*site
	sim *vcsim.Server
}

func newCenter(t *testing.T, opts vcsim.Options) *center {
	t.Helper()
	c := &center{
		site: &site{t: t, dir: t.TempDir(), repo: sourcetest.NewRepo(t), log: &logBuffer{}},
		sim:  vcsim.New(t, opts),
	}
	d := c.sim.Settings("lab").Defaults
	c.write("providers.d/vc.yaml", fmt.Sprintf(`apiVersion: infra.virtrigaud.io/v1beta1
kind: Provider
metadata: {name: vc}
spec:
  type: vsphere
  endpoint: %q
  credentialSecretRef: {name: vc-creds}
  defaults: {cluster: %q, datastore: %q, folder: %q}
  rateLimit: {qps: 1000, burst: 1000}
`, c.sim.URL(), d.Cluster, d.Datastore, d.Folder))
	must(t, c.sim.WriteLogin(filepath.Join(c.dir, "credentials", "vc-creds")))
	return c
}

const centerManifests = `
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMClass
metadata: {name: small}
spec: {cpu: 1, memory: 128Mi}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMImage
metadata: {name: base}
spec: {source: {vsphere: {templateName: template}}}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMNetworkAttachment
metadata: {name: lan}
spec: {network: {vsphere: {portgroup: DC0_DVPG0}}}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMNetworkAttachment
metadata: {name: back}
spec: {network: {vsphere: {portgroup: VM Network, adapterType: e1000e}}}
`

// logs is a second disk beside that of every vmFile.
const logs = "  - {name: logs, sizeGiB: 1}\n"

// commit puts VMs into the repository.
func (c *center) commit(vms []vmFile, deletes ...string) {
	c.t.Helper()
	files := map[string]string{"common.yaml": centerManifests}
	for _, v := range vms {
		v.Provider = "vc"
		files["vms/"+v.Name+".yaml"] = v.yaml()
	}
	c.repo.Commit(files, deletes...)
}

// machines returns what the vCenter itself says of its VMs, by name, templates
// left out.
func (c *center) machines() map[string]mo.VirtualMachine {
	c.t.Helper()
	ctx, client := context.Background(), c.sim.Client()
	v, err := view.NewManager(client).CreateContainerView(ctx, client.ServiceContent.RootFolder, []string{"VirtualMachine"}, true)
	must(c.t, err)
	defer v.Destroy(ctx)
	var all []mo.VirtualMachine
	must(c.t, v.Retrieve(ctx, []string{"VirtualMachine"}, nil, &all))
	out := make(map[string]mo.VirtualMachine)
	for _, vm := range all {
		if vm.Config.Template {
			continue
		}
		if _, twice := out[vm.Name]; twice {
			c.t.Errorf("two VMs are named %s", vm.Name)
		}
		out[vm.Name] = vm
	}
	return out
}

// names returns the names of all machines, and of those that run.
func (c *center) names() (all, running []string) {
	for name, vm := range c.machines() {
		all = append(all, name)
		if vm.Runtime.PowerState == "poweredOn" {
			running = append(running, name)
		}
	}
	slices.Sort(all)
	slices.Sort(running)
	return all, running
}

// files returns the paths of everything on the datastores whose name has the
// text in it.
func (c *center) files(text string) []string {
	c.t.Helper()
	var out []string
	for _, vm := range c.machines() {
		for _, f := range vm.LayoutEx.File {
			if strings.Contains(f.Name, text) {
				out = append(out, f.Name)
			}
		}
	}
	return out
}

// collector reads properties as an administrator.
func (c *center) collector() *property.Collector { return property.DefaultCollector(c.sim.Client()) }
