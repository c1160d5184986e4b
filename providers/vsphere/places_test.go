package vsphere

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/object"
	gosession "github.com/vmware/govmomi/session"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/vsphere/vcsim"
)

// callers returns a client whose calls the server counts.
func callers(t *testing.T, srv *vcsim.Server) *vim25.Client {
	t.Helper()
	u, err := url.Parse(srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	c, err := vim25.NewClient(t.Context(), soap.NewClient(u, true))
	if err != nil {
		t.Fatal(err)
	}
	login := srv.Credentials()
	err = gosession.NewManager(c).Login(t.Context(), url.UserPassword(login["username"].Reveal(), login["password"].Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tellUplinks has the simulator say of its uplinks what they are.
func tellUplinks(srv *vcsim.Server) {
	ctx := srv.Simulator().Context
	for _, e := range ctx.Map.All("DistributedVirtualPortgroup") {
		pg := e.(*simulator.DistributedVirtualPortgroup)
		if strings.Contains(pg.Name, "-DVUplinks-") {
			ctx.WithLock(pg, func() { pg.Config.Uplink = types.NewBool(true) })
		}
	}
}

func layoutOf(t *testing.T, srv *vcsim.Server) *layout {
	t.Helper()
	l, err := readLayout(t.Context(), srv.Client())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func pathsOf(list []*location) []string {
	var out []string
	for _, p := range list {
		out = append(out, p.path)
	}
	return out
}

func TestLayoutHasThePathsOfTheInventory(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{Hosts: 1})
	tellUplinks(srv)
	got := map[kind][]string{}
	for k, list := range layoutOf(t, srv).all {
		got[k] = pathsOf(list)
	}
	want := map[kind][]string{
		kindDatacenter: {"/DC0"},
		kindCluster:    {"/DC0/host/DC0_C0", "/DC0/host/DC0_H0"},
		kindHost:       {"/DC0/host/DC0_C0/DC0_C0_H0", "/DC0/host/DC0_C0/DC0_C0_H1", "/DC0/host/DC0_H0/DC0_H0"},
		kindPool:       {"/DC0/host/DC0_C0/Resources", "/DC0/host/DC0_C0/Resources/DC0_C0_RP1", "/DC0/host/DC0_H0/Resources"},
		kindFolder:     {"/DC0/vm", "/DC0/vm/apps", "/DC0/vm/templates"},
		kindDatastore: {
			"/DC0/datastore/DC0_POD0/DC0_POD0_DS0", "/DC0/datastore/DC0_POD0/DC0_POD0_DS1",
			"/DC0/datastore/LocalDS_0", "/DC0/datastore/LocalDS_1",
		},
		kindPod:     {"/DC0/datastore/DC0_POD0"},
		kindNetwork: {"/DC0/network/DC0_DVPG0", "/DC0/network/DC0_DVPG1", "/DC0/network/VM Network"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("layout (-want +got):\n%s", diff)
	}
	for _, list := range layoutOf(t, srv).all {
		for _, p := range list {
			if found, err := find.NewFinder(srv.Client()).Element(t.Context(), p.ref); err != nil || found.Path != p.path {
				t.Errorf("%s is %+v to govmomi and %s to us: %v", p.ref, found, p.path, err)
			}
		}
	}
}

func TestANameWithASlashIsFound(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	l := layoutOf(t, srv)
	root := object.NewFolder(srv.Client(), l.all[kindDatacenter][0].vmFolder)
	if _, err := root.CreateFolder(t.Context(), "web/db"); err != nil {
		t.Fatal(err)
	}
	l = layoutOf(t, srv)
	for _, written := range []string{"web/db", "/DC0/vm/web%2fdb", "vm/web%2fdb"} {
		if got := pathsOf(l.named(kindFolder, written)); !slices.Equal(got, []string{"/DC0/vm/web%2fdb"}) {
			t.Errorf("%q is %q", written, got)
		}
	}
}

func TestSite(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{Datacenters: 2, Clusters: 2, Hosts: 1})
	l := layoutOf(t, srv)
	first := l.named(kindDatacenter, "DC0")
	type placement = manifest.Placement
	type defaults = providers.Defaults
	for _, r := range []struct {
		reason    string
		placement placement
		defaults  defaults
		near      []*location
		want      string // pool, folder, host, datastore or datastore cluster
	}{
		{"a cluster is enough: its root pool, and the folder of its datacenter",
			placement{Cluster: "DC1_C1"}, defaults{}, nil, "/DC1/host/DC1_C1/Resources /DC1/vm"},
		{"the defaults hold where the manifest is silent",
			placement{Folder: "apps"}, defaults{Cluster: "DC0_C0", Datastore: "LocalDS_1"}, nil,
			"/DC0/host/DC0_C0/Resources /DC0/vm/apps /DC0/datastore/LocalDS_1"},
		{"a stated cluster wins over the default pool, which is of another",
			placement{Cluster: "DC0_C1"}, defaults{Cluster: "DC0_C0", ResourcePool: "DC0_C0_RP1"}, nil,
			"/DC0/host/DC0_C1/Resources /DC0/vm"},
		{"a stated cluster keeps the default pool that is of it",
			placement{Cluster: "DC0_C0"}, defaults{ResourcePool: "DC0_C0_RP1"}, nil,
			"/DC0/host/DC0_C0/Resources/DC0_C0_RP1 /DC0/vm"},
		{"a host says the cluster, and the pool of the same name on another cluster is not meant",
			placement{Host: "DC0_C1_H0", ResourcePool: "Resources"}, defaults{}, nil,
			"/DC0/host/DC0_C1/Resources /DC0/vm /DC0/host/DC0_C1/DC0_C1_H0"},
		{"a lone host is a cluster of one",
			placement{Cluster: "DC1_H0"}, defaults{}, nil, "/DC1/host/DC1_H0/Resources /DC1/vm"},
		{"a folder in both datacenters is the one of the cluster's",
			placement{Cluster: "DC1_C0", Folder: "apps"}, defaults{}, nil, "/DC1/host/DC1_C0/Resources /DC1/vm/apps"},
		{"a path says the datacenter",
			placement{Folder: "/DC1/vm/apps", Cluster: "DC1_C0"}, defaults{}, nil, "/DC1/host/DC1_C0/Resources /DC1/vm/apps"},
		{"the end of a path is enough where it is one place",
			placement{ResourcePool: "DC1_C0/Resources"}, defaults{}, nil, "/DC1/host/DC1_C0/Resources /DC1/vm"},
		{"the template's datacenter decides where nothing else does",
			placement{Host: "DC0_H0", Folder: "apps"}, defaults{}, first, "/DC0/host/DC0_H0/Resources /DC0/vm/apps /DC0/host/DC0_H0/DC0_H0"},
		{"a datastore wins over a datastore cluster",
			placement{Cluster: "DC0_C0", Datastore: "/DC0/datastore/LocalDS_0", StoragePod: "DC0_POD0"}, defaults{}, nil,
			"/DC0/host/DC0_C0/Resources /DC0/vm /DC0/datastore/LocalDS_0"},
		{"a stated datastore cluster wins over the default datastore",
			placement{StoragePod: "DC0_POD0"}, defaults{Cluster: "DC0_C0", Datastore: "LocalDS_0"}, nil,
			"/DC0/host/DC0_C0/Resources /DC0/vm /DC0/datastore/DC0_POD0"},
	} {
		s, err := l.site(wishes(r.placement, r.defaults), r.near)
		if err != nil {
			t.Errorf("%s: %v", r.reason, err)
			continue
		}
		got := []string{s.pool.path, s.folder.path}
		for _, p := range []*location{s.host, s.datastore, s.pod} {
			if p != nil {
				got = append(got, p.path)
			}
		}
		if diff := cmp.Diff(r.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.reason, diff)
		}
	}
}

func TestSiteRefuses(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{Datacenters: 2, Clusters: 2})
	l := layoutOf(t, srv)
	type placement = manifest.Placement
	type defaults = providers.Defaults
	for _, r := range []struct {
		reason    string
		placement placement
		defaults  defaults
		kind      providers.Kind
		want      string
	}{
		{"a missing folder is not replaced by another", placement{Cluster: "DC0_C0", Folder: "gone"}, defaults{}, providers.NotFound,
			`folder "gone" is not there; create it, or correct the name`},
		{"nor is a missing default", placement{}, defaults{Cluster: "gone"}, providers.NotFound,
			`cluster "gone" is not there; create it, or correct the name`},
		{"a name that means two places", placement{Folder: "apps"}, defaults{}, providers.InvalidSpec,
			`folder "apps" is ambiguous: it may be /DC0/vm/apps, /DC1/vm/apps; write the inventory path`},
		{"places in different datacenters", placement{Cluster: "DC0_C0", Folder: "/DC1/vm/apps"}, defaults{}, providers.InvalidSpec,
			`folder "/DC1/vm/apps" does not go together with cluster "DC0_C0"; correct the placement`},
		{"a host of another cluster", placement{Cluster: "DC0_C0", Host: "DC0_C1_H0"}, defaults{}, providers.InvalidSpec,
			`host "DC0_C1_H0" does not go together with cluster "DC0_C0"; correct the placement`},
		{"a default folder elsewhere is not passed over", placement{Cluster: "DC0_C0"}, defaults{Folder: "/DC1/vm/apps"}, providers.InvalidSpec,
			`the provider's default folder "/DC1/vm/apps" does not go together with cluster "DC0_C0"; correct the placement`},
		{"nothing that says which cluster", placement{Folder: "/DC0/vm/apps"}, defaults{}, providers.InvalidSpec,
			"nothing says which cluster the VM goes to; it may be /DC0/host/DC0_C0, /DC0/host/DC0_C1; write placement.cluster, or the provider's default"},
	} {
		_, err := l.site(wishes(r.placement, r.defaults), nil)
		if err == nil {
			t.Errorf("%s: no error", r.reason)
			continue
		}
		if diff := cmp.Diff(r.want, err.(*providers.Error).Err.Error()); diff != "" || providers.KindOf(err) != r.kind || providers.IsAbsent(err) {
			t.Errorf("%s: kind %s (-want +got):\n%s", r.reason, providers.KindOf(err), diff)
		}
	}
}

func TestNetworkOfTheVMsDatacenter(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{Datacenters: 2})
	tellUplinks(srv)
	l := layoutOf(t, srv)
	dc := l.named(kindDatacenter, "DC1")[0]
	standard, err := l.network("VM Network", "", reach{datacenter: dc})
	if err != nil || l.byRef[standard.ref].path != "/DC1/network/VM Network" || standard.portgroupKey != "" {
		t.Errorf("standard port group: %+v, %v", standard, err)
	}
	distributed, err := l.network("DC1_DVPG1", "DVS0", reach{datacenter: dc})
	if err != nil || distributed.portgroupKey == "" || distributed.switchUUID == "" {
		t.Errorf("distributed port group: %+v, %v", distributed, err)
	}
	for _, r := range []struct{ reason, name, dvs string }{
		{"a port group of another datacenter", "DC0_DVPG1", ""},
		{"a port group of another switch", "DC1_DVPG1", "other"},
		{"an uplink, which no VM is plugged into", "DVS0-DVUplinks-9", ""},
	} {
		if _, err := l.network(r.name, r.dvs, reach{datacenter: dc}); providers.KindOf(err) != providers.NotFound || providers.IsAbsent(err) {
			t.Errorf("%s: %v", r.reason, err)
		}
	}
}

func TestTheLayoutIsReadOnce(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{Datacenters: 2})
	c := callers(t, srv)
	srv.ResetCalls()
	p := newPlaces()
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if err := p.look(t.Context(), c, func(l *layout) error { return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if diff := cmp.Diff(map[string]int{"RetrievePropertiesEx": 1}, srv.Calls()); diff != "" {
		t.Errorf("calls of ten looks (-want +got):\n%s", diff)
	}
}

func TestAPlaceThatCameLaterIsFound(t *testing.T) {
	srv := vcsim.New(t, vcsim.Options{})
	c := callers(t, srv)
	p := newPlaces()
	p.rest = 0
	find := func(l *layout) error {
		if len(l.named(kindFolder, "late")) == 0 {
			return l.absent(kindFolder, "late")
		}
		return nil
	}
	if err := p.look(t.Context(), c, find); providers.KindOf(err) != providers.NotFound {
		t.Fatalf("a folder that is not there: %v", err)
	}
	root := object.NewFolder(srv.Client(), p.last.Load().what.all[kindDatacenter][0].vmFolder)
	if _, err := root.CreateFolder(t.Context(), "late"); err != nil {
		t.Fatal(err)
	}
	if err := p.look(t.Context(), c, find); err != nil {
		t.Errorf("after it was made: %v", err)
	}
	p.rest = memoryRest
	srv.ResetCalls()
	err := p.look(t.Context(), c, func(l *layout) error { return l.absent(kindFolder, "never") })
	if len(srv.Calls()) != 0 || err == nil {
		t.Errorf("a layout that was just read is read again: %v, %v", srv.Calls(), err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	p.forget()
	if err := p.look(ended, c, find); err == nil {
		t.Error("a look without a connection finds something")
	}
}
