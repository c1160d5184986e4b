package memory_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/memory"
)

func TestNetworkOpinion(t *testing.T) {
	names := connect(memory.Nature{}).Capabilities().NIC
	key := manifest.Key{Namespace: "default", Name: "lan"}
	for _, row := range []struct {
		network *manifest.Network
		want    string
		reason  string
	}{
		{nil, " ", "the template's interface is kept"},
		{&manifest.Network{Key: key}, "lan virtio", "the attachment's own name"},
		{&manifest.Network{Key: key, Libvirt: &manifest.LibvirtNetwork{Network: "n", Bridge: "br0", Model: "e1000"}}, "br0 e1000", "a bridge wins"},
		{&manifest.Network{Key: key, Libvirt: &manifest.LibvirtNetwork{Network: "n"}}, "n virtio", "else the network"},
		{&manifest.Network{Key: key, VSphere: &manifest.VSphereNetwork{Portgroup: "pg"}}, "pg virtio", "else the port group"},
	} {
		network, model := names.Of(manifest.NIC{Name: "eth0", Network: row.network})
		if got := network + " " + model; got != row.want {
			t.Errorf("%+v: %q, want %q: %s", row.network, got, row.want, row.reason)
		}
	}
}

func TestCountsTellReadsFromWrites(t *testing.T) {
	p := connect(memory.Nature{})
	create(t, p, "web-1")
	for range 3 {
		_, _ = p.List(t.Context())
	}
	p.Hypervisor().Cut()
	_, _ = p.List(t.Context())
	if got := fmt.Sprint(p.Hypervisor().Counts()); got != "map[create:1 list:4]" {
		t.Errorf("counts = %s, want one create and four lists", got)
	}
	if calls := strings.Join(p.Hypervisor().Calls(), "\n"); calls != "create lab/default/web-1" {
		t.Errorf("reads are in the log of calls:\n%s", calls)
	}
}

func BenchmarkList(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := connect(memory.Nature{})
			for i := range n {
				name := fmt.Sprint("vm-", i)
				if _, err := p.Create(context.Background(), providers.CreateRequest{Owner: owner(name), VM: wanted(name)}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if inv, err := p.List(context.Background()); err != nil || len(inv.VMs) != n {
					b.Fatal(err)
				}
			}
		})
	}
}
