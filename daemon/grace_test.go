package daemon_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// graceful is a hypervisor under the story of a removed VM.
type graceful struct {
	*site
	commit func(vms []vmFile, deletes ...string)
	// there says whether the VM runs, whether it starts with its host, and
	// what its disks are; empty: it is gone.
	there func(name string) string
	// unplug powers a VM off whose guest would let a shutdown wait for its
	// whole minute; nil: guests shut down at once.
	unplug func(name string)
}

// TestGracePeriodLibvirt removes a VM, changes its mind, and removes it for
// good, on a real libvirt host.
func TestGracePeriodLibvirt(t *testing.T) {
	t.Parallel()
	host := libvirttest.Start(t, libvirttest.Options{})
	s := newSite(t, host)
	there := func(name string) string {
		if !strings.Contains("\n"+host.Virsh("list", "--all", "--name"), "\n"+name+"\n") {
			return ""
		}
		info := host.Virsh("dominfo", name)
		return fmt.Sprintf("running=%t autostart=%t %v",
			strings.Contains(info, "running"), field(info, "Autostart:") == "enable", strings.Fields(host.Virsh("domblklist", name))[4:])
	}
	unplug := func(name string) { host.Virsh("destroy", name) }
	graceful{s, s.commit, there, unplug}.story("  extraConfig: {autostart: \"true\"}\n")
}

// TestGracePeriodVSphere is the same on a vCenter, whose VMs do not know
// whether they start with their host.
func TestGracePeriodVSphere(t *testing.T) {
	t.Parallel()
	c := newCenter(t, vcsim.Options{})
	there := func(name string) string {
		vm, ok := c.machines()[name]
		if !ok {
			return ""
		}
		return fmt.Sprintf("running=%t %s %v", vm.Runtime.PowerState == "poweredOn", vm.Config.InstanceUuid, c.files(name))
	}
	graceful{c.site, c.commit, there, nil}.story("")
}

func field(text, name string) string {
	_, rest, _ := strings.Cut(text, name)
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

// story removes the second of two VMs, restores it, and removes it for good.
func (g graceful) story(more string) {
	g.t.Helper()
	vms := []vmFile{{Name: "vm-00"}, {Name: "vm-01", More: more}}
	g.policy = "prune: {mode: delete, grace: 1h, maxCount: 5, maxPercent: 100}"
	g.commit(vms)
	g.wantCalls("two VMs are created", "vm-00 [create start] applied", "vm-01 [create start] applied")
	before := g.there("vm-01")
	off := strings.NewReplacer("running=true", "running=false", "autostart=true", "autostart=false").Replace(before)
	if before == off {
		g.t.Fatalf("vm-01 does not run: %s", before)
	}

	g.retires(vms[:1])
	g.wantThere("a retired VM is off, and keeps all it has", off)
	g.wantCalls("in its grace period nothing happens to it")

	g.commit(vms)
	g.wantCalls("its manifest is back", "vm-01 [reconfigure start] applied")
	g.wantThere("it is as it was", before)
	g.wantInSync("after it was restored")

	g.retires(vms[:1])
	g.policy = "prune: {mode: delete, grace: 0s, maxCount: 5, maxPercent: 100}"
	g.wantCalls("its grace period is over", "vm-01 [delete] applied")
	g.wantThere("it is gone", "")
	g.wantInSync("after it was deleted")
}

// retires removes the manifest of vm-01.
func (g graceful) retires(left []vmFile) {
	g.t.Helper()
	want := "vm-01 [shutdown reconfigure] applied"
	if g.unplug != nil {
		g.unplug("vm-01")
		want = "vm-01 [reconfigure] applied"
	}
	g.commit(left, "vms/vm-01.yaml")
	g.wantCalls("it is retired", want)
}

func (g graceful) wantThere(reason, want string) {
	g.t.Helper()
	if diff := cmp.Diff(want, g.there("vm-01")); diff != "" {
		g.t.Errorf("%s (-want +got):\n%s", reason, diff)
	}
}
