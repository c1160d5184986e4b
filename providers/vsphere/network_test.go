package vsphere

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// onPortGroup returns what a VMNetworkAttachment says of vSphere.
func onPortGroup(name, adapter string, slot int) *manifest.Network {
	return &manifest.Network{VSphere: &manifest.VSphereNetwork{Portgroup: name, AdapterType: adapter, PCISlot: slot}}
}

func TestInterfacesOfANewVM(t *testing.T) {
	ours := func(nic string) string { return anOwner.MAC(macPrefix, nic) }
	distributed := network{name: "dv", portgroupKey: "dvportgroup-7", switchUUID: "50 1b"}
	opaque := network{name: "seg", opaqueID: "nsx-1", opaqueType: "nsx.LogicalSwitch"}
	for _, r := range []struct {
		reason   string
		cards    int // of the template
		nics     []manifest.NIC
		networks map[string]network
		want     []string
	}{
		{"a template's interface that nobody wants is taken out", 1, nil, nil, []string{"remove vmxnet3  00:50:56:00:00:00 on standard old"}},
		{
			"an interface on a network takes the place of the template's", 1,
			[]manifest.NIC{{Name: "lan", Network: onPortGroup("new", "", 0)}}, map[string]network{"lan": aNetwork("new")},
			[]string{"remove vmxnet3  00:50:56:00:00:00 on standard old", "add vmxnet3 manual " + ours("lan") + " on standard new"},
		},
		{
			"one that names no network keeps the template's, under an address that is known", 2,
			[]manifest.NIC{{Name: "lan"}, {Name: "san", MAC: "00:50:56:01:02:03"}}, nil,
			[]string{
				"edit vmxnet3 manual " + ours("lan") + " on standard old",
				"edit vmxnet3 manual 00:50:56:01:02:03 on standard old",
			},
		},
		{
			"the template's are kept by their position", 2,
			[]manifest.NIC{{Name: "lan", Network: onPortGroup("dv", "e1000e", 0)}, {Name: "san"}},
			map[string]network{"lan": distributed},
			[]string{
				"remove vmxnet3  00:50:56:00:00:00 on standard old",
				"add e1000e manual " + ours("lan") + " on distributed dvportgroup-7",
				"edit vmxnet3 manual " + ours("san") + " on standard old",
			},
		},
		{
			"without one to keep, there is the default network", 0, []manifest.NIC{{Name: "lan"}},
			map[string]network{"lan": aNetwork("default")},
			[]string{"add vmxnet3 manual " + ours("lan") + " on standard default"},
		},
		{
			"a slot is asked for, and an opaque network plugged into", 0,
			[]manifest.NIC{{Name: "lan", Network: onPortGroup("seg", "e1000", 192)}}, map[string]network{"lan": opaque},
			[]string{"add e1000 manual " + ours("lan") + " on opaque nsx-1 slot 192"},
		},
	} {
		vm := aVM()
		vm.NICs = r.nics
		spec, m, err := assemble(creation{owner: anOwner, vm: vm, from: aTemplate("pvscsi", r.cards), networks: r.networks})
		if err != nil {
			t.Errorf("%s: %v", r.reason, err)
			continue
		}
		if diff := cmp.Diff(r.want, told(spec.DeviceChange)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.reason, diff)
		}
		for i, n := range m.NICs {
			if n.Name != r.nics[i].Name || n.MAC == "" || n.Key != 0 {
				t.Errorf("%s: the mark notes %+v of NIC %q", r.reason, n, r.nics[i].Name)
			}
		}
		for _, c := range spec.DeviceChange {
			s := c.GetVirtualDeviceConfigSpec()
			if how := s.Device.GetVirtualDevice().Connectable; s.Operation != types.VirtualDeviceConfigSpecOperationRemove &&
				(how == nil || !how.StartConnected || how.Connected) {
				t.Errorf("%s: an interface is connected %+v; want from the next start on", r.reason, how)
			}
		}
	}
}

func TestInterfacesThatCannotBe(t *testing.T) {
	eleven := func() (out []manifest.NIC) {
		for i := range maxNICs + 1 {
			out = append(out, manifest.NIC{Name: fmt.Sprint("n", i), Network: onPortGroup("net", "", 0)})
		}
		return out
	}()
	everywhere := map[string]network{"lan": aNetwork("net")}
	for _, n := range eleven {
		everywhere[n.Name] = aNetwork("net")
	}
	for _, r := range []struct {
		reason string
		nics   []manifest.NIC
		says   string
	}{
		{"no network, none to keep and no default", []manifest.NIC{{Name: "own"}}, "names no network"},
		{"an adapter that there is not", []manifest.NIC{{Name: "lan", Network: onPortGroup("net", "ne2000", 0)}}, "no adapter \"ne2000\""},
		{"an address of a group", []manifest.NIC{{Name: "lan", MAC: "01:50:56:00:00:01"}}, "not the hardware address"},
		{"an address that is none", []manifest.NIC{{Name: "lan", MAC: "00:50:56:00:01"}}, "not the hardware address"},
		{"an interface too many", eleven, "one too many"},
	} {
		vm := aVM()
		vm.NICs = r.nics
		_, _, err := assemble(creation{owner: anOwner, vm: vm, from: aTemplate("pvscsi", 0), networks: everywhere})
		wantKind(t, r.reason, err, providers.InvalidSpec, r.says)
	}
}

