package systemd_test

import (
	"strings"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/systemd/bootedtest"
)

// TestWatchdogIsFed holds that a daemon that is well outlives its watchdog's
// interval many times, in passes and in the waits between them.
func TestWatchdogIsFed(t *testing.T) {
	s := newSite(t)
	s.Write("/etc/vmsteward/vmsteward.yaml", bootedtest.File{Text: strings.Replace(config, "1s", "3s", 1)})
	s.dropIn("WatchdogSec=2s")
	s.Run("systemctl", "start", "vmsteward")
	pid := s.Show("vmsteward", "MainPID")
	begun := time.Now()
	s.untilInSync()
	s.Until("several intervals are over", func() bool { return time.Since(begun) > 7*time.Second })
	if now := s.Show("vmsteward", "MainPID"); now != pid || s.Show("vmsteward", "NRestarts") != "0" {
		t.Errorf("the watchdog ended a daemon that is well: process %s, it was %s", now, pid)
	}
}

// TestSpeaksToSystemd is what the daemon says to systemd while it runs, and
// what systemd hands to it.
func TestSpeaksToSystemd(t *testing.T) {
	s := newSite(t)
	s.handOver()
	s.Run("systemctl", "start", "vmsteward")
	s.untilInSync()
	if log := s.logged(); strings.Contains(log, "cannot be used") {
		t.Errorf("a credential is not found:\n%s", log)
	}
	if got := s.Show("vmsteward", "StatusText"); !strings.Contains(got, "1 wanted, ") {
		t.Errorf("status: %q", got)
	}
	if out, err := s.Try("setpriv", "--reuid=vmsteward", "--clear-groups", "cat", "/etc/vmsteward/credentials/single"); err == nil {
		t.Errorf("the daemon's user reads credentials where they lie:\n%s", out)
	}

	s.Write("/etc/vmsteward/vmsteward.yaml", bootedtest.File{Text: "colour: red\n"})
	s.Run("systemctl", "reload", "vmsteward")
	s.Until("the error has the priority of one", func() bool {
		out, _ := s.Try("journalctl", "--no-pager", "-o", "cat", "-u", "vmsteward", "-p", "err")
		return strings.Contains(out, "configuration not reloaded") && !strings.Contains(out, "<3>") &&
			!strings.Contains(out, "pass complete")
	})
}

// handOver lays out credentials in every shape, each with a provider that asks
// for it: a folder with a file per key, one file, and an encrypted one.
func (s *site) handOver() {
	s.t.Helper()
	for _, name := range []string{"/etc/vmsteward/credentials/kvm-creds/username", "/etc/vmsteward/credentials/single", "/root/plain"} {
		s.Write(name, bootedtest.File{Text: "steward\n", Mode: 0o600})
	}
	s.Run("systemd-creds", "encrypt", "--name=sealed_username", "/root/plain", "/etc/sealed_username")
	s.dropIn("LoadCredentialEncrypted=sealed_username:/etc/sealed_username")
	for name, edits := range map[string][]string{
		"kvm":    {"spec: {", "spec: {credentialSecretRef: {name: kvm-creds}, "},
		"one":    {"spec: {", "spec: {credentialSecretRef: {name: single}, ", "libvirt", "memory", "qemu:///system", "memory://one"},
		"sealed": {"spec: {", "spec: {credentialSecretRef: {name: sealed}, ", "libvirt", "memory", "qemu:///system", "memory://sealed"},
	} {
		s.Write("/etc/vmsteward/providers.d/"+name+".yaml", bootedtest.File{
			Text: strings.NewReplacer(append(edits, "name: kvm", "name: "+name)...).Replace(provider)})
	}
}

// TestHangingLoop has a loop hang in a process that is well: the heart notices,
// systemd ends it, and the journal has every goroutine's stack.
func TestHangingLoop(t *testing.T) {
	bootedtest.Need(t)
	const unit = "[Service]\nType=notify\nExecStart=/usr/bin/hanging\nWatchdogSec=2s\nRestart=on-failure\nRestartSec=0\nLimitCORE=0\n"
	m := bootedtest.Boot(t, map[string]bootedtest.File{
		"/usr/bin/hanging":                    {From: build(t, "./testdata/hanging"), Mode: 0o755},
		"/etc/systemd/system/hanging.service": {Text: unit},
	})
	m.Run("systemctl", "start", "hanging")
	begun := time.Now()
	pid := m.Show("hanging", "MainPID")
	m.Until("two intervals are over", func() bool { return time.Since(begun) > 5*time.Second })
	if now := m.Show("hanging", "MainPID"); now != pid {
		t.Fatalf("a loop that makes progress was ended: process %s, it was %s", now, pid)
	}
	m.Run("kill", "-USR1", pid)
	begun = time.Now()
	m.Until("it is restarted", func() bool { return m.Show("hanging", "NRestarts") == "1" })
	t.Logf("a hanging loop was ended after %v", time.Since(begun).Round(10*time.Millisecond))
	log := m.Run("journalctl", "--no-pager", "-o", "cat", "-u", "hanging")
	for _, want := range []string{"silent for more than a second: true", "Watchdog", "SIGABRT: abort", "main.main()"} {
		if !strings.Contains(log, want) {
			t.Errorf("the journal does not say %q:\n%s", want, log)
		}
	}
}
