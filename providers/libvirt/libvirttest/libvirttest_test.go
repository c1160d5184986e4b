package libvirttest_test

import (
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
