package vsphere

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"
)

// location is one managed object of the layout. It is read-only.
type location struct {
	ref  types.ManagedObjectReference
	name string // as people write it
	path string // inventory path; a "/" within a name is "%2f" there

	parent     *location
	datacenter *location // nil for what is above the datacenters
	compute    *location // of a host or a pool: the cluster or the lone host that it is of

	vmFolder types.ManagedObjectReference   // of a datacenter
	rootPool types.ManagedObjectReference   // of a compute resource
	hosts    []types.ManagedObjectReference // likewise
	stores   []types.ManagedObjectReference // likewise: the datastores that it reaches
	nets     []types.ManagedObjectReference // likewise: the networks
	members  []types.ManagedObjectReference // of a datastore cluster: its datastores

	// Of a distributed port group or an opaque network.
	portgroupKey, switchUUID, switchName string
	opaqueID, opaqueType                 string
}

// places finds what manifests name: clusters, hosts, resource pools, folders,
// datastores and networks of every datacenter.
type places = remembered[layout]

func newPlaces() *places { return remember(readLayout) }

// layout is what is where in one vCenter. It is read-only, but for drs.
type layout struct {
	byRef  map[types.ManagedObjectReference]*location
	all    map[kind][]*location // sorted by path
	hidden int                  // how many places could not be read

	mu  sync.Mutex
	drs map[types.ManagedObjectReference]bool // whether a cluster places VMs by itself, as far as asked
}

// kind is a sort of place, as a manifest names it.
type kind string

const (
	kindDatacenter kind = "datacenter"
	kindCluster    kind = "cluster"
	kindHost       kind = "host"
	kindPool       kind = "resource pool"
	kindFolder     kind = "folder"
	kindDatastore  kind = "datastore"
	kindPod        kind = "datastore cluster"
	kindNetwork    kind = "network"
)

// kinds says which managed objects are places. A virtual app is not: VMs in
// one follow rules of their own. Of folders, those that hold VMs are.
var kinds = map[string]kind{
	"Datacenter": kindDatacenter, "ComputeResource": kindCluster, "ClusterComputeResource": kindCluster,
	"HostSystem": kindHost, "ResourcePool": kindPool, "Folder": kindFolder, "Datastore": kindDatastore,
	"StoragePod": kindPod, "Network": kindNetwork, "OpaqueNetwork": kindNetwork,
	"DistributedVirtualPortgroup": kindNetwork,
}

// layoutProps are the properties that are read, by the type of the object.
var layoutProps = map[string][]string{
	"Folder":                      {"name", "parent", "childType"},
	"StoragePod":                  {"name", "parent"},
	"Datacenter":                  {"name", "parent", "vmFolder"},
	"ComputeResource":             {"name", "parent", "resourcePool", "host", "datastore", "network"},
	"ClusterComputeResource":      {"name", "parent", "resourcePool", "host", "datastore", "network"},
	"HostSystem":                  {"name", "parent"},
	"ResourcePool":                {"name", "parent", "owner"},
	"Datastore":                   {"name", "parent"},
	"Network":                     {"name", "parent"},
	"OpaqueNetwork":               {"name", "parent", "summary"},
	"DistributedVirtualPortgroup": {"name", "parent", "key", "config.distributedVirtualSwitch", "config.uplink"},
	"DistributedVirtualSwitch":    {"name", "parent", "uuid", "config.uplinkPortgroup"},
}

// readLayout reads every place with one property collection. It walks from the
// root folder and needs no view, so that no session has to keep one.
func readLayout(ctx context.Context, c *vim25.Client) (*layout, error) {
	spec := types.PropertyFilterSpec{
		ObjectSet: []types.ObjectSpec{{Obj: c.ServiceContent.RootFolder, SelectSet: walkPlaces()}},
	}
	for kind, props := range layoutProps {
		spec.PropSet = append(spec.PropSet, types.PropertySpec{Type: kind, PathSet: props})
	}
	raw := map[types.ManagedObjectReference]properties{}
	err := retrieve(ctx, c, []types.PropertyFilterSpec{spec}, func(o *types.ObjectContent) {
		raw[o.Obj] = readProperties(o)
	})
	if err != nil {
		return nil, err
	}
	return newLayout(raw), nil
}

// walkPlaces says how every place is reached from the root folder. VMs are
// passed over: no property of them is asked for.
func walkPlaces() []types.BaseSelectionSpec {
	steps := []struct{ name, from, by string }{
		{"children", "Folder", "childEntity"},
		{"vms", "Datacenter", "vmFolder"},
		{"hosts", "Datacenter", "hostFolder"},
		{"stores", "Datacenter", "datastoreFolder"},
		{"networks", "Datacenter", "networkFolder"},
		{"members", "ComputeResource", "host"},
		{"root", "ComputeResource", "resourcePool"},
		{"pools", "ResourcePool", "resourcePool"},
	}
	all := make([]types.BaseSelectionSpec, len(steps))
	for i, s := range steps {
		all[i] = &types.SelectionSpec{Name: s.name}
	}
	out := make([]types.BaseSelectionSpec, len(steps))
	for i, s := range steps {
		out[i] = &types.TraversalSpec{
			SelectionSpec: types.SelectionSpec{Name: s.name}, Type: s.from, Path: s.by, SelectSet: all,
		}
	}
	return out
}

