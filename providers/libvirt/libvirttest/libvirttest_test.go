package libvirttest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

func TestHostIsFurnished(t *testing.T) {
	begin := time.Now()
	h := libvirttest.Start(t, libvirttest.Options{})
	t.Logf("ready after %v", time.Since(begin).Round(time.Millisecond))
	for command, want := range map[string][]string{
		"net-list --name":                 {"default", "isolated"},
		"pool-list --name":                {"default", "second"},
		"vol-list default":                {"base.qcow2"},
		"domcapabilities --virttype qemu": {"<domain>qemu</domain>"},
		"vol-dumpxml base.qcow2 default":  {"<capacity unit='bytes'>67108864</capacity>", "<format type='qcow2'/>"},
	} {
		out := h.Virsh(command)
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("virsh %s lacks %q:\n%s", command, w, out)
			}
		}
	}
	if strings.Contains(h.Virsh("capabilities"), "<domain type='kvm'") {
		t.Error("the host offers KVM; its answers would differ between machines")
	}
}

func TestHostsDoNotSeeEachOther(t *testing.T) {
	a := libvirttest.Start(t, libvirttest.Options{})
	b := libvirttest.Start(t, libvirttest.Options{})
	define(t, a, "only-in-a", "network='default'")
	a.Virsh("start", "only-in-a")
	if out := b.Virsh("list", "--all", "--name"); strings.Contains(out, "only-in-a") {
		t.Errorf("the second host has the first one's domain:\n%s", out)
	}
}

// TestGuestsOutliveTheDaemon kills libvirtd below a running machine, and shows
// that a bridge of the host can be used.
func TestGuestsOutliveTheDaemon(t *testing.T) {
	h := libvirttest.Start(t, libvirttest.Options{})
	define(t, h, "vm", "bridge='br-test'")
	h.Virsh("start", "vm")
	pid := h.QEMU(t, "vm")
	begin := time.Now()
	h.StopDaemon()
	if _, err := h.VirshErr("version"); err == nil {
		t.Error("a killed daemon answers")
	}
	h.StartDaemon()
	t.Logf("back after %v", time.Since(begin).Round(time.Millisecond))
	if got := h.QEMU(t, "vm"); got != pid {
		t.Errorf("QEMU was process %d and is %d", pid, got)
	}
	if state := h.Virsh("domstate", "vm"); !strings.Contains(state, "running") {
		t.Errorf("the machine is %s", state)
	}
	h.Restart(t)
	if nets := h.Virsh("net-list", "--name"); !strings.Contains(nets, "default") {
		t.Errorf("networks after a restart:\n%s", nets)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	var socket string
	t.Run("host", func(t *testing.T) {
		h := libvirttest.Start(t, libvirttest.Options{})
		define(t, h, "vm", "network='default'")
		h.Virsh("start", "vm")
		socket = h.Socket
	})
	dir := filepath.Dir(filepath.Dir(socket))
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the host's folder: %v", err)
	}
	await(t, "every process of the host ends", func() bool {
		lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, l := range lines {
			if c, _ := os.ReadFile(l); strings.Contains(string(c), dir) {
				return false
			}
		}
		return true
	})
}

// define defines a domain without an operating system.
func define(t *testing.T, h *libvirttest.Host, name, source string) {
	t.Helper()
	kind, _, _ := strings.Cut(source, "=")
	file := filepath.Join(t.TempDir(), name+".xml")
	xml := fmt.Appendf(nil, `<domain type='qemu'><name>%s</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os><devices><interface type='%s'><source %s/></interface></devices></domain>`, name, kind, source)
	if err := os.WriteFile(file, xml, 0o644); err != nil {
		t.Fatal(err)
	}
	h.Virsh("define", file)
}
