package vsphere

import (
	"context"
	"time"

	"github.com/vmware/govmomi/vapi/library"
	"github.com/vmware/govmomi/vapi/rest"
	"github.com/vmware/govmomi/vapi/vcenter"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// libraryName is how a manifest names an item of a content library.
type libraryName struct{ library, item, version string }

// String says it for people.
func (n libraryName) String() string { return "item " + n.item + " of library " + n.library }

// libraryItem is what is known of an item.
type libraryItem struct {
	id, kind string
	version  string // of its content
	template string // value of the reference of the template that it is, if so
	at       time.Time
}

// orderItem finds what a VM of a library item is cloned from. An item that is
// a template is cloned as it is. One that is an OVF cannot be deployed with our
// mark in the call that makes the VM: it is made into a template of ours
// first, as one at an address is.
func (p *Provider) orderItem(ctx context.Context, c *vim25.Client, o *order) (providers.TaskRef, error) {
	name := nameOfItem(o.req.VM.Image.VSphere)
	for again := false; ; again = true {
		item, err := p.images.item(ctx, p, c, name)
		switch {
		case err != nil:
			return "", err
		case item.kind == library.ItemTypeOVF:
			return p.orderCargo(ctx, c, o, cargo{
				what: "library item " + item.id + " " + item.version, from: name.String(),
				load: func(ctx context.Context, c *vim25.Client, b *berth) (types.ManagedObjectReference, error) {
					return p.deploy(ctx, c, b, item.id)
				},
			})
		case item.kind != library.ItemTypeVMTX || item.template == "":
			return "", invalid("%s is of type %q and nothing to make a VM of; name an OVF or a VM template", name, item.kind)
		}
		err = p.orderItemTemplate(ctx, c, o, candidate{ref: vmRef(item.template), path: name.String()})
		if !providers.IsAbsent(err) || again {
			return "", err
		}
		p.images.forgetItem(name)
	}
}

// orderItemTemplate is orderTemplate for one that is known already.
func (p *Provider) orderItemTemplate(ctx context.Context, c *vim25.Client, o *order, from candidate) (err error) {
	if o.from, err = readSource(ctx, c, from); err != nil {
		return err
	}
	err = p.placeWith(ctx, c, o, func(l *layout) (near []*location, _ error) {
		for _, store := range o.from.stores {
			if at := l.byRef[store]; at != nil {
				near = append(near, at.datacenter)
			}
		}
		return near, nil
	})
	if err != nil {
		return err
	}
	return o.from.usable()
}

func nameOfItem(src *manifest.VSphereImage) libraryName {
	return libraryName{src.Library, src.LibraryItem, src.LibraryVersion}
}

// item finds an item, by asking at most once in a while, and one caller at a
// time.
func (i *images) item(ctx context.Context, p *Provider, c *vim25.Client, name libraryName) (libraryItem, error) {
	known := func() (libraryItem, bool) {
		i.mu.Lock()
		defer i.mu.Unlock()
		item, ok := i.items[name]
		return item, ok && time.Since(item.at) < memoryAge
	}
	if item, ok := known(); ok {
		return item, nil
	}
	select {
	case i.asking <- struct{}{}:
	case <-ctx.Done():
		return libraryItem{}, ctx.Err()
	}
	defer func() { <-i.asking }()
	if item, ok := known(); ok {
		return item, nil
	}
	item := libraryItem{at: time.Now()}
	err := p.session.rest(ctx, c, func(r *rest.Client) error { return item.find(ctx, r, name) })
	if err != nil {
		return item, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.items[name] = item
	return item, nil
}

func (i *images) forgetItem(name libraryName) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.items, name)
}

// find asks the REST API for the item.
func (item *libraryItem) find(ctx context.Context, r *rest.Client, name libraryName) error {
	m := library.NewManager(r)
	found, err := m.FindLibrary(ctx, library.Find{Name: name.library})
	if err != nil {
		return err
	}
	id, err := theOne(found, "library "+name.library)
	if err != nil {
		return err
	}
	if found, err = m.FindLibraryItems(ctx, library.FindItem{LibraryID: id, Name: name.item}); err != nil {
		return err
	}
	if item.id, err = theOne(found, name.String()); err != nil {
		return err
	}
	facts, err := m.GetLibraryItem(ctx, item.id)
	if err != nil {
		return err
	}
	item.kind, item.version = facts.Type, facts.ContentVersion
	if name.version != "" && name.version != facts.ContentVersion && name.version != facts.Version {
		return missing("version "+name.version+" of "+name.String(), "the library has version "+facts.ContentVersion+" of it")
	}
	if item.kind == library.ItemTypeVMTX {
		info, err := vcenter.NewManager(r).GetLibraryTemplateInfo(ctx, item.id)
		if err != nil {
			return err
		}
		item.template = info.VmTemplate
	}
	return nil
}

// theOne returns the only thing that was found.
func theOne(found []string, what string) (string, error) {
	switch len(found) {
	case 0:
		return "", missing(what, "create it, or correct the name")
	case 1:
		return found[0], nil
	}
	return "", invalid("%d things are named %s; rename all but one", len(found), what)
}

// deployTimeout bounds the copying of an item within the vCenter.
const deployTimeout = 2 * time.Hour

// deploy makes a VM of an OVF item. The call has no room for extraConfig in
// every version of vCenter: the mark stands in the annotation until the VM is
// finished.
func (p *Provider) deploy(ctx context.Context, c *vim25.Client, b *berth, item string) (ref types.ManagedObjectReference, err error) {
	ctx, cancel := context.WithTimeout(ctx, deployTimeout)
	defer cancel()
	mark, err := b.mark.text()
	if err != nil {
		return ref, err
	}
	target := vcenter.Target{ResourcePoolID: b.site.pool.ref.Value, FolderID: b.folder.ref.Value}
	if b.site.host != nil {
		target.HostID = b.site.host.ref.Value
	}
	err = p.session.rest(ctx, c, func(r *rest.Client) error {
		m := vcenter.NewManager(r)
		told, err := m.FilterLibraryItem(ctx, item, vcenter.FilterRequest{Target: target})
		if err != nil {
			return err
		}
		spec := vcenter.Deploy{Target: target, DeploymentSpec: vcenter.DeploymentSpec{
			Name: b.name, Annotation: mark, AcceptAllEULA: true, // whoever put it into the library has
			DefaultDatastoreID: b.store.ref.Value, StorageProvisioning: thinDisk,
		}}
		for _, network := range told.Networks {
			if len(b.site.compute.nets) > 0 { // no interface of the image is kept
				spec.NetworkMappings = append(spec.NetworkMappings, vcenter.NetworkMapping{Key: network, Value: b.site.compute.nets[0].Value})
			}
		}
		made, err := m.DeployLibraryItem(ctx, item, spec)
		if err == nil {
			ref = *made
		}
		return err
	})
	if err == nil && ref.Type != virtualMachine {
		err = cannot("%s is more than one machine; name an item of one", b.mark.From)
	}
	return ref, err
}
