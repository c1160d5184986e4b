package vsphere

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// roster is every VM and template by its name, as far as a template is looked
// for by it.
type roster map[string][]entered

// entered is one VM of the roster.
type entered struct {
	ref      string // value of the reference
	parent   types.ManagedObjectReference
	template bool
}

func (p *Provider) readRoster(ctx context.Context, c *vim25.Client) (*roster, error) {
	var r roster
	err := p.view.within(ctx, c, func(from types.ObjectSpec) error {
		r = make(roster)
		return retrieve(ctx, c, []types.PropertyFilterSpec{{
			ObjectSet: []types.ObjectSpec{from},
			PropSet:   []types.PropertySpec{{Type: virtualMachine, PathSet: []string{"name", "parent", "config.template"}}},
		}}, r.take)
	})
	return &r, err
}

func (r roster) take(o *types.ObjectContent) {
	p := readProperties(o)
	if name := plainName.Replace(p.text("name")); name != "" {
		r[name] = append(r[name], entered{o.Obj.Value, p.ref("parent"), p.flag("config.template")})
	}
}

// candidate is a VM that the name of a template may mean.
type candidate struct {
	ref        types.ManagedObjectReference
	name, path string
	datacenter *location // nil: not known
}

// named returns what a template's name may mean. Templates come before VMs of
// the same name, which can be cloned, too.
func (r roster) named(l *layout, written string) []candidate {
	var templates, others []candidate
	for _, name := range slices.Compact([]string{written, providers.LastElement(written)}) {
		for _, e := range r[name] {
			found := candidate{ref: vmRef(e.ref), name: name, path: name}
			if at := l.byRef[e.parent]; at != nil {
				found.path, found.datacenter = at.path+"/"+pathName(name), at.datacenter
			}
			switch {
			case name != written && !pathMeans(found.path, written):
			case e.template:
				templates = append(templates, found)
			default:
				others = append(others, found)
			}
		}
	}
	if len(templates) > 0 {
		return templates
	}
	return others
}

// centersOf returns the datacenters of candidates.
func centersOf(list []candidate) []*location {
	var out []*location
	for _, c := range list {
		out = append(out, c.datacenter)
	}
	return out
}

// pick returns the candidate that is meant for a VM of a datacenter: those
// that are there come before those elsewhere.
func pick(list []candidate, written string, datacenter *location) (candidate, error) {
	here := slices.DeleteFunc(slices.Clone(list), func(c candidate) bool { return c.datacenter != datacenter })
	if len(here) > 0 {
		list = here
	}
	if len(list) == 1 {
		return list[0], nil
	}
	spots := make([]*location, len(list))
	for i, c := range list {
		spots[i] = &location{path: c.path}
	}
	return candidate{}, ambiguous("template", written, spots)
}

// source is what a VM is cloned from, as it was read.
type source struct {
	vm       mo.VirtualMachine
	path     string
	snapshot *types.ManagedObjectReference // the current one; nil: none
	stores   []types.ManagedObjectReference
	vApp     bool // it has properties of OVF, which its guest may read
}

// sourceProps are read beside those of every VM.
var sourceProps = []string{"snapshot", "datastore", "config.annotation", "config.vAppConfig"}

// readSource reads a template. One that is gone is absent.
func readSource(ctx context.Context, c *vim25.Client, from candidate) (*source, error) {
	s := &source{path: from.path}
	var vm *mo.VirtualMachine
	var odd error
	err := retrieve(ctx, c, []types.PropertyFilterSpec{{
		ObjectSet: []types.ObjectSpec{{Obj: from.ref}},
		PropSet:   []types.PropertySpec{{Type: virtualMachine, PathSet: append(paths(vmProperties, fullProperties), sourceProps...)}},
	}}, func(o *types.ObjectContent) {
		vm, odd = load(o)
		p := readProperties(o)
		s.stores, s.vApp = p.refs("datastore"), p["config.vAppConfig"] != nil
		if vm.Config != nil {
			vm.Config.Annotation = p.text("config.annotation")
		}
		if info, ok := p["snapshot"].(types.VirtualMachineSnapshotInfo); ok {
			s.snapshot = info.CurrentSnapshot
		}
	})
	switch {
	case lost(err, from.ref):
		return nil, notThere()
	case err != nil:
		return nil, err
	case vm == nil:
		return nil, unreadable("")
	case odd != nil:
		return nil, fmt.Errorf("template %s: %w", from.path, odd)
	}
	s.vm = *vm
	return s, nil
}

// usable refuses what must not be cloned, or cannot be.
func (s *source) usable() error {
	switch m := markOf(&s.vm); {
	case isTemplate(&s.vm):
		return nil
	case m != nil:
		return invalid("%s is the VM of %s and no image; name a template", s.path, m.owner())
	case s.vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOff:
		return missing(fmt.Sprintf("a template or a VM that is off at %s", s.path), "power the VM off, or make a template of it")
	}
	return nil
}

// orderTemplate finds the template of that name, and where the VM goes: each
// helps to understand the other. A template that was made anew under its name
// since the roster was read is found in a fresh one.
func (p *Provider) orderTemplate(ctx context.Context, c *vim25.Client, o *order, written string) error {
	for again := false; ; again = true {
		var all []candidate
		err := p.placeWith(ctx, c, o, func(l *layout) (near []*location, err error) {
			all, err = p.templates(ctx, c, l, written)
			return centersOf(all), err
		})
		if err != nil {
			return err
		}
		from, err := pick(all, written, o.site.datacenter)
		if err != nil {
			return err
		}
		o.from, err = readSource(ctx, c, from)
		switch {
		case err == nil && plainName.Replace(o.from.vm.Name) == from.name:
			return o.from.usable()
		case err != nil && !providers.IsAbsent(err):
			return err
		case again:
			return noTemplate(written)
		}
		p.roster.forget()
	}
}

// templates returns what the name of a template may mean.
func (p *Provider) templates(ctx context.Context, c *vim25.Client, l *layout, written string) (all []candidate, err error) {
	err = p.roster.look(ctx, c, func(r *roster) error {
		if all = r.named(l, written); len(all) == 0 {
			return noTemplate(written)
		}
		return nil
	})
	return all, err
}

var errNoTemplate = errors.New("create it, or correct the name")

func noTemplate(written string) error {
	what := "template " + written
	return &providers.Error{
		Kind: providers.NotFound, Missing: what, Err: fmt.Errorf("%s is not there; %w", what, errNoTemplate),
	}
}

// placeWith decides where the VM goes. near returns the datacenters that
// decide where nothing else does.
func (p *Provider) placeWith(ctx context.Context, c *vim25.Client, o *order, near func(*layout) ([]*location, error)) error {
	list := wishes(o.req.VM.Placement, p.settings.Defaults)
	err := p.places.look(ctx, c, func(l *layout) error {
		centers, err := near(l)
		if err == nil {
			o.site, err = l.site(list, centers)
		}
		return err
	})
	if err != nil {
		return err
	}
	return o.site.settle(ctx, c)
}
