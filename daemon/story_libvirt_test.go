package daemon_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

// TestStoryLibvirt is the whole path: commits become virtual machines on a
// real libvirt host, and virsh agrees.
func TestStoryLibvirt(t *testing.T) {
	t.Parallel()
	host := libvirttest.Start(t, libvirttest.Options{})
	story(t, newSite(t, host))
}

// TestStoryLibvirtSSH is the same through qemu+ssh:// and a real sshd.
func TestStoryLibvirtSSH(t *testing.T) {
	t.Parallel()
	host := libvirttest.Start(t, libvirttest.Options{})
	s := newSite(t, host)
	ssh := libvirttest.ServeSSH(t, host)
	s.provider(fmt.Sprintf("endpoint: %q\ncredentialSecretRef: {name: kvm-creds}", ssh.URI))
	s.write("credentials/kvm-creds/ssh-privatekey", ssh.Key)
	s.write("credentials/kvm-creds/known_hosts", ssh.KnownHosts)
	story(t, s)
}

func story(t *testing.T, s *site) {
	var vms []vmFile
	var want []string
	for i := range 20 {
		vms = append(vms, vmFile{Name: fmt.Sprintf("vm-%02d", i)})
		want = append(want, vms[i].Name+" [create start] applied")
	}
	s.commit(vms)
	s.wantCalls("twenty VMs are created and started", want...)
	s.wantInSync("after creation")
	s.wantRunning(vms, 20)

	vms[1].CPU, vms[1].Memory = 2, 128
	vms[2].More = "  - {name: scratch, sizeGiB: 1}\n"
	vms[3].Data = 2
	vms[4].Power = `"Off"`
	gone := vms[5]
	vms = slices.Delete(vms, 5, 6)
	s.commit(vms, "vms/"+gone.Name+".yaml")
	s.policy = "prune: {mode: delete, grace: 0s}"
	s.wantCalls("exactly the five changes are made",
		"vm-01 [shutdown reconfigure start] applied",
		"vm-02 [reconfigure] applied",
		"vm-03 [reconfigure] applied",
		"vm-04 [stop] applied",
		"vm-05 [shutdown delete] applied")
	s.wantInSync("after the change")
	s.wantRunning(vms, 18)
	s.virshAgrees()
}

// wantRunning compares the list of domains with what virsh says.
func (s *site) wantRunning(vms []vmFile, running int) {
	s.t.Helper()
	all := strings.Fields(s.host.Virsh("list", "--all", "--name"))
	if len(all) != len(vms) {
		s.t.Errorf("virsh lists %d domains, want %d: %v", len(all), len(vms), all)
	}
	if on := strings.Fields(s.host.Virsh("list", "--name")); len(on) != running {
		s.t.Errorf("virsh lists %d running domains, want %d: %v", len(on), running, on)
	}
}

// virshAgrees checks each change of the story by virsh's own reading.
func (s *site) virshAgrees() {
	s.t.Helper()
	checks := []struct {
		args []string
		want string
	}{
		{[]string{"vcpucount", "vm-01", "--live", "--active"}, "2"},
		{[]string{"vcpucount", "vm-01", "--config", "--current"}, "2"},
		{[]string{"dominfo", "vm-01"}, "Max memory:     131072 KiB"},
		{[]string{"domblklist", "vm-02", "--details"}, "scratch"},
		{[]string{"domblkinfo", "vm-03", "vdb"}, "Capacity:       2147483648"},
		{[]string{"domstate", "vm-04"}, "shut off"},
		{[]string{"domiflist", "vm-00"}, "isolated   e1000e"},
		{[]string{"dumpxml", "vm-00"}, "https://vmsteward.dev/"},
	}
	for _, c := range checks {
		if out := s.host.Virsh(c.args...); !strings.Contains(squeeze(out), squeeze(c.want)) {
			s.t.Errorf("virsh %v: does not say %q:\n%s", c.args, c.want, out)
		}
	}
	for _, pool := range []string{s.host.PoolDir, s.host.Pool2Dir} {
		entries, err := os.ReadDir(pool)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range entries {
			if strings.Contains(e.Name(), "vm-05") {
				s.t.Errorf("%s is left of the removed VM", e.Name())
			}
		}
	}
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }
