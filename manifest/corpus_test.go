package manifest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// corpusFS opens the real manifests, which lie beside the repository.
func corpusFS(t *testing.T) fs.FS {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "corpus", "virtrigaud")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the corpus of real manifests must be there in CI: %v", err)
		}
		t.Skipf("the corpus of real manifests is not beside the repository: %v", err)
	}
	return os.DirFS(dir)
}

const (
	powerReason = "VirtRigaud refuses the unquoted powerState; we read it, so that the rest alone counts"
	cleanReason = "VirtRigaud accepts it as it is"
)

// corpus has every file with what is wrong in it: the severity, kind and field,
// with a count where several documents have the fault.
var corpus = []struct {
	file, reason string
	documents    int
	faults       []string
}{
	{"cloud-init-with-metadata.yaml", powerReason, 4, []string{
		"warning VirtualMachine spec.metaData.inline", "warning VirtualMachine spec.metaData.secretRef",
		"warning VirtualMachine spec.networks[].ipPolicy ×3"}},
	{"complete-example.yaml", cleanReason, 6, nil},
	{"disk-sizing-examples.yaml", powerReason, 8, []string{"warning VMClass spec.diskDefaults.sizeGiB ×3"}},
	{"libvirt-complete-example.yaml", cleanReason, 6, nil},
	{"nested-virtualization.yaml", powerReason, 6, []string{
		"warning VMNetworkAttachment spec.ipPolicy", "warning VMNetworkAttachment spec.network.vsphere.vlan.vlanId",
		"warning VirtualMachine spec.networks[].ipPolicy"}},
	{"provider-libvirt.yaml", cleanReason, 1, nil},
	{"provider-vsphere.yaml", cleanReason, 1, nil},
	{"proxmox-complete-example.yaml", "classes, images and networks of an earlier API; " + powerReason, 14, []string{
		"error VMClass spec.cpu ×2", "error VMImage spec.source ×2", "error VMNetworkAttachment spec.network ×2",
		"warning VMClass spec.cpus ×2", "warning VMClass spec.disks ×2",
		"warning VMImage spec.description ×2", "warning VMImage spec.storageClass",
		"warning VMNetworkAttachment spec.networkRef", "warning VMNetworkAttachment spec.networks",
		"warning VMSnapshot spec.description ×2", "warning VMSnapshot spec.includeMemory ×2",
		"warning VirtualMachine spec.networkAttachmentRef ×4"}},
	{"snapshot-lifecycle.yaml", "unknown fields only; that 30d is not a duration is our own warning", 3, []string{
		"warning VMSnapshot spec.description ×3", "warning VMSnapshot spec.memory ×3", "warning VMSnapshot spec.nameHint ×3",
		"warning VMSnapshot spec.retentionPolicy.maxAge ×3"}},
	{"vm-ubuntu-small.yaml", "an empty address fails the pattern; " + powerReason, 1, []string{"error VirtualMachine spec.networks[].ipAddress"}},
	{"vmclass-small.yaml", cleanReason, 1, nil},
	{"vmclone-basic.yaml", cleanReason, 1, nil},
	{"vmimage-prepare-on-create.yaml", "an empty address fails the pattern; " + powerReason, 2, []string{"error VirtualMachine spec.networks[].ipAddress"}},
	{"vmimage-ubuntu.yaml", cleanReason, 1, nil},
	{"vmmigration-basic.yaml", cleanReason, 1, nil},
	{"vmnetwork-app.yaml", "unknown fields only", 1, []string{"warning VMNetworkAttachment spec.network.vsphere.distributed"}},
	{"vsphere-hardware-versions.yaml", powerReason, 8, []string{"warning VMClass spec.diskDefaults.sizeGiB ×6"}},
}

