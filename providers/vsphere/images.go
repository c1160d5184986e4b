package vsphere

import (
	"context"
	"errors"
	"slices"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// orderImage finds what the VM is cloned from, and where it goes. It returns
// the task if the image has to be brought first.
func (p *Provider) orderImage(ctx context.Context, c *vim25.Client, o *order) (providers.TaskRef, error) {
	img := o.req.VM.Image
	src := img.VSphere
	if src == nil {
		return "", invalid("VMImage %s has no source for vSphere; add spec.source.vsphere", img.Key)
	}
	if src.Template != "" {
		err := p.orderTemplate(ctx, c, o, src.Template)
		if src.OVAURL == "" || !imported(img) || !errors.Is(err, errNoTemplate) {
			return "", err
		}
	}
	switch {
	case src.LibraryItem != "":
		return p.orderItem(ctx, c, o)
	case src.OVAURL != "":
		pack, err := newParcel(src)
		if err != nil {
			return "", err
		}
		return p.orderCargo(ctx, c, o, pack.cargo(p))
	}
	return "", invalid("VMImage %s names neither a template nor a library item nor an OVA", img.Key)
}

// The values of onMissing that keep an image from being brought.
const (
	missingFails = "Fail"
	missingWaits = "Wait"
)

// imported tells whether an image that is not there shall be brought.
func imported(img *manifest.Image) bool {
	return img.OnMissing != missingFails && img.OnMissing != missingWaits
}

// notBrought says that an image is not there and must not be brought.
func notBrought(img *manifest.Image, from string) error {
	if img.OnMissing == missingWaits {
		return missing("image "+from, "it is awaited, for onMissing is Wait; import it with another VM, or write Import")
	}
	return missing("image "+from, "it is not imported, for onMissing is "+img.OnMissing)
}

// cargo is an image that we bring to the vCenter.
type cargo struct {
	what string // tells one image from another, wherever it is fetched from
	from string // for people
	// load makes the VM that becomes the template, with at least the name and
	// the mark of the berth, in the creating call. It may take long.
	load func(ctx context.Context, c *vim25.Client, b *berth) (types.ManagedObjectReference, error)
}

// orderCargo finds the template that an image was made into, or begins to
// bring it and returns the task.
func (p *Provider) orderCargo(ctx context.Context, c *vim25.Client, o *order, g cargo) (providers.TaskRef, error) {
	if err := p.placeWith(ctx, c, o, func(*layout) ([]*location, error) { return nil, nil }); err != nil {
		return "", err
	}
	b, err := p.berthFor(o.site, g)
	if err != nil {
		return "", err
	}
	lying, err := p.images.find(ctx, c, b)
	switch {
	case err != nil:
		return "", err
	case lying != nil:
		o.from = lying
		return "", nil
	case !imported(o.req.VM.Image):
		return "", notBrought(o.req.VM.Image, g.from)
	}
	return p.images.bring(p, b, g, o.req)
}

// berthFor decides where an image lies: in the default folder if it is of that
// datacenter, or else beside it at the top; and on the datastore of the VM
// that needs it first.
func (p *Provider) berthFor(s *site, g cargo) (*berth, error) {
	b := newBerth(p.settings.Fleet, g.from, g.what, s)
	b.folder = s.layout.byRef[s.datacenter.vmFolder]
	named := keep(s.layout.named(kindFolder, p.settings.Defaults.Folder), func(f *location) bool { return f.datacenter == s.datacenter })
	if len(named) == 1 {
		b.folder = named[0]
	}
	if b.folder == nil {
		return nil, missing("the VM folder of "+s.datacenter.path, "let the account see it")
	}
	var err error
	b.store, err = s.storeNear(nil, "")
	return b, err
}

// storeNear says where a VM's files go when nothing is written: to one of those
// datastores that its cluster reaches, first the one of that name; or else to
// the only one.
func (s *site) storeNear(stores []types.ManagedObjectReference, home string) (*location, error) {
	if s.datastore != nil {
		return s.datastore, nil
	}
	reached := keep(s.layout.all[kindDatastore], func(d *location) bool { return slices.Contains(s.compute.stores, d.ref) })
	near := keep(reached, func(d *location) bool { return slices.Contains(stores, d.ref) })
	if len(near) > 1 {
		near = keep(near, func(d *location) bool { return d.name == home })
	}
	switch {
	case len(near) == 1:
		return near[0], nil
	case len(reached) == 1:
		return reached[0], nil
	}
	return nil, invalid("nothing says which datastore the VM goes to; it may be %s; write placement.datastore, or the provider's default", pathList(reached))
}
