package libvirt

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/iso9660"
	"github.com/google/go-cmp/cmp"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// readISO returns the files of an image, as another's code reads it.
func readISO(t *testing.T, img []byte) (label string, files map[string]string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "seed.iso")
	if err := os.WriteFile(name, img, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fs, err := iso9660.Read(file.New(f, true), int64(len(img)), 0, 2048)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := fs.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	for _, e := range entries {
		b, err := fs.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(b)
	}
	return strings.TrimSpace(fs.Label()), files
}

func seedVM() (providers.Owner, *manifest.VM) {
	vm := &manifest.VM{
		Key: manifest.Key{Namespace: "prod", Name: "db"},
		NICs: []manifest.NIC{
			{Name: "front", Network: &manifest.Network{MTU: 9000}, Static: &manifest.StaticAddress{
				Address: "10.0.0.5", Prefix: 24, Gateway: "10.0.0.1", DNS: []string{"10.0.0.2"}, Search: []string{"example.org"},
				Routes: []manifest.Route{{Destination: "10.9.0.0/16", Gateway: "10.0.0.9", Metric: 7}},
			}},
			{Name: "back"},
		},
		CloudInit: manifest.CloudInit{
			UserData: secret.New("#cloud-config\n" + strings.Repeat("x", 5000)),
			MetaData: secret.New("local-hostname: other\npublic-keys: [k]\n"),
		},
	}
	return providers.Owner{Fleet: "lab", VM: vm.Key}, vm
}

func TestSeed(t *testing.T) {
	o, vm := seedVM()
	macs := map[string]string{"front": "52:54:00:00:00:01", "back": "52:54:00:00:00:02"}
	img, err := seedImage(o, vm, macs)
	if err != nil {
		t.Fatal(err)
	}
	again, err := seedImage(o, vm, macs)
	if err != nil || !bytes.Equal(img, again) {
		t.Errorf("the same VM gives another image: %v", err)
	}
	label, files := readISO(t, img)
	want := map[string]string{
		"user-data": vm.CloudInit.UserData.Reveal(),
		"meta-data": "instance-id: " + o.UUID().String() + "\nlocal-hostname: other\npublic-keys:\n    - k\n",
		"network-config": `version: 2
ethernets:
    back:
        match:
            macaddress: "52:54:00:00:00:02"
        dhcp4: true
    front:
        match:
            macaddress: "52:54:00:00:00:01"
        dhcp4: false
        addresses:
            - 10.0.0.5/24
        routes:
            - to: 0.0.0.0/0
              via: 10.0.0.1
            - to: 10.9.0.0/16
              via: 10.0.0.9
              metric: 7
        nameservers:
            addresses:
                - 10.0.0.2
            search:
                - example.org
        mtu: 9000
`,
	}
	if diff := cmp.Diff(want, files); diff != "" || label != seedLabel {
		t.Errorf("label %q, files (-want +got):\n%s", label, diff)
	}
}

func TestSeedWithoutStaticAddresses(t *testing.T) {
	o, vm := seedVM()
	vm.NICs[0].Static = nil
	vm.CloudInit.MetaData = secret.Text{}
	img, err := seedImage(o, vm, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, files := readISO(t, img)
	if _, ok := files["network-config"]; ok || files["meta-data"] != "instance-id: "+o.UUID().String()+"\nlocal-hostname: db\n" {
		t.Errorf("files %q", files)
	}
	if vm.CloudInit.UserData = (secret.Text{}); wantsSeed(vm) {
		t.Error("a VM without first-boot data wants a seed")
	}
}

func TestSeedDoesNotQuoteSecrets(t *testing.T) {
	o, vm := seedVM()
	vm.CloudInit.MetaData = secret.New("hunter2: [")
	_, err := seedImage(o, vm, nil)
	wantKind(t, err, providers.InvalidSpec)
	if strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}
