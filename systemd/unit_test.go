package systemd_test

import (
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/vmsteward/vmsteward/systemd/bootedtest"
)

// mostExposed is the exposure that the unit may have, of ten, by systemd's own
// reckoning.
const mostExposed = 2.0

// TestUnitIsHardened asks systemd how exposed the unit is.
func TestUnitIsHardened(t *testing.T) {
	bootedtest.NeedPrograms(t, "systemd-analyze")
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", "./vmsteward.service").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	found := regexp.MustCompile(`Overall exposure level for vmsteward.service: ([0-9.]+)`).FindSubmatch(out)
	if found == nil {
		t.Fatalf("no verdict:\n%s", out)
	}
	got, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	if got > mostExposed {
		t.Errorf("exposure %.1f, want %.1f at most:\n%s", got, mostExposed, out)
	}
	t.Logf("exposure %.1f", got)
}

// TestFilesAreValid has systemd read every file as it is installed, the unit
// also with everything relaxed that relax.conf offers.
func TestFilesAreValid(t *testing.T) {
	m := bootedtest.Boot(t, installed("/bin/true"))
	verify := func(what string) {
		t.Helper()
		if out, err := m.Try("systemd-analyze", "verify", "--recursive-errors=yes", "vmsteward.service"); err != nil || out != "" {
			t.Errorf("%s: %v\n%s", what, err, out)
		}
	}
	verify("the unit")
	relaxed := relaxedAll(t)
	if !strings.Contains(relaxed, "\nProtectHome=") {
		t.Fatalf("nothing is relaxed:\n%s", relaxed)
	}
	m.Write("/etc/systemd/system/vmsteward.service.d/relax.conf", bootedtest.File{Text: relaxed})
	m.Run("systemctl", "daemon-reload")
	verify("the relaxed unit")

	// The machine has read both as it came up.
	if got := m.Run("id", "-Gn", "vmsteward"); got != "vmsteward libvirt" {
		t.Errorf("groups of the user: %q", got)
	}
	for path, want := range map[string]string{
		"/etc/vmsteward":             "755 root root",
		"/etc/vmsteward/providers.d": "750 root vmsteward",
		"/etc/vmsteward/credentials": "700 root root",
	} {
		if got := m.Run("stat", "-c", "%a %U %G", path); got != want {
			t.Errorf("%s: want %s, got %s", path, want, got)
		}
	}
	for _, args := range [][]string{{"systemd-sysusers", "vmsteward.conf"}, {"systemd-tmpfiles", "--create", "vmsteward.conf"}} {
		if out, err := m.Try(args...); err != nil || out != "" {
			t.Errorf("%q a second time: %v\n%s", args, err, out)
		}
	}
}

// TestNotConfigured holds that an installed package without a configuration is
// neither started nor a failed unit.
func TestNotConfigured(t *testing.T) {
	m := bootedtest.Boot(t, installed("/bin/true"))
	m.Run("systemctl", "start", "vmsteward")
	if state, why := m.Show("vmsteward", "ActiveState"), m.Show("vmsteward", "ConditionResult"); state != "inactive" || why != "no" {
		t.Errorf("want inactive because of the condition, got %s, condition %s", state, why)
	}
}
