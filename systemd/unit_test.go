package systemd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/vmsteward/vmsteward/systemd/bootedtest"
)

// mostExposed is the exposure that the unit may have, of ten, by systemd's own
// reckoning.
const mostExposed = 2.0

// TestUnitIsHardened asks systemd how exposed the units are: ours, and the one
// that comes with a new provider.
func TestUnitIsHardened(t *testing.T) {
	bootedtest.NeedPrograms(t, "systemd-analyze")
	for unit, from := range map[string]string{
		"vmsteward.service":              "vmsteward.service",
		"vmsteward-provider@lab.service": "vmsteward-provider@.service",
		"xprovider-provider.service":     "../providers/remote/kit/template/xprovider-provider.service.tmpl",
	} {
		t.Run(unit, func(t *testing.T) {
			text, err := os.ReadFile(from)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), unit)
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
			hardened(t, path)
		})
	}
}

func hardened(t *testing.T, path string) {
	t.Helper()
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	found := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`).FindSubmatch(out)
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
	if out, err := m.Try("systemd-analyze", "verify", "--recursive-errors=yes", "vmsteward-provider@lab.service"); err != nil || out != "" {
		t.Errorf("the unit of provider servers: %v\n%s", err, out)
	}
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
	if got := m.Run("id", "-Gn", "vmsteward-provider"); got != "vmsteward-provider libvirt" {
		t.Errorf("groups of the user of provider servers: %q", got)
	}
	for path, want := range map[string]string{
		"/etc/vmsteward":             "755 root root",
		"/etc/vmsteward/providers.d": "750 root vmsteward",
		"/etc/vmsteward/credentials": "700 root root",
		"/etc/vmsteward/serve":       "755 root root",
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
