package providers_test

import (
	"regexp"
	"testing"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

func owner(fleet, namespace, name string) providers.Owner {
	return providers.Owner{Fleet: fleet, VM: manifest.Key{Namespace: namespace, Name: name}}
}

// TestIdentitiesNeverChange holds the identities of VMs that exist: another
// value here would make a second VM of each.
func TestIdentitiesNeverChange(t *testing.T) {
	for _, row := range []struct {
		owner    providers.Owner
		uuid     string
		mac      string // of eth0
		readable string
	}{
		{owner("lab", "default", "web-1"), "937dc9bb-3d72-563f-877a-bd2918494d45", "52:54:00:37:45:c2", "lab/default/web-1"},
		{owner("prod", "shop", "db"), "05a2218d-6e7e-5177-91b7-a6bda0b4c2d5", "52:54:00:b2:29:02", "prod/shop/db"},
		{owner("", "", ""), "934bef37-59ad-5ce7-9929-18dc1370b257", "52:54:00:f9:55:b1", "/"},
	} {
		if got := row.owner.UUID().String(); got != row.uuid {
			t.Errorf("UUID of %s = %s, want %s", row.owner, got, row.uuid)
		}
		if got := row.owner.MAC("52:54:00", "eth0"); got != row.mac {
			t.Errorf("MAC of %s = %s, want %s", row.owner, got, row.mac)
		}
		if got := row.owner.String(); got != row.readable {
			t.Errorf("String = %q, want %q", got, row.readable)
		}
	}
}

func TestIdentitiesDiffer(t *testing.T) {
	seen := map[string]providers.Owner{}
	for _, o := range []providers.Owner{
		owner("lab", "default", "web-1"), owner("lab", "default", "web-2"), owner("lab", "other", "web-1"),
		owner("prod", "default", "web-1"), owner("lab", "a", "b/c"), owner("lab", "a/b", "c"), owner("lab/a", "b", "c"),
	} {
		id := o.UUID()
		if twin, taken := seen[id.String()]; taken {
			t.Errorf("%+v and %+v have one identity", o, twin)
		}
		seen[id.String()] = o
		if id.Version() != 5 {
			t.Errorf("%s is of version %d, want 5", id, id.Version())
		}
	}
}

func TestAddressesAreBelowTheirPrefix(t *testing.T) {
	o := owner("lab", "default", "web-1")
	form := regexp.MustCompile(`^52:54:00(:[0-9a-f]{2}){3}$`)
	seen := map[string]bool{}
	for _, nic := range []string{"eth0", "eth1", "lan", ""} {
		mac := o.MAC("52:54:00", nic)
		if !form.MatchString(mac) || seen[mac] {
			t.Errorf("address of %q is %q: want one of its own, lower case, with colons", nic, mac)
		}
		seen[mac] = true
	}
	if a, b := o.MAC("52:54:00", "eth0"), o.MAC("00:50:56", "eth0"); a[8:] != b[8:] {
		t.Errorf("the prefix changes the rest: %s, %s", a, b)
	}
}
