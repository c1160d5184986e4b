package libvirttest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

const guestXML = `<domain type='qemu'><name>tiny</name><memory unit='MiB'>192</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>
<devices>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='%s'/><target dev='vda' bus='virtio'/></disk>
%s
<interface type='network'><source network='default'/><model type='virtio'/></interface>
<serial type='pty'/><console type='pty'/>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
</devices></domain>`

const (
	seedOnDisk = `<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='%s'/><target dev='vdb' bus='virtio'/><readonly/></disk>`
	seedOnCD   = `<controller type='scsi' model='virtio-scsi'/><disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='%s'/><target dev='sda' bus='scsi'/><readonly/></disk>`
)

// TestTinyGuest boots the guest with its seed on a disk and on a CD, and ends
// it by the agent and by the power button.
func TestTinyGuest(t *testing.T) {
	h := libvirttest.Start(t, libvirttest.Options{Guest: true})
	const userData = "#cloud-config\nhostname: web-1\n"
	seed := makeSeed(t, h.PoolDir, userData)
	overlay := filepath.Join(h.PoolDir, "tiny.qcow2")
	run(t, "qemu-img", "create", "-q", "-f", "qcow2", "-b", filepath.Join(h.PoolDir, "base.qcow2"), "-F", "qcow2", overlay, "2G")
	sum := sha256.Sum256([]byte(userData))
	for _, tc := range []struct{ seed, dev, shutdown string }{
		{seedOnDisk, "seed=/dev/vdb", "agent"},
		{seedOnCD, "seed=/dev/sr0", "acpi"},
	} {
		file := filepath.Join(t.TempDir(), "tiny.xml")
		if err := os.WriteFile(file, fmt.Appendf(nil, guestXML, overlay, fmt.Sprintf(tc.seed, seed)), 0o644); err != nil {
			t.Fatal(err)
		}
		h.Virsh("define", file)
		begin := time.Now()
		h.Virsh("start", "tiny")
		line := h.Console(t, "tiny", "PROOF ", 2*time.Minute)
		t.Logf("after %v: %s", time.Since(begin).Round(100*time.Millisecond), line)
		for _, want := range []string{tc.dev, "hostname=web-1", "instance-id=i-7", "user-data=" + hex.EncodeToString(sum[:]), "network-config=none", "vda:2147483648", "cpus=1", "ip=192.168.122."} {
			if !strings.Contains(line, want) {
				t.Errorf("the guest does not say %q", want)
			}
		}
		await(t, "the agent answers", func() bool {
			_, err := h.VirshErr("qemu-agent-command", "tiny", `{"execute":"guest-ping"}`)
			return err == nil
		})
		begin = time.Now()
		h.Virsh("shutdown", "tiny", "--mode", tc.shutdown)
		await(t, "the guest is off", func() bool { return strings.Contains(h.Virsh("domstate", "tiny"), "shut off") })
		t.Logf("off by %s after %v", tc.shutdown, time.Since(begin).Round(10*time.Millisecond))
		h.Virsh("undefine", "tiny")
	}
}

// makeSeed writes a cloud-init seed.
func makeSeed(t *testing.T, dir, userData string) string {
	t.Helper()
	src := t.TempDir()
	for name, content := range map[string]string{"meta-data": "instance-id: i-7\nlocal-hostname: \"web-1\"\n", "user-data": userData} {
		if err := os.WriteFile(filepath.Join(src, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	seed := filepath.Join(dir, "seed.iso")
	run(t, "genisoimage", "-quiet", "-R", "-V", "cidata", "-o", seed, filepath.Join(src, "meta-data"), filepath.Join(src, "user-data"))
	return seed
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

// await waits for a condition that a guest or a daemon brings about.
func await(t *testing.T, what string, met func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	end := time.After(time.Minute)
	for !met() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s: not within a minute", what)
		}
	}
}
