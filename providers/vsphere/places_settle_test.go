package vsphere

import (
	"strings"
	"testing"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// settled decides where a VM of that placement goes.
func settled(t *testing.T, srv *vcsim.Server, p manifest.Placement) (*site, error) {
	t.Helper()
	l := layoutOf(t, srv)
	s, err := l.site(wishes(p, providers.Defaults{}), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, s.settle(t.Context(), srv.Client())
}

// setStore changes what a datastore says of itself.
func setStore(t *testing.T, srv *vcsim.Server, name string, change func(*types.DatastoreSummary)) {
	t.Helper()
	ctx := srv.Simulator().Context
	ds := ctx.Map.Get(layoutOf(t, srv).named(kindDatastore, name)[0].ref).(*simulator.Datastore)
	ctx.WithLock(ds, func() { change(&ds.Summary) })
}

func TestTheRoomiestMemberOfADatastoreCluster(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	place := manifest.Placement{Cluster: "DC0_C0", StoragePod: "DC0_POD0"}
	for _, r := range []struct {
		reason string
		change func(*types.DatastoreSummary) // of the roomier member
		want   string
	}{
		{"the one with most free space", func(*types.DatastoreSummary) {}, "DC0_POD0_DS1"},
		{"not one in maintenance", func(s *types.DatastoreSummary) { s.MaintenanceMode = "inMaintenance" }, "DC0_POD0_DS0"},
		{"nor one that is not accessible", func(s *types.DatastoreSummary) { s.Accessible, s.MaintenanceMode = false, "normal" }, "DC0_POD0_DS0"},
	} {
		setStore(t, srv, "DC0_POD0_DS1", r.change)
		if s, err := settled(t, srv, place); err != nil || s.datastore.name != r.want {
			t.Errorf("%s: %v, %v; want %s", r.reason, s.datastore, err, r.want)
		}
	}
	setStore(t, srv, "DC0_POD0_DS0", func(s *types.DatastoreSummary) { s.Accessible = false })
	_, err := settled(t, srv, place)
	if providers.KindOf(err) != providers.Retryable || !strings.Contains(err.Error(), "/DC0/datastore/DC0_POD0 has no member") {
		t.Errorf("a datastore cluster without a member that can be used: %v", err)
	}
}

func TestAHostThatCannotTakeVMs(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	place := manifest.Placement{Host: "DC0_C0_H1"}
	if s, err := settled(t, srv, place); err != nil || s.host.name != "DC0_C0_H1" {
		t.Fatalf("a host that is connected: %v, %v", s, err)
	}
	host := object.NewHostSystem(srv.Client(), layoutOf(t, srv).named(kindHost, "DC0_C0_H1")[0].ref)
	task, err := host.EnterMaintenanceMode(t.Context(), 0, false, nil)
	ended(t, srv, task, err)
	if _, err := settled(t, srv, place); providers.KindOf(err) != providers.Retryable {
		t.Errorf("a host in maintenance: %v", err)
	}
}

func TestAClusterThatDoesNotPlaceVMs(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	if s, err := settled(t, srv, manifest.Placement{Cluster: "DC0_C0"}); err != nil || s.host != nil {
		t.Fatalf("a cluster with DRS: host %v, %v", s.host, err)
	}
	l := layoutOf(t, srv)
	cluster := object.NewClusterComputeResource(srv.Client(), l.named(kindCluster, "DC0_C0")[0].ref)
	task, err := cluster.Reconfigure(t.Context(), &types.ClusterConfigSpecEx{
		DrsConfig: &types.ClusterDrsConfigInfo{Enabled: new(false)},
	}, true)
	ended(t, srv, task, err)
	busy(srv, l.named(kindHost, "DC0_C0_H0")[0].ref)
	if s, err := settled(t, srv, manifest.Placement{Cluster: "DC0_C0"}); err != nil || s.host == nil || s.host.name != "DC0_C0_H1" {
		t.Errorf("a cluster without DRS: host %v, %v; want the one with more free memory", s.host, err)
	}
}

// busy fills the memory of a host.
func busy(srv *vcsim.Server, host types.ManagedObjectReference) {
	ctx := srv.Simulator().Context
	h := ctx.Map.Get(host).(*simulator.HostSystem)
	ctx.WithLock(h, func() { h.Summary.QuickStats.OverallMemoryUsage = int32(h.Summary.Hardware.MemorySize >> 20) })
}