func TestCorpus(t *testing.T) {
	fsys := corpusFS(t)
	set := Load(fsys, Options{})
	if !set.Complete || set.Files != len(corpus) {
		t.Errorf("complete %v, %d files, want true and %d", set.Complete, set.Files, len(corpus))
	}
	documents, faults := map[string]int{}, map[string][]string{}
	for _, d := range set.Documents {
		documents[d.At.File]++
	}
	index := regexp.MustCompile(`\[\d+\]`)
	for _, f := range set.Findings {
		faults[f.At.File] = append(faults[f.At.File], fmt.Sprintf("%s %s %s", f.Severity, f.Kind, index.ReplaceAllString(f.Field, "[]")))
	}
	for _, tc := range corpus {
		if documents[tc.file] != tc.documents {
			t.Errorf("%s: %d documents of our kinds, want %d", tc.file, documents[tc.file], tc.documents)
		}
		if diff := cmp.Diff(tc.faults, counted(faults[tc.file])); diff != "" {
			t.Errorf("%s (%s): faults (-want +got):\n%s", tc.file, tc.reason, diff)
		}
		delete(documents, tc.file)
	}
	for file := range documents {
		t.Errorf("%s has no row", file)
	}
}

// counted sorts, and writes equal lines once with their number.
func counted(all []string) []string {
	slices.Sort(all)
	var out []string
	for i := 0; i < len(all); {
		n := 1
		for i+n < len(all) && all[i+n] == all[i] {
			n++
		}
		if out = append(out, all[i]); n > 1 {
			out[len(out)-1] += fmt.Sprintf(" ×%d", n)
		}
		i += n
	}
	return out
}

// One file at a time, for the samples repeat each other's names.
func TestCorpusResolves(t *testing.T) {
	fsys := corpusFS(t)
	for _, tc := range []struct {
		file, provider string
		check          func(*VM) bool
		reason         string
	}{
		{"complete-example.yaml", "vsphere-prod", func(v *VM) bool {
			return v.CPU == 2 && v.MemoryMiB == 4096 && v.Firmware == FirmwareUEFI && v.RootDisk.SizeGiB == 40 &&
				v.Image.VSphere.Template == "ubuntu-22.04-cloudimg" && v.Image.OnMissing == "Fail" && v.NICs[0].Network.VSphere.Portgroup == "VM Network" &&
				v.Disks[0].SizeGiB == 100 && v.Shutdown.Timeout.Seconds() == 90 && v.Placement.Datastore == "datastore1" && !v.CloudInit.Empty()
		}, "all of it, on vSphere"},
		{"libvirt-complete-example.yaml", "libvirt-local", func(v *VM) bool {
			return v.CPU == 2 && v.MemoryMiB == 2048 && v.Autostart != nil && !*v.Autostart && v.Image.Libvirt != nil && v.NICs[0].Network.Libvirt != nil
		}, "all of it, on libvirt"},
	} {
		text, err := fs.ReadFile(fsys, tc.file)
		if err != nil {
			t.Fatal(err)
		}
		d := Resolve(Load(fstest.MapFS{tc.file: {Data: text}}, Options{}), ResolveOptions{Providers: []Key{{Name: tc.provider}}})
		if len(d.VMs) != 1 || len(d.Held) != 0 {
			t.Errorf("%s: %d VMs, %d held\n%s", tc.file, len(d.VMs), len(d.Held), lines(d.Findings))
			continue
		}
		if !tc.check(d.VMs[0]) {
			t.Errorf("%s: %s: %+v", tc.file, tc.reason, d.VMs[0])
		}
	}
}

// The example fleet of this repository is loaded as strictly as can be.
func TestExamplesLoadStrictly(t *testing.T) {
	const dir = "../manifests-example"
	set := Load(os.DirFS(dir), Options{Strict: true})
	if len(set.Findings) > 0 || !set.Complete {
		t.Errorf("findings:\n%s", lines(set.Findings))
	}
	providers, _, findings := Providers(Load(os.DirFS(dir+"/providers.d"), Options{Strict: true}))
	if len(providers) != 2 || len(findings) != 0 || providers[0].Credentials.First("ssh-privatekey").Empty() ||
		providers[1].Credentials.First("password").Empty() {
		t.Fatalf("%d providers\n%s", len(providers), lines(findings))
	}
	d := Resolve(set, ResolveOptions{Providers: []Key{providers[0].Key, providers[1].Key}})
	var names []string
	for _, vm := range d.VMs {
		names = append(names, vm.Key.Name)
	}
	if got := strings.Join(names, " "); got != "app-1 build-1 db-1 web-1" || len(d.Held) > 0 || len(d.Findings) > 0 {
		t.Errorf("VMs %s, %d held\n%s", got, len(d.Held), lines(d.Findings))
	}
}
