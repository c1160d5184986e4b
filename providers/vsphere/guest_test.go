package vsphere

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// decodeGuest returns the texts of guestinfo as a guest reads them.
func decodeGuest(t *testing.T, options []types.BaseOptionValue) map[string]string {
	t.Helper()
	raw, out := map[string]string{}, map[string]string{}
	for _, o := range options {
		v := o.GetOptionValue()
		if strings.HasPrefix(v.Key, "guestinfo.") {
			raw[v.Key] = fmt.Sprint(v.Value)
		}
	}
	for key, value := range raw {
		if strings.HasSuffix(key, ".encoding") {
			continue
		}
		if e := raw[key+".encoding"]; e != "gzip+base64" {
			t.Errorf("%s is said to be encoded as %q", key, e)
		}
		packed, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		out[key] = string(text)
	}
	return out
}

func guestVM() (providers.Owner, *manifest.VM) {
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
			Ignition: secret.New(`{"ignition":{"version":"3.3.0"}}`),
		},
	}
	return providers.Owner{Fleet: "lab", VM: vm.Key}, vm
}

func TestGuestInfo(t *testing.T) {
	o, vm := guestVM()
	macs := map[string]string{"front": "02:50:56:00:00:01", "back": "02:50:56:00:00:02"}
	got, err := guestInfo(o, vm, macs)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := guestInfo(o, vm, macs); err != nil || !cmp.Equal(got, again) {
		t.Errorf("the same VM gives other data: %v", err)
	}
	want := map[string]string{
		guestUserData: vm.CloudInit.UserData.Reveal(),
		guestIgnition: vm.CloudInit.Ignition.Reveal(),
		guestMetaData: "instance-id: " + o.UUID().String() + `
local-hostname: other
network:
    version: 2
    ethernets:
        back:
            match:
                macaddress: "02:50:56:00:00:02"
            dhcp4: true
        front:
            match:
                macaddress: "02:50:56:00:00:01"
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
public-keys:
    - k
`,
	}
	if diff := cmp.Diff(want, decodeGuest(t, got)); diff != "" {
		t.Errorf("guestinfo (-want +got):\n%s", diff)
	}
}

func TestGuestInfoIsOnlyWhatIsNeeded(t *testing.T) {
	o, full := guestVM()
	meta := "instance-id: " + o.UUID().String() + "\nlocal-hostname: db\n"
	for _, r := range []struct {
		reason string
		vm     manifest.VM
		want   map[string]string
	}{
		{"no first-boot data and no static address: nothing", manifest.VM{NICs: full.NICs[1:]}, map[string]string{}},
		{"user data comes with an identity", manifest.VM{CloudInit: manifest.CloudInit{UserData: secret.New("#!x")}},
			map[string]string{guestUserData: "#!x", guestMetaData: meta}},
		{"a guest of Ignition needs no metadata", manifest.VM{CloudInit: manifest.CloudInit{Ignition: secret.New("{}")}},
			map[string]string{guestIgnition: "{}"}},
	} {
		got, err := guestInfo(o, &r.vm, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r.want, decodeGuest(t, got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.reason, diff)
		}
	}
}

func TestGuestInfoRefusesWithoutQuotingSecrets(t *testing.T) {
	for _, r := range []struct{ reason, meta string }{
		{"metadata that is not YAML", "hunter2: ["},
		{"metadata that is not a mapping", "[hunter2]"},
		{"two network configurations", "network: {hunter2: 1}"},
	} {
		o, vm := guestVM()
		vm.CloudInit.MetaData = secret.New(r.meta)
		_, err := guestInfo(o, vm, nil)
		if providers.KindOf(err) != providers.InvalidSpec || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v (%s)", r.reason, err, providers.KindOf(err))
		}
	}
}
