package libvirt

import (
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got); run with -update if that is right:\n%s", name, diff)
	}
}

func TestDomainDocument(t *testing.T) {
	plain := &manifest.VM{
		Key: manifest.Key{Namespace: "prod", Name: "db"}, CPU: 2, MemoryMiB: 1024, Firmware: manifest.FirmwareBIOS,
		Image: &manifest.Image{Digest: "sha256:image"}, Tags: []string{"a&b"},
	}
	rich := *plain
	rich.CPUHotAdd, rich.Firmware, rich.SecureBoot, rich.TPM, rich.VTd, rich.NestedVirt = true, manifest.FirmwareUEFI, true, true, true, true
	cases := []struct {
		name string
		b    blueprint
	}{
		{"plain.xml", blueprint{
			vm: plain, host: hostFacts{domainType: typeQEMU, arch: "x86_64", machine: "q35"},
			disks: []disk{{name: "root", path: "/p/root.qcow2", format: "qcow2"}},
		}},
		{"rich.xml", blueprint{
			vm: &rich, host: hostFacts{domainType: typeKVM, arch: "x86_64", machine: "q35", cpuVendor: "AMD"},
			disks: []disk{
				{name: "root", path: "/p/root.qcow2", format: "qcow2"},
				{name: "data", path: "/dev/vg/data", block: true, format: "raw"},
				{name: "logs", path: "/p/logs.qcow2", format: "qcow2", scsi: &manifest.SCSI{Controller: 1}},
			},
			nics: []nic{
				{name: "front", network: "default", model: "virtio", mac: "52:54:00:00:00:01", mtu: 9000},
				{name: "back", bridge: "br0", model: "e1000e", mac: "52:54:00:00:00:02"},
			},
			seed: "/p/seed.iso",
		}},
	}
	for _, c := range cases {
		o := providers.Owner{Fleet: "lab", VM: c.b.vm.Key}
		c.b.mark = newMark(o, c.b.vm)
		for _, d := range c.b.disks {
			c.b.mark.Disks = append(c.b.mark.Disks, markDisk{Name: d.name, Pool: "p", Volume: d.name, Path: d.path})
		}
		for _, n := range c.b.nics {
			c.b.mark.setNIC(n.name, n.mac)
		}
		got, err := c.b.domainXML()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, c.name, got+"\n")
		checkRead(t, got, &c.b)
	}
}

// checkRead reads a document back and compares it with what it was made from.
func checkRead(t *testing.T, document string, b *blueprint) {
	t.Helper()
	d, err := readDomain(document)
	if err != nil {
		t.Fatal(err)
	}
	mark := d.Metadata.Mark
	if f := mark.facts(d.UUID); f == nil || f.Owner != b.mark.owner() || f.Image != "sha256:image" || mark.Tags[0] != "a&b" {
		t.Errorf("mark %+v", mark)
	}
	h := d.hardware(mark, sizes{byTarget: map[string]uint64{"vda": 5 * gib}})
	if h.CPU.Value != b.vm.CPU || h.CPUMax.Value != cpuRoom(b.vm.CPU, b.vm.CPUHotAdd) || h.MemoryMiB.Value != b.vm.MemoryMiB || h.Firmware.Value != b.vm.Firmware {
		t.Errorf("hardware %+v", h)
	}
	if len(h.Disks) != len(b.disks) || h.Disks[0].SizeGiB.Value != 5 || len(h.NICs) != len(b.nics) {
		t.Errorf("disks %+v, NICs %+v", h.Disks, h.NICs)
	}
	for i, n := range b.nics {
		want := providers.NIC{Name: n.name, Network: n.where(), Model: n.model, MAC: n.mac}
		if diff := cmp.Diff(want, h.NICs[i]); diff != "" {
			t.Error(diff)
		}
	}
}

func FuzzReadDomain(f *testing.F) {
	for _, name := range []string{"plain.xml", "rich.xml"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Add(`<domain><vcpu current='9'>2</vcpu><memory unit='GiB'>1</memory></domain>`)
	f.Fuzz(func(t *testing.T, document string) {
		d, err := readDomain(document)
		if err != nil {
			return
		}
		h := d.hardware(d.Metadata.Mark, sizes{})
		if h.CPU.Known && h.CPU.Value < 1 || h.MemoryMiB.Known && h.MemoryMiB.Value < 0 {
			t.Errorf("hardware %+v", h)
		}
		d.Metadata.Mark.facts(d.UUID)
		if s, err := openSheet(document); err == nil {
			_ = s.setCPU(3)
			_ = s.setMemory(64)
			if m := d.Metadata.Mark; m != nil {
				_ = s.setMark(m)
			}
			if text, err := s.text(); err == nil && !strings.Contains(text, "domain") {
				t.Errorf("the sheet became %q", text)
			}
		}
	})
}

func TestCutControllersChangeNothing(t *testing.T) {
	for _, name := range []string{"plain.xml", "rich.xml", "foreign.xml"} {
		document, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		var whole domainDoc
		if err := xml.Unmarshal(document, &whole); err != nil {
			t.Fatal(err)
		}
		cut, err := readDomain(string(document))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&whole, cut); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	const odd = "<domain>\n  <devices>\n    <controller type='usb'/>\n    <controller type='pci'><x/></controller>\n    <disk device='disk'/>\n    <controller "
	if got := string(withoutControllers(odd[:len(odd)-len("\n    <controller ")])); got != "<domain>\n  <devices>\n    <disk device='disk'/>" {
		t.Errorf("%q", got)
	}
	if got := string(withoutControllers(odd)); got != odd {
		t.Errorf("a document that ends early became %q", got)
	}
}

func TestTargetNames(t *testing.T) {
	for i, want := range map[int]string{0: "vda", 25: "vdz", 26: "vdaa", 51: "vdaz", 52: "vdba", 701: "vdzz", 702: "vdaaa"} {
		if got := targetName("vd", i); got != want || targetIndex(got) != i {
			t.Errorf("%d: %s, and back %d; want %s", i, got, targetIndex(got), want)
		}
	}
	for _, bad := range []string{"", "vd", "hdA", "vd1"} {
		if got := targetIndex(bad); got != -1 {
			t.Errorf("%q is number %d", bad, got)
		}
	}
}

func TestPatchTouchesNothingElse(t *testing.T) {
	document, err := os.ReadFile("testdata/foreign.xml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := openSheet(string(document))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := s.text(); err != nil || text != string(document) {
		t.Errorf("reading and writing changes the document: %v\n%s", err, cmp.Diff(string(document), text))
	}
	m := newMark(providers.Owner{Fleet: "lab", VM: manifest.Key{Namespace: "prod", Name: "db"}}, &manifest.VM{Tags: []string{"new"}})
	if err := s.setCPU(3); err != nil {
		t.Fatal(err)
	}
	if err := s.setMemory(2048); err != nil {
		t.Fatal(err)
	}
	if err := s.setMark(m); err != nil {
		t.Fatal(err)
	}
	plug(s.nic("52:54:00:AA:00:01"), nic{bridge: "br0"})
	s.removeNIC("52:54:00:aa:00:02")
	text, err := s.text()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "foreign-patched.xml", text)
}
