package systemd_test

import (
	"strings"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/systemd/bootedtest"
)

// TestService is the life of the installed service under the real systemd and
// on the real libvirt. Its parts follow one another in one machine.
func TestService(t *testing.T) {
	s := newSite(t)
	for _, part := range []struct {
		name string
		run  func(*site)
	}{
		{"active only when it is ready", (*site).startsReady},
		{"creates a VM as a user without power", (*site).createsVM},
		{"keeps its folders to itself", (*site).folders},
		{"follows a changed configuration", (*site).reloads},
		{"goes on after a configuration that cannot be used", (*site).reloadsNothing},
		{"comes back after a kill, and converges", (*site).comesBack},
		{"is ended by the watchdog when it is stopped", (*site).watched},
		{"ends in order, and leaves the guests", (*site).stops},
		{"starts after a pass of root's own", (*site).startsAfterRoot},
		{"starts without a folder of credentials", (*site).startsBare},
		{"starts with everything relaxed", (*site).startsRelaxed},
	} {
		if !t.Run(part.name, func(t *testing.T) {
			s.t = t
			part.run(s)
		}) {
			return
		}
	}
}

// startsReady holds the daemon up where it reads its configuration: until it
// goes on, systemd holds it for activating.
func (s *site) startsReady() {
	const path = "/etc/vmsteward/vmsteward.yaml"
	s.Run("rm", path)
	s.Run("mkfifo", path)
	s.Run("systemctl", "start", "--no-block", "vmsteward")
	s.Until("the process is there", func() bool { return s.Show("vmsteward", "MainPID") != "0" })
	s.wantState("before it is ready", "activating")
	s.Write("/run/config.yaml", bootedtest.File{Text: config})
	s.Run("dd", "status=none", "if=/run/config.yaml", "of="+path)
	s.Until("it is active", func() bool { return s.Show("vmsteward", "ActiveState") == "active" })
	s.Run("rm", path)
	s.Write(path, bootedtest.File{Text: config})
	if log := s.logged(); !strings.Contains(log, `"msg":"started"`) || strings.Contains(log, `"time":`) {
		s.t.Errorf("want a line that says started, and no time beside the journal's:\n%s", log)
	}
}

func (s *site) createsVM() {
	s.untilInSync()
	if got := s.virsh("list", "--name", "--state-running"); got != "web-1" {
		s.t.Errorf("running domains: %q", got)
	}
	status := s.Run("cat", "/proc/"+s.Show("vmsteward", "MainPID")+"/status")
	uid := s.Run("id", "-u", "vmsteward")
	for _, want := range []string{
		"Uid:\t" + uid + "\t" + uid + "\t" + uid + "\t" + uid, "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000",
		"NoNewPrivs:\t1", "Seccomp:\t2",
	} {
		if !strings.Contains(status, want) {
			s.t.Errorf("the process has not %q:\n%s", want, status)
		}
	}
}

func (s *site) folders() {
	for path, want := range map[string]string{
		"/var/lib/vmsteward":            "700 vmsteward vmsteward",
		"/run/vmsteward":                "755 vmsteward vmsteward",
		"/run/vmsteward/vmsteward.sock": "660 vmsteward vmsteward",
	} {
		if got := s.Run("stat", "-c", "%a %U %G", path); got != want {
			s.t.Errorf("%s: want %s, got %s", path, want, got)
		}
	}
	if out := s.Run("vmsteward", "get", "vms"); !strings.Contains(out, "web-1") {
		s.t.Errorf("root reads nothing of the VM:\n%s", out)
	}
	if out, err := s.Try("vmsteward", "apply", "--yes"); err != nil {
		s.t.Errorf("root may not act: %v\n%s", err, out)
	}
	if out, err := s.Try("setpriv", "--reuid=nobody", "--clear-groups", "cat", "/etc/vmsteward/providers.d/kvm.yaml"); err == nil {
		s.t.Errorf("anybody reads the providers' folder:\n%s", out)
	}
}

// reloaded reloads with a configuration and waits for what is logged of it.
func (s *site) reloaded(config, message string) {
	s.t.Helper()
	pid := s.Show("vmsteward", "MainPID")
	s.Write("/etc/vmsteward/vmsteward.yaml", bootedtest.File{Text: config})
	s.Run("systemctl", "reload", "vmsteward")
	s.Until("it says "+message, func() bool { return strings.Contains(s.logged(), message) })
	s.Until("it is active again", func() bool { return s.Show("vmsteward", "ActiveState") == "active" })
	if now := s.Show("vmsteward", "MainPID"); now != pid {
		s.t.Errorf("another process: %s, it was %s", now, pid)
	}
	before := s.passes()
	s.Until("passes go on", func() bool { return s.passes() > before })
}

