package manifest

import (
	"strings"
	"testing"
)

// TestAnImageIsWhatItsProviderReads is about what makes an image another one
// for the VMs that exist: what it says to hypervisors of another type, its
// name and how it is brought are nothing to them.
func TestAnImageIsWhatItsProviderReads(t *testing.T) {
	const libvirt, vsphere = "    libvirt:\n      path: /images/debian.qcow2\n", "    vsphere:\n      templateName: debian\n"
	digest := func(kind, name, source, more string) string {
		t.Helper()
		files := fleet()
		files["image.yaml"] = envelope(KindVMImage, name) + "spec:\n  source:\n" + source + more
		files["vm.yaml"] = strings.Replace(vmText("web", ""), "name: debian", "name: "+name, 1)
		opts := host()
		opts.Types = map[Key]string{{Name: "lab"}: kind}
		d := Resolve(Load(tree(files), Options{}), opts)
		if len(d.VMs) != 1 {
			t.Fatalf("%d VMs\n%s", len(d.VMs), lines(d.Findings))
		}
		return d.VMs[0].Image.Digest
	}
	before := digest("libvirt", "debian", libvirt, "")
	for _, r := range []struct {
		reason, kind, name, source, more string
		same                             bool
	}{
		{"what it says to vSphere is nothing to libvirt", "libvirt", "debian", libvirt + vsphere, "", true},
		{"its name says nothing of what is in it", "libvirt", "other", libvirt, "", true},
		{"nor does how it is brought", "libvirt", "debian", libvirt, "  prepare:\n    onMissing: Fail\n", true},
		{"another path is another image", "libvirt", "debian", strings.Replace(libvirt, "debian", "trixie", 1), "", false},
		{"a place to fetch it from may be what is read", "libvirt", "debian", libvirt + "    http:\n      url: https://example.com/x.qcow2\n", "", false},
		{"to vSphere it is what vSphere reads", "vsphere", "debian", libvirt + vsphere, "", false},
		{"a provider of an unknown type may read anything", "", "debian", libvirt + vsphere, "", false},
	} {
		if got := digest(r.kind, r.name, r.source, r.more); (got == before) != r.same {
			t.Errorf("%s: same %t, want %t", r.reason, got == before, r.same)
		}
	}
	if digest("vsphere", "debian", libvirt+vsphere, "") != digest("vsphere", "debian", vsphere, "") {
		t.Error("what an image says to libvirt is something to vSphere")
	}
}
