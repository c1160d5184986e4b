package daemon_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

// driftClass gives guests room to grow, so that live changes are possible.
const driftClass = `
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMClass
metadata: {name: small}
spec: {cpu: 1, memory: 192Mi, performanceProfile: {cpuHotAddEnabled: true}}
`

// TestDriftLibvirt changes VMs with virsh between two passes. Each change is a
// line of the log, is left alone under report, and corrected under enforce.
func TestDriftLibvirt(t *testing.T) {
	t.Parallel()
	host := libvirttest.Start(t, libvirttest.Options{Guest: true})
	s := newSite(t, host)
	names := []string{"attached", "config-cpu", "config-mem", "destroyed", "live-cpu", "live-mem", "mac", "undefined"}
	var want []string
	files := map[string]string{}
	for _, n := range names {
		files[n+".yaml"] = strings.Replace(vmFile{Name: n}.yaml(), "2s}", "30s}", 1)
		want = append(want, n+" [create start] applied")
	}
	files["common.yaml"] = strings.ReplaceAll(commonManifests, "POOL", host.PoolDir)
	files["common.yaml"] = driftClass + files["common.yaml"][strings.Index(files["common.yaml"], "---"):]
	s.repo.Commit(files)
	s.wantCalls("the VMs are created", want...)
	for _, n := range names {
		host.Console(t, n, "STATE", guestBoots, "seed=")
	}
	s.wantInSync("after creation")
	mac := s.changeOutside(t)

	drifts := []string{
		"default/attached | nics[52:54:00:99:00:01] | absent | virtio on default",
		"default/config-cpu | cpu | 1 | 3",
		"default/config-mem | memory | 192 MiB | 128 MiB",
		"default/destroyed | power | On | Off",
		"default/live-cpu | cpu | 1 | 2",
		"default/live-mem | memory | 192 MiB | 144 MiB",
		"default/mac | nics[lan].mac | " + mac + " | 52:54:00:99:00:02",
		"default/undefined | exists | present | absent",
	}
	s.policy = "drift: report"
	s.wantCalls("under report nothing is called")
	if diff := cmp.Diff(drifts, s.log.lines(t, "drift", "vm", "field", "wanted", "found")); diff != "" {
		t.Errorf("drift lines under report (-want +got):\n%s", diff)
	}
	s.policy = "drift: enforce"
	s.wantCalls("under enforce each is corrected",
		"attached [reconfigure] applied",
		"config-cpu [reconfigure] applied",
		"config-mem [reconfigure] applied",
		"destroyed [start] applied",
		"live-cpu [shutdown start] applied",
		"live-mem [reconfigure] applied",
		"mac [reconfigure] applied",
		"undefined [create start] applied")
	if diff := cmp.Diff(drifts, s.log.lines(t, "drift", "vm", "field", "wanted", "found")); diff != "" {
		t.Errorf("drift lines under enforce (-want +got):\n%s", diff)
	}
	s.wantInSync("after the correction")
}

// guestBoots bounds the boot of a guest under software emulation while others
// boot beside it.
const guestBoots = 4 * 60 * 1e9

// changeOutside makes one outside change to each VM and returns the address
// that the interface of "mac" had before.
func (s *site) changeOutside(t *testing.T) string {
	t.Helper()
	v := s.host.Virsh
	v("attach-interface", "attached", "network", "default", "--model", "virtio", "--mac", "52:54:00:99:00:01", "--live", "--config")
	v("setvcpus", "config-cpu", "3", "--config")
	v("setmem", "config-mem", "131072", "--config")
	v("destroy", "destroyed")
	v("setvcpus", "live-cpu", "2", "--live")
	v("setmem", "live-mem", "147456", "--live")
	// The statistics follow the guest, up to a second behind.
	s.until("the guest gives memory back", func() bool {
		return strings.Contains(v("domstats", "--balloon", "live-mem"), "balloon.current=147456")
	})
	v("destroy", "undefined")
	v("undefine", "undefined")
	xml := v("dumpxml", "mac", "--inactive")
	mac := between(t, xml, "<mac address='", "'/>")
	s.define(t, strings.Replace(xml, "<mac address='"+mac, "<mac address='52:54:00:99:00:02", 1))
	return mac
}

func (s *site) define(t *testing.T, xml string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "domain.xml")
	if err := os.WriteFile(file, []byte(xml), 0o600); err != nil {
		t.Fatal(err)
	}
	s.host.Virsh("define", file)
}

func between(t *testing.T, s, from, to string) string {
	t.Helper()
	_, rest, ok := strings.Cut(s, from)
	out, _, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatalf("%q … %q is not in:\n%s", from, to, s)
	}
	return out
}

// foreignDomain is a machine that somebody else made.
const foreignDomain = `<domain type='qemu'><name>NAME</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64'>hvm</type></os><devices><emulator>/usr/bin/qemu-system-x86_64</emulator></devices></domain>`

// TestForeignDomainsAreNeverTouched puts machines of others in the way: one of
// a wanted VM's name, one that was ours until its mark was taken away, and one
// that has nothing to do with us.
func TestForeignDomainsAreNeverTouched(t *testing.T) {
	t.Parallel()
	host := libvirttest.Start(t, libvirttest.Options{})
	s := newSite(t, host)
	s.policy = "prune: {mode: delete, grace: 0s, maxCount: 100, maxPercent: 100, allowEmpty: true}"
	s.commit([]vmFile{{Name: "ours"}, {Name: "unmarked"}})
	s.wantCalls("ours are created", "ours [create start] applied", "unmarked [create start] applied")
	for _, name := range []string{"taken", "stranger"} {
		s.define(t, strings.Replace(foreignDomain, "NAME", name, 1))
		host.Virsh("start", name)
	}
	xml := host.Virsh("dumpxml", "unmarked", "--inactive")
	s.define(t, strings.Replace(xml, "<metadata>"+between(t, xml, "<metadata>", "</metadata>")+"</metadata>", "", 1))
	host.Virsh("destroy", "unmarked") // the running machine keeps the metadata it was started with
	host.Virsh("start", "unmarked")

	before := foreignState(host)
	s.commit([]vmFile{{Name: "taken", CPU: 4}, {Name: "unmarked", CPU: 3}, {Name: "ours"}})
	s.wantCalls("nothing of others is touched")
	want := []string{"default/taken | conflict", "default/unmarked | conflict"}
	if diff := cmp.Diff(want, s.log.lines(t, "decision", "vm", "action")); diff != "" {
		t.Errorf("conflicts in the log (-want +got):\n%s", diff)
	}
	s.repo.Commit(map[string]string{"note.txt": "no manifest at all"}, "common.yaml", "vms/ours.yaml", "vms/taken.yaml", "vms/unmarked.yaml")
	s.wantCalls("when nothing is wanted, only what is ours goes", "ours [shutdown delete] applied")
	if diff := cmp.Diff(before, foreignState(host)); diff != "" {
		t.Errorf("machines of others (-before +after):\n%s", diff)
	}
}

func foreignState(h *libvirttest.Host) []string {
	var out []string
	for _, name := range []string{"stranger", "taken", "unmarked"} {
		out = append(out, h.Virsh("dumpxml", name), h.Virsh("domstate", name))
	}
	return slices.Clip(out)
}