func (s *site) reloads() {
	s.reloaded(strings.Replace(config, "1s", "2s", 1), `"schedule":"every 2s"`)
}

func (s *site) reloadsNothing() {
	s.reloaded(config+"colour: red\n", `unknown key colour`)
	if log := s.logged(); !strings.Contains(log, `"level":"ERROR","msg":"configuration not reloaded; the daemon goes on as it was"`) {
		s.t.Errorf("it does not say that it goes on:\n%s", log)
	}
	s.Write("/etc/vmsteward/vmsteward.yaml", bootedtest.File{Text: config})
}

func (s *site) comesBack() {
	pid, before := s.Show("vmsteward", "MainPID"), s.virsh("domuuid", "web-1")
	s.Run("kill", "-STOP", pid) // it does nothing between the two
	s.virsh("destroy", "web-1")
	s.Run("kill", "-KILL", pid)
	s.untilRestarted(pid)
	s.untilInSync()
	if got := s.virsh("list", "--name", "--state-running"); got != "web-1" {
		s.t.Errorf("running domains: %q", got)
	}
	if after := s.virsh("domuuid", "web-1"); after != before {
		s.t.Errorf("another VM: %s, it was %s", after, before)
	}
}

// untilRestarted waits for another process than this one.
func (s *site) untilRestarted(pid string) {
	s.t.Helper()
	s.Until("it is restarted", func() bool {
		now := s.Show("vmsteward", "MainPID")
		return now != pid && now != "0" && s.Show("vmsteward", "ActiveState") == "active"
	})
}

// watched stops the process, which is all that a process may not survive.
func (s *site) watched() {
	s.dropIn("WatchdogSec=2s", "RestartSec=0")
	s.Run("systemctl", "restart", "vmsteward")
	pid := s.Show("vmsteward", "MainPID")
	s.Run("kill", "-STOP", pid)
	begun := time.Now()
	s.untilRestarted(pid)
	s.t.Logf("a stopped process was replaced after %v", time.Since(begun).Round(10*time.Millisecond))
	if log := s.Run("journalctl", "--no-pager", "-o", "cat", "-u", "vmsteward"); !strings.Contains(log, "Watchdog timeout (limit 2s)!") {
		s.t.Errorf("the journal does not say why:\n%s", log)
	}
	s.dropIn()
	s.Run("systemctl", "restart", "vmsteward")
	s.untilInSync()
}

func (s *site) stops() {
	begun := time.Now()
	s.Run("systemctl", "stop", "vmsteward")
	if took := time.Since(begun); took > 20*time.Second {
		s.t.Errorf("it took %v", took)
	}
	s.wantState("after the stop", "inactive")
	if got := s.Show("vmsteward", "Result"); got != "success" {
		s.t.Errorf("result %s", got)
	}
	if out, err := s.Try("pgrep", "-u", "vmsteward"); err == nil {
		s.t.Errorf("processes are left: %s", out)
	}
	if got := s.virsh("list", "--name", "--state-running"); got != "web-1" {
		s.t.Errorf("running domains: %q", got)
	}
}

func (s *site) startsRelaxed() {
	s.Write("/etc/systemd/system/vmsteward.service.d/relax.conf", bootedtest.File{Text: relaxedAll(s.t)})
	s.Run("systemctl", "daemon-reload")
	s.Run("systemctl", "start", "vmsteward")
	s.untilInSync()
}

// startsAfterRoot has root use the state directory between two lives of the
// daemon, as README.md proposes before the first.
func (s *site) startsAfterRoot() {
	s.Run("rm", "-r", "/var/lib/vmsteward")
	s.Run("mkdir", "-m", "0700", "/var/lib/vmsteward")
	s.Run("chown", "vmsteward:", "/var/lib/vmsteward")
	s.Run("vmsteward", "run", "--once")
	s.startsAgain()
}

// startsBare starts what an administrator has tidied up too well.
func (s *site) startsBare() {
	s.Run("rm", "-r", "/etc/vmsteward/credentials")
	s.startsAgain()
	s.Run("mkdir", "-m", "0700", "/etc/vmsteward/credentials")
}

func (s *site) startsAgain() {
	s.t.Helper()
	s.Run("systemctl", "start", "vmsteward")
	s.untilInSync()
	s.Run("systemctl", "stop", "vmsteward")
}
