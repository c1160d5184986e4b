// Package bootedtest boots machines for tests: containers with systemd as
// their first process and the host's own packages, in a second and without an
// installation. It knows no unit and no daemon. It needs root; the tests of the
// units are its test.
package bootedtest

import (
	"bytes"
	"context"
	_ "embed"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

//go:embed boot.sh
var bootScript string

// limit bounds every wait and every command.
const limit = time.Minute

// File is one file of a machine.
type File struct {
	Text string
	From string      // a file of the host, instead of Text
	Mode fs.FileMode // default 0644
}

// Machine is a booted container. Its methods fail the test it was booted for.
type Machine struct {
	t      testing.TB
	dir    string
	group  string
	pid    int    // of what ends with the test, and everything with it
	leader string // the container's first process, as the host counts
}

// Boot boots a machine with these files, by their absolute paths. No service
// runs in it but the journal and the bus. It ends with the test.
func Boot(t testing.TB, files map[string]File) *Machine {
	t.Helper()
	Need(t)
	dir, err := os.MkdirTemp("", "booted-")
	if err != nil {
		t.Fatal(err)
	}
	m := &Machine{t: t, dir: dir, group: filepath.Base(dir)}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, sub := range []string{"files", "root"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, f := range files {
		m.put(filepath.Join(dir, "files"), name, f)
	}
	m.start()
	m.Until("the machine is booted", m.booted)
	return m
}

func (m *Machine) start() {
	m.t.Helper()
	// The supervisor leaves its machine behind when it is killed; a namespace
	// of processes does not.
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc",
		"sh", "-c", bootScript, "boot", filepath.Join(m.dir, "root"), filepath.Join(m.dir, "files"), m.group)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var console bytes.Buffer
	cmd.Stdout, cmd.Stderr = &console, &console
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.pid = cmd.Process.Pid
	m.t.Cleanup(func() {
		if m.t.Failed() && m.leader != "" {
			journal, _ := m.Try("journalctl", "--no-pager", "-b", "-o", "short-precise")
			m.t.Logf("the machine's journal:\n%s", journal)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if m.t.Failed() && console.Len() > 0 {
			m.t.Logf("the machine's console:\n%s", console.String())
		}
		m.removeGroups()
	})
}

// booted finds the first process, a child of the supervisor, and asks it.
func (m *Machine) booted() bool {
	supervisor := onlyChild(strconv.Itoa(m.pid))
	if m.leader = onlyChild(supervisor); m.leader == "" {
		return false
	}
	state, _ := m.Try("systemctl", "is-system-running")
	return state == "running\n" || state == "degraded\n"
}

// onlyChild returns the child of a process; empty: there is none, or several.
func onlyChild(pid string) string {
	children, err := os.ReadFile(filepath.Join("/proc", pid, "task", pid, "children"))
	if fields := strings.Fields(string(children)); err == nil && len(fields) == 1 {
		return fields[0]
	}
	return ""
}

// removeGroups removes the machine's control groups, once its processes have
// left them.
func (m *Machine) removeGroups() {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-tick.C {
		left := 0
		for _, tree := range []string{"", "systemd", "unified"} {
			left += removeTree(filepath.Join("/sys/fs/cgroup", tree, m.group))
		}
		if left == 0 {
			return
		}
	}
	m.t.Errorf("processes of the machine %s are left", m.group)
}

// removeTree removes empty folders, and returns how many could not be.
func removeTree(root string) (left int) {
	var dirs []string
	_ = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, p)
		}
		return nil
	})
	for _, d := range slices.Backward(dirs) {
		if syscall.Rmdir(d) != nil {
			left++
		}
	}
	return left
}

// Write writes a file of the running machine.
func (m *Machine) Write(name string, f File) {
	m.t.Helper()
	m.put(filepath.Join("/proc", m.leader, "root"), name, f)
}

func (m *Machine) put(root, name string, f File) {
	m.t.Helper()
	text := []byte(f.Text)
	if f.From != "" {
		b, err := os.ReadFile(f.From)
		if err != nil {
			m.t.Fatal(err)
		}
		text = b
	}
	mode := f.Mode
	if mode == 0 {
		mode = 0o644
	}
	p := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(p, text, mode); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Chmod(p, mode); err != nil {
		m.t.Fatal(err)
	}
}

// Run runs a command as the machine's root and returns its output.
func (m *Machine) Run(args ...string) string {
	m.t.Helper()
	out, err := m.Try(args...)
	if err != nil {
		m.t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(out)
}

// Try is Run for a command that may fail.
func (m *Machine) Try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{"--target", m.leader, "--all"}, args...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root", "SYSTEMD_COLORS=0", "PAGER=cat"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Show returns one property of a unit.
func (m *Machine) Show(unit, property string) string {
	m.t.Helper()
	return m.Run("systemctl", "show", "--property", property, "--value", unit)
}

// Until asks again and again until the answer is yes, for a minute.
func (m *Machine) Until(what string, yes func() bool) {
	m.t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		select {
		case <-tick.C:
		case <-deadline.C:
			m.t.Fatalf("%s: not within %v", what, limit)
		}
	}
}
