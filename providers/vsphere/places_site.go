package vsphere

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// site is where a VM goes.
type site struct {
	layout *layout

	datacenter, compute, pool, folder *location

	host      *location // nil: the cluster decides
	datastore *location // nil: pod, or else where the template is
	pod       *location // nil: datastore
}

// wish is one name that says where a VM goes.
type wish struct {
	kind   kind
	name   string
	stated bool // by the manifest; the provider's defaults give way to what it states
	means  []*location
}

// wishes returns what the manifest states, and then the defaults for what it
// leaves open. A stated datastore or datastore cluster leaves no room for a
// default one of the other kind, and neither does a stated pool for a default
// cluster.
func wishes(p manifest.Placement, d providers.Defaults) []wish {
	var out []wish
	state := func(stated bool, list ...wish) {
		for _, w := range list {
			if w.name != "" {
				w.stated = stated
				out = append(out, w)
			}
		}
	}
	if p.Datastore != "" {
		p.StoragePod = ""
	}
	if d.Datastore != "" {
		d.StoragePod = ""
	}
	state(true, wish{kind: kindCluster, name: p.Cluster}, wish{kind: kindHost, name: p.Host},
		wish{kind: kindPool, name: p.ResourcePool}, wish{kind: kindFolder, name: p.Folder},
		wish{kind: kindDatastore, name: p.Datastore}, wish{kind: kindPod, name: p.StoragePod})
	if p.Datastore+p.StoragePod != "" {
		d.Datastore, d.StoragePod = "", ""
	}
	if p.Cluster != "" {
		d.Cluster = ""
	}
	if p.ResourcePool != "" {
		d.Cluster, d.ResourcePool = "", ""
	}
	if p.Folder != "" {
		d.Folder = ""
	}
	state(false, wish{kind: kindCluster, name: d.Cluster}, wish{kind: kindPool, name: d.ResourcePool},
		wish{kind: kindFolder, name: d.Folder}, wish{kind: kindDatastore, name: d.Datastore},
		wish{kind: kindPod, name: d.StoragePod})
	return out
}

// site decides where a VM goes. Names are understood together: a name that
// means several places means the one that agrees with the others. near are the
// datacenters where the template is: they decide where nothing else does.
func (l *layout) site(list []wish, near []*location) (*site, error) {
	for i := range list {
		if list[i].means = l.named(list[i].kind, list[i].name); len(list[i].means) == 0 {
			return nil, l.absent(list[i].kind, list[i].name)
		}
	}
	left := l.all[kindCluster]
	for i, w := range list {
		fit := w.among(left)
		if len(fit) == 0 && (w.stated || !w.kind.compute()) {
			return nil, contradiction(list[:i+1])
		}
		if len(fit) > 0 {
			left = fit
		}
	}
	if here := keep(left, func(c *location) bool { return slices.Contains(near, c.datacenter) }); len(left) > 1 && len(here) > 0 {
		left = here
	}
	if len(left) != 1 {
		return nil, undecided(list, left)
	}
	s := &site{layout: l, datacenter: left[0].datacenter, compute: left[0]}
	return s, s.fill(l, list)
}

// compute tells whether the kind says where a VM runs.
func (k kind) compute() bool { return k == kindCluster || k == kindHost || k == kindPool }

// among returns those of the clusters that the wish can be met in.
func (w wish) among(clusters []*location) []*location {
	return keep(clusters, func(c *location) bool { return len(w.in(c)) > 0 })
}

// in returns what the wish means for a VM of the cluster.
func (w wish) in(c *location) []*location {
	return keep(w.means, func(p *location) bool {
		switch w.kind {
		case kindCluster:
			return p == c
		case kindHost, kindPool:
			return p.compute == c
		case kindDatastore:
			return slices.Contains(c.stores, p.ref)
		case kindPod:
			return slices.ContainsFunc(p.members, func(m types.ManagedObjectReference) bool { return slices.Contains(c.stores, m) })
		}
		return p.datacenter == c.datacenter
	})
}

func keep(list []*location, fits func(*location) bool) []*location {
	return slices.DeleteFunc(slices.Clone(list), func(p *location) bool { return !fits(p) })
}

// undecided says what has to be written when more than one cluster is left, or
// none.
func undecided(list []wish, left []*location) error {
	if len(left) == 0 {
		return missing("cluster", "the vCenter has none, or the account does not see it")
	}
	for _, w := range list {
		means := keep(w.means, func(p *location) bool {
			return slices.ContainsFunc(left, func(c *location) bool { return slices.Contains(w.in(c), p) })
		})
		if len(means) > 1 {
			return ambiguous(w.kind, w.name, means)
		}
	}
	return invalid("nothing says which cluster the VM goes to; it may be %s; write placement.cluster, or the provider's default", pathList(left))
}

// contradiction says that the last wish agrees with none of those before.
func contradiction(list []wish) error {
	last, others := list[len(list)-1], []string{}
	for _, w := range list[:len(list)-1] {
		others = append(others, fmt.Sprintf("%s %q", w.kind, w.name))
	}
	whose := ""
	if !last.stated {
		whose = "the provider's default "
	}
	return invalid("%s%s %q does not go together with %s; correct the placement", whose, last.kind, last.name, strings.Join(others, ", "))
}

// fill takes the one place that each wish means here, and what follows from
// the cluster where there is no wish.
func (s *site) fill(l *layout, list []wish) error {
	s.pool, s.folder = l.byRef[s.compute.rootPool], l.byRef[s.datacenter.vmFolder]
	for _, w := range list {
		here := w.in(s.compute)
		if len(here) > 1 {
			return ambiguous(w.kind, w.name, here)
		}
		for _, p := range here {
			s.take(w.kind, p)
		}
	}
	if s.pool == nil || s.folder == nil {
		return &providers.Error{
			Kind: providers.Unauthorized,
			Err:  fmt.Errorf("the root resource pool of %s or the VM folder of %s cannot be read", s.compute.path, s.datacenter.path),
		}
	}
	return nil
}

func (s *site) take(k kind, p *location) {
	switch k {
	case kindHost:
		s.host = p
	case kindPool:
		s.pool = p
	case kindFolder:
		s.folder = p
	case kindDatastore:
		s.datastore = p
	case kindPod:
		s.pod = p
	}
}
