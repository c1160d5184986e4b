package bootedtest

import (
	"os"
	"os/exec"
	"testing"
)

// mustNotSkip is the environment variable that turns a skip into a failure.
const mustNotSkip = "VMSTEWARD_MUST_NOT_SKIP"

// Need skips the test where no machine can be booted, and fails it there when
// VMSTEWARD_MUST_NOT_SKIP is set.
func Need(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Unable(t, "booting a machine needs root")
	}
	NeedPrograms(t, "sh", "unshare", "nsenter", "systemd-nspawn", "systemctl", "dbus-daemon", "/lib/systemd/systemd")
	if out, err := exec.Command("unshare", "--mount", "--pid", "--fork", "--propagation", "private", "true").CombinedOutput(); err != nil {
		Unable(t, "booting a machine needs mounts of its own: "+string(out))
	}
}

// NeedPrograms skips, or fails, the test where a program is missing.
func NeedPrograms(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			Unable(t, p+" is not installed")
		}
	}
}

// Unable ends a test that cannot be run here.
func Unable(t testing.TB, why string) {
	t.Helper()
	if os.Getenv(mustNotSkip) != "" {
		t.Fatal(why + ", and " + mustNotSkip + " is set")
	}
	t.Skip(why)
}