func TestWantedNetwork(t *testing.T) {
	names := nicNames()
	for _, r := range []struct {
		reason    string
		n         *manifest.Network
		pg, dvs   string
		kind      providers.Kind
		nic, card string // as Capabilities.NIC has them
	}{
		{"no network, no opinion", nil, "", "", "", "", ""},
		{"a network of other hypervisors", &manifest.Network{Libvirt: &manifest.LibvirtNetwork{}}, "", "", providers.InvalidSpec, "", ""},
		{"a port group", onPortGroup("net", "e1000", 0), "net", "", "", "net", "e1000"},
		{"an inventory path", onPortGroup("/DC0/network/prod/net", "", 0), "/DC0/network/prod/net", "", "", "net", "vmxnet3"},
		{"one of a switch", &manifest.Network{VSphere: &manifest.VSphereNetwork{Portgroup: "net", Switch: "dvs"}}, "net", "dvs", "", "net", "vmxnet3"},
	} {
		n := manifest.NIC{Name: "lan", Network: r.n}
		pg, dvs, err := wantedNetwork(n)
		wantKind(t, r.reason, err, r.kind, "")
		nic, card := names.Of(n)
		if pg != r.pg || dvs != r.dvs || nic != r.nic || card != r.card {
			t.Errorf("%s: %q of %q, reported as %q with %q", r.reason, pg, dvs, nic, card)
		}
	}
}

// TestNamesWithinInventoryPaths holds how manifests write a name and how
// vCenter does against each other.
func TestNamesWithinInventoryPaths(t *testing.T) {
	for _, name := range []string{"net", "a/b", `a\b`, "100%", "100%2f"} {
		written := pathName(name)
		if read, last := plainName.Replace(written), providers.LastElement("/DC0/network/"+written); read != name || last != name {
			t.Errorf("%q is read as %q, and at the end of a path as %q; want %q", written, read, last, name)
		}
	}
}

func TestInterfacesAreKnownByTheMark(t *testing.T) {
	a, b, c := "02:50:56:00:00:0a", "02:50:56:00:00:0b", "02:50:56:00:00:0c"
	for _, r := range []struct {
		reason string
		notes  []markNIC
		macs   []string // of the devices, whose keys are 4000, 4001 …
		want   []string
	}{
		{"by the address where the key is not known", []markNIC{{"a", 0, a}, {"b", 0, b}}, []string{b, a}, []string{"b", "a"}},
		{"by the key where it is, whatever the address", []markNIC{{"a", 4001, a}, {"b", 4000, b}}, []string{c, a}, []string{"b", "a"}},
		{"in any spelling", []markNIC{{"a", 0, a}}, []string{"02:50:56:00:00:0A"}, []string{"a"}},
		{"one that is left over is the one whose address was changed", []markNIC{{"a", 0, a}, {"b", 0, b}}, []string{c, b}, []string{"a", "b"}},
		{"two that are left over are strangers", []markNIC{{"a", 0, a}, {"b", 0, b}}, []string{c, "02:50:56:00:00:0d"}, []string{"", ""}},
		{"one more is a stranger", []markNIC{{"a", 0, a}}, []string{a, c}, []string{"a", ""}},
		{"one whose key is gone and whose address nobody has is gone", []markNIC{{"a", 4005, a}}, []string{c}, []string{""}},
		{"one whose key is gone may have come back", []markNIC{{"a", 4005, a}}, []string{a}, []string{"a"}},
	} {
		var devices object.VirtualDeviceList
		for i, mac := range r.macs {
			devices = append(devices, aCard(int32(4000+i), mac, "net"))
		}
		var got []string
		for _, n := range nicsOf(devices, &mark{NICs: r.notes}, nil) {
			got = append(got, n.Name)
		}
		if diff := cmp.Diff(r.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.reason, diff)
		}
	}
}

func TestNamesOfNetworks(t *testing.T) {
	names := networkNames{"dvportgroup-7": "dv", "nsx-1": "seg"}
	cards := object.VirtualDeviceList{}
	for i, n := range []network{
		aNetwork("net"), {name: "dv", portgroupKey: "dvportgroup-7"}, {name: "seg", opaqueID: "nsx-1"}, {portgroupKey: "dvportgroup-8"},
	} {
		c := aCard(int32(4000+i), "02:50:56:00:00:01", "")
		c.Backing = n.backing()
		cards = append(cards, c)
	}
	none := &types.VirtualSriovEthernetCard{}
	none.Key = 4009
	var got []string
	for _, n := range nicsOf(append(cards, none), nil, names) {
		got = append(got, n.Model+" "+n.Network)
	}
	want := []string{"vmxnet3 net", "vmxnet3 dv", "vmxnet3 seg", "vmxnet3 ", "sriov "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("networks (-want +got):\n%s", diff)
	}
}
