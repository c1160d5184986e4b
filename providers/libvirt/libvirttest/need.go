package libvirttest

import (
	"os"
	"os/exec"
	"testing"
)

// MustNotSkip is the environment variable that turns a skip into a failure.
const MustNotSkip = "VMSTEWARD_MUST_NOT_SKIP"

// Need skips the test on a machine that cannot run a test host, and fails it
// there if MustNotSkip is set.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		unable(t, "a libvirt test host needs root")
	}
	programs = append(programs, "libvirtd", "virsh", "qemu-system-x86_64", "qemu-img", "unshare", "bash", "ip", "dnsmasq")
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			unable(t, "a libvirt test host needs "+p+", which is not installed")
		}
	}
}

func unable(t testing.TB, why string) {
	t.Helper()
	if os.Getenv(MustNotSkip) != "" {
		t.Fatal(why + ", and " + MustNotSkip + " is set")
	}
	t.Skip(why)
}
