package vsphere

import (
	"context"
	"fmt"
	"slices"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// reach is from where networks are looked for.
type reach struct {
	datacenter, compute *location // compute may be nil
	// kept is how many interfaces a template has: a NIC in the position of one
	// that names no network keeps it, and is plugged into fallback otherwise.
	kept     int
	fallback string // Defaults.Network
}

// networks returns where the NICs are plugged in, by their names. A NIC that
// keeps the template's interface is not in it.
func (l *layout) networks(nics []manifest.NIC, r reach) (map[string]network, error) {
	out := make(map[string]network, len(nics))
	for i, n := range nics {
		name, dvs, err := wantedNetwork(n)
		if err != nil {
			return nil, err
		}
		if name == "" {
			if i < r.kept {
				continue
			}
			if name = r.fallback; name == "" {
				return nil, invalid("interface %q names no network, there is no interface of a template in its place, and the provider has no default network; write networkRef", n.Name)
			}
		}
		if out[n.Name], err = l.network(name, dvs, r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// network returns what a port group's name means to a VM of a datacenter, with
// the name of its distributed switch if one is written. Of several, those that
// the cluster reaches come first.
func (l *layout) network(name, dvs string, r reach) (network, error) {
	candidates := slices.DeleteFunc(l.named(kindNetwork, name), func(p *location) bool {
		return p.datacenter != r.datacenter || dvs != "" && p.switchName != providers.LastElement(dvs)
	})
	if r.compute != nil && len(candidates) > 1 {
		near := slices.DeleteFunc(slices.Clone(candidates), func(p *location) bool { return !slices.Contains(r.compute.nets, p.ref) })
		if len(near) > 0 {
			candidates = near
		}
	}
	switch {
	case len(candidates) == 1:
		return candidates[0].network(), nil
	case len(candidates) > 1:
		return network{}, ambiguous(kindNetwork, name, candidates)
	case dvs != "":
		return network{}, missing(fmt.Sprintf("network %q of switch %q in %s", name, dvs, r.datacenter.path), "create it, or correct the name")
	}
	return network{}, l.absent(kindNetwork, name)
}

func (p *location) network() network {
	return network{
		ref: p.ref, name: p.name, portgroupKey: p.portgroupKey, switchUUID: p.switchUUID,
		opaqueID: p.opaqueID, opaqueType: p.opaqueType,
	}
}

// networksFor resolves where NICs that are added to a VM are plugged in, by
// their names.
func (p *Provider) networksFor(ctx context.Context, c *vim25.Client, t *target, nics []manifest.NIC) (map[string]network, error) {
	if len(nics) == 0 {
		return nil, nil
	}
	var parent types.ManagedObjectReference
	err := retrieve(ctx, c, []types.PropertyFilterSpec{{
		ObjectSet: []types.ObjectSpec{{Obj: t.vm.Self}},
		PropSet:   []types.PropertySpec{{Type: virtualMachine, PathSet: []string{"parent"}}},
	}}, func(o *types.ObjectContent) { parent = readProperties(o).ref("parent") })
	if err != nil {
		return nil, err
	}
	var out map[string]network
	err = p.places.look(ctx, c, func(l *layout) (err error) {
		at := l.byRef[parent]
		if at == nil || at.datacenter == nil {
			return missing("the folder of VM "+t.vm.Name, "let the account see it")
		}
		out, err = l.networks(nics, reach{datacenter: at.datacenter, fallback: p.settings.Defaults.Network})
		return err
	})
	return out, err
}
