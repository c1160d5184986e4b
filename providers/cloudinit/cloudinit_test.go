package cloudinit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

func TestNetworkOf(t *testing.T) {
	lan := manifest.NIC{Name: "lan", Network: &manifest.Network{MTU: 9000}}
	fixed := manifest.NIC{Name: "back", Static: &manifest.StaticAddress{
		Address: "192.0.2.7", Prefix: 24, Gateway: "192.0.2.1",
		Routes: []manifest.Route{{Destination: "198.51.100.0/24", Gateway: "192.0.2.2", Metric: 7}},
		DNS:    []string{"192.0.2.53"}, Search: []string{"example.org"},
	}}
	macs := map[string]string{"lan": "52:54:00:00:00:01", "back": "52:54:00:00:00:02"}
	for _, tc := range []struct {
		reason string
		nics   []manifest.NIC
		want   string
	}{
		{"no interface", nil, "null\n"},
		{"all by DHCP, which is the guest's own habit", []manifest.NIC{lan}, "null\n"},
		{"one fixed address: the others must be said too", []manifest.NIC{lan, fixed}, `version: 2
ethernets:
    back:
        match:
            macaddress: "52:54:00:00:00:02"
        dhcp4: false
        addresses:
            - 192.0.2.7/24
        routes:
            - to: 0.0.0.0/0
              via: 192.0.2.1
            - to: 198.51.100.0/24
              via: 192.0.2.2
              metric: 7
        nameservers:
            addresses:
                - 192.0.2.53
            search:
                - example.org
    lan:
        match:
            macaddress: "52:54:00:00:00:01"
        dhcp4: true
        mtu: 9000
`},
	} {
		got, err := yaml.Marshal(NetworkOf(tc.nics, macs))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
}

func TestMetaData(t *testing.T) {
	o := providers.Owner{Fleet: "lab", VM: manifest.Key{Namespace: "default", Name: "web"}}
	for _, tc := range []struct {
		reason, text string
		want         map[string]any
	}{
		{"nothing is written", "", map[string]any{"instance-id": o.UUID().String(), "local-hostname": "web"}},
		{"what is written stays", "instance-id: i-1\nzone: a\n", map[string]any{"instance-id": "i-1", "local-hostname": "web", "zone": "a"}},
	} {
		got, err := MetaData(o, secret.New(tc.text))
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", tc.reason, err, diff)
		}
	}
	if got, err := MetaData(o, secret.New("- hunter2")); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a list: want an error that does not quote it, got %v, %v", got, err)
	}
}
