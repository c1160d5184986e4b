package sourcetest

import (
	"os"
	"os/exec"
	"testing"
)

// Need returns the path of a program that a test cannot do without. If the
// program is not installed the test is skipped, or fails when the environment
// variable VMSTEWARD_MUST_NOT_SKIP is set, as it is in CI.
func Need(t testing.TB, program string) string {
	t.Helper()
	if p, err := exec.LookPath(program); err == nil {
		return p
	}
	for _, dir := range []string{"/usr/sbin/", "/sbin/", "/usr/lib/git-core/", "/usr/libexec/git-core/"} {
		if _, err := os.Stat(dir + program); err == nil {
			return dir + program
		}
	}
	if os.Getenv("VMSTEWARD_MUST_NOT_SKIP") != "" {
		t.Fatalf("%s is not installed, and VMSTEWARD_MUST_NOT_SKIP is set", program)
	}
	t.Skipf("%s is not installed", program)
	return ""
}
