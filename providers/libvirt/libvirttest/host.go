package libvirttest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// virshLimit bounds one virsh command, so that a stopped daemon does not hang
// a test.
const virshLimit = 60 * time.Second

// Virsh runs virsh on the host and returns its output.
func (h *Host) Virsh(args ...string) string {
	h.t.Helper()
	out, err := h.VirshErr(args...)
	if err != nil {
		h.t.Fatalf("virsh %q: %v\n%s", args, err, out)
	}
	return out
}

// VirshErr is Virsh for a command that may fail.
func (h *Host) VirshErr(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), virshLimit)
	defer cancel()
	out, err := exec.CommandContext(ctx, "virsh", append([]string{"-q", "-c", h.URI()}, args...)...).CombinedOutput()
	return string(out), err
}

// Restart kills libvirtd and starts it again. Guests live on.
func (h *Host) Restart(t testing.TB) {
	t.Helper()
	h.StopDaemon()
	h.StartDaemon()
}

// StopDaemon kills libvirtd with SIGKILL. Guests and networks live on.
func (h *Host) StopDaemon() {
	h.t.Helper()
	h.command("kill")
}

// StartDaemon starts libvirtd after StopDaemon and waits until it answers.
func (h *Host) StartDaemon() {
	h.t.Helper()
	h.command("start")
	h.awaitReady()
}

// Pause stops libvirtd with SIGSTOP: it accepts connections and answers none.
func (h *Host) Pause() {
	h.t.Helper()
	h.command("pause")
}

// Resume lets a paused libvirtd go on.
func (h *Host) Resume() {
	h.t.Helper()
	h.command("resume")
}

// QEMU returns the process id of a running domain's QEMU, as the host's own
// namespace has it; 0 if there is none.
func (h *Host) QEMU(t testing.TB, domain string) int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(h.dir, "run", "qemu", domain+".pid"))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		t.Fatalf("process of %s: %v", domain, err)
	}
	return pid
}

// quickDHCP has dnsmasq not look for a second user of an address for three
// seconds before it gives it away.
const quickDHCP = `<dnsmasq:options xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'><dnsmasq:option value='no-ping'/></dnsmasq:options>`

const natNetwork = `<network><name>default</name><forward mode='nat'/><bridge name='virbr0' stp='off' delay='0'/>
<ip address='192.168.122.1' netmask='255.255.255.0'><dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp></ip>` + quickDHCP + `</network>
`

const isolatedNetwork = `<network><name>isolated</name><bridge name='virbr1' stp='off' delay='0'/>
<ip address='192.168.123.1' netmask='255.255.255.0'><dhcp><range start='192.168.123.2' end='192.168.123.254'/></dhcp></ip>` + quickDHCP + `</network>
`

// furnish makes the base image, the pools and the networks.
func (h *Host) furnish() {
	h.t.Helper()
	base := filepath.Join(h.PoolDir, "base.qcow2")
	if h.opts.Guest {
		copyFile(h.t, TinyGuest(h.t), base)
	} else if out, err := exec.Command("qemu-img", "create", "-q", "-f", "qcow2", base, "64M").CombinedOutput(); err != nil {
		h.t.Fatalf("qemu-img: %v\n%s", err, out)
	}
	h.write("nat.xml", natNetwork)
	h.write("isolated.xml", isolatedNetwork)
	h.Virsh("pool-define-as default dir --target " + h.PoolDir + "; pool-start default; pool-autostart default;" +
		"pool-define-as second dir --target " + h.Pool2Dir + "; pool-start second; pool-autostart second;" +
		"net-define " + filepath.Join(h.dir, "nat.xml") + "; net-start default; net-autostart default;" +
		"net-define " + filepath.Join(h.dir, "isolated.xml") + "; net-start isolated; net-autostart isolated")
}
