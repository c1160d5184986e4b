package systemd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vmsteward/vmsteward/systemd/bootedtest"
)

// installed is what a package puts into a machine, with this program.
func installed(program string) map[string]bootedtest.File {
	return map[string]bootedtest.File{
		"/usr/bin/vmsteward":                                  {From: program, Mode: 0o755},
		"/usr/lib/systemd/system/vmsteward.service":           {From: "vmsteward.service"},
		"/usr/lib/systemd/system/vmsteward-provider@.service": {From: "vmsteward-provider@.service"},
		"/usr/lib/sysusers.d/vmsteward.conf":                  {From: "vmsteward.sysusers.conf"},
		"/usr/lib/tmpfiles.d/vmsteward.conf":                  {From: "vmsteward.tmpfiles.conf"},
	}
}

// build builds a program of this module.
func build(t *testing.T, pkg string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", pkg, err, text)
	}
	return out
}

// relaxedAll is relax.conf with every offer taken.
func relaxedAll(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("relax.conf")
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^#([A-Z][A-Za-z]*=)`).ReplaceAllString(string(text), "$1")
}

const config = `apiVersion: vmsteward.dev/v1
kind: Config
fleet: lab
source: {dir: {path: /srv/fleet}}
interval: 1s
`

const provider = `apiVersion: infra.virtrigaud.io/v1beta1
kind: Provider
metadata: {name: kvm}
spec: {type: libvirt, endpoint: "qemu:///system"}
`

const fleet = `apiVersion: infra.virtrigaud.io/v1beta1
kind: VMClass
metadata: {name: small}
spec: {cpu: 1, memory: 64Mi}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMImage
metadata: {name: base}
spec: {source: {libvirt: {path: /var/lib/libvirt/images/base.qcow2, format: qcow2}}}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VirtualMachine
metadata: {name: web-1}
spec:
  providerRef: {name: kvm}
  classRef: {name: small}
  imageRef: {name: base}
  powerState: On
`

// site is a management host: the daemon as it is installed, and libvirt as it
// is installed, which admits the group libvirt by way of polkit.
type site struct {
	*bootedtest.Machine
	t *testing.T
}

func newSite(t *testing.T) *site {
	t.Helper()
	bootedtest.Need(t)
	bootedtest.NeedPrograms(t, "libvirtd", "virsh", "qemu-img", "qemu-system-x86_64")
	files := installed(build(t, "../cmd/vmsteward"))
	for name, text := range map[string]string{
		"/etc/vmsteward/vmsteward.yaml":       config,
		"/etc/vmsteward/providers.d/kvm.yaml": provider,
		"/srv/fleet/fleet.yaml":               fleet,
		// A container lends nothing of this to its guests.
		"/etc/libvirt/qemu.conf": "cgroup_controllers = []\nnamespaces = []\nsecurity_driver = \"none\"\n",
	} {
		files[name] = bootedtest.File{Text: text}
	}
	s := &site{bootedtest.Boot(t, files), t}
	s.Run("mkdir", "-p", "/var/lib/libvirt/images")
	s.Run("qemu-img", "create", "-q", "-f", "qcow2", "/var/lib/libvirt/images/base.qcow2", "64M")
	s.Run("systemctl", "start", "virtlogd.socket", "virtlockd.socket", "libvirtd.socket")
	s.virsh("pool-define-as", "default", "dir", "--target", "/var/lib/libvirt/images")
	s.virsh("pool-start", "default")
	return s
}

func (s *site) virsh(args ...string) string {
	s.t.Helper()
	return s.Run(append([]string{"virsh", "-q", "-c", "qemu:///system"}, args...)...)
}

// dropIn adds to the unit's service section, and tells systemd.
func (s *site) dropIn(lines ...string) {
	s.t.Helper()
	s.Write("/etc/systemd/system/vmsteward.service.d/test.conf",
		bootedtest.File{Text: "[Service]\n" + strings.Join(lines, "\n") + "\n"})
	s.Run("systemctl", "daemon-reload")
}

// logged returns the messages of the unit's present process.
func (s *site) logged() string {
	s.t.Helper()
	return s.Run("journalctl", "--no-pager", "-o", "cat", "_SYSTEMD_INVOCATION_ID="+s.Show("vmsteward", "InvocationID"))
}

// passes counts the passes of the present process.
func (s *site) passes() int { return strings.Count(s.logged(), `"msg":"pass complete"`) }

// untilInSync waits for a pass that finds everything as wanted.
func (s *site) untilInSync() {
	s.t.Helper()
	s.Until("a pass finds everything as wanted", func() bool {
		return strings.Contains(s.logged(), `"wanted":1,"in_sync":1,`)
	})
}

// wantState compares the unit's state.
func (s *site) wantState(when, want string) {
	s.t.Helper()
	if got := s.Show("vmsteward", "ActiveState"); got != want {
		s.t.Errorf("%s: want %s, got %s", when, want, got)
	}
}