func newLayout(raw map[types.ManagedObjectReference]properties) *layout {
	l := &layout{
		byRef: make(map[types.ManagedObjectReference]*location, len(raw)),
		all:   map[kind][]*location{}, drs: map[types.ManagedObjectReference]bool{},
	}
	for ref, p := range raw {
		l.byRef[ref] = p.location(ref)
	}
	uplinks := map[types.ManagedObjectReference]bool{} // nothing for a VM to be plugged into
	for ref, p := range raw {
		l.attach(l.byRef[ref], p)
		for _, u := range p.refs("config.uplinkPortgroup") {
			uplinks[u] = true
		}
	}
	for ref, at := range l.byRef {
		at.locate()
		k, is := kinds[ref.Type]
		switch {
		case at.path == "" && at.parent != nil:
			l.hidden++
		case !is || uplinks[ref] || raw[ref].flag("config.uplink"):
		case k == kindFolder && !raw[ref].holdsVMs():
		default:
			l.all[k] = append(l.all[k], at)
		}
	}
	for _, list := range l.all {
		slices.SortFunc(list, func(a, b *location) int { return strings.Compare(a.path, b.path) })
	}
	return l
}

// attach ties a place to what it refers to.
func (l *layout) attach(at *location, p properties) {
	at.parent = l.byRef[p.ref("parent")]
	if at.parent != nil && at.parent.ref.Type == "StoragePod" {
		at.parent.members = append(at.parent.members, at.ref)
	}
	at.compute = l.byRef[p.ref("owner")]
	if at.compute == nil && at.ref.Type == "HostSystem" {
		at.compute = at.parent
	}
	if dvs := l.byRef[p.ref("config.distributedVirtualSwitch")]; dvs != nil {
		at.switchName, at.switchUUID = dvs.name, dvs.switchUUID
	}
}

// locate fills in the path and the datacenter, which the parents say. A place
// with a parent that could not be read has no path.
func (at *location) locate() {
	if at.path != "" || at.parent == nil {
		return
	}
	at.parent.locate()
	if at.name == "" || at.parent.path == "" && at.parent.parent != nil {
		return
	}
	at.path = at.parent.path + "/" + pathName(at.name)
	at.datacenter = at.parent.datacenter
	if at.parent.ref.Type == "Datacenter" {
		at.datacenter = at.parent
	}
	if at.ref.Type == "Datacenter" {
		at.datacenter = at
	}
}

// vCenter writes three characters of a name in a way of its own.
var (
	plainName = strings.NewReplacer("%2f", "/", "%2F", "/", "%5c", `\`, "%5C", `\`, "%25", "%")
	pathName  = strings.NewReplacer("%", "%25", "/", "%2f", `\`, "%5c").Replace
)

// properties are what was read of one object.
type properties map[string]types.AnyType

func readProperties(o *types.ObjectContent) properties {
	p := make(properties, len(o.PropSet))
	for _, d := range o.PropSet {
		p[d.Name] = d.Val
	}
	return p
}

func (p properties) text(name string) string {
	s, _ := p[name].(string)
	return s
}

func (p properties) flag(name string) bool {
	b, _ := p[name].(bool)
	return b
}

func (p properties) ref(name string) types.ManagedObjectReference {
	r, _ := p[name].(types.ManagedObjectReference)
	return r
}

func (p properties) refs(name string) []types.ManagedObjectReference {
	a, _ := p[name].(types.ArrayOfManagedObjectReference)
	return a.ManagedObjectReference
}

// holdsVMs tells whether VMs can be put into the folder.
func (p properties) holdsVMs() bool {
	a, _ := p["childType"].(types.ArrayOfString)
	return slices.Contains(a.String, "VirtualMachine")
}

// location returns what the object says of itself.
func (p properties) location(ref types.ManagedObjectReference) *location {
	at := &location{
		ref: ref, name: plainName.Replace(p.text("name")), vmFolder: p.ref("vmFolder"),
		portgroupKey: p.text("key"), switchUUID: p.text("uuid"),
	}
	if strings.HasSuffix(ref.Type, "ComputeResource") {
		at.rootPool, at.hosts = p.ref("resourcePool"), p.refs("host")
		at.stores, at.nets = p.refs("datastore"), p.refs("network")
	}
	if s, ok := p["summary"].(types.OpaqueNetworkSummary); ok {
		at.opaqueID, at.opaqueType = s.OpaqueNetworkId, s.OpaqueNetworkType
	}
	return at
}
