package vsphere

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vmware/govmomi/nfc"
	"github.com/vmware/govmomi/ovf"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/providers"
)

// cargo is the parcel as an image to be brought.
func (p *parcel) cargo(to *Provider) cargo {
	from := plainURL(p.url)
	return cargo{what: p.what(), from: from, load: func(ctx context.Context, c *vim25.Client, b *berth) (types.ManagedObjectReference, error) {
		l := &loading{parcel: p, to: to, from: from}
		return l.run(ctx, c, b)
	}}
}

// loading is an import under way. The bytes go from the address through this
// process to a host of the vCenter. What arrives is not a template before all
// sums are right.
type loading struct {
	*parcel
	to   *Provider
	from string

	moved atomic.Int64 // bytes that were read
	total atomic.Int64 // 0: not known
}

func (l *loading) run(ctx context.Context, c *vim25.Client, b *berth) (types.ManagedObjectReference, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	web := l.to.images.web
	watch := time.AfterFunc(web.stalled, func() { cancel(unusable("fetch %s: no byte has moved for %s", l.from, web.stalled)) })
	defer watch.Stop()
	u, err := l.unpack(ctx, web, func(n int) {
		l.moved.Add(int64(n))
		watch.Reset(web.stalled)
	})
	if err != nil {
		return types.ManagedObjectReference{}, err
	}
	defer u.in.Close()
	if u.in.size > 0 && !l.isOVF() {
		l.total.Store(u.in.size)
	}
	if why := u.unvouched(); why != "" {
		l.to.log.Warn("an image is not verified", logkey.Source, l.from, logkey.Reason, why)
	}
	if err := l.room(ctx, c, b); err != nil {
		return types.ManagedObjectReference{}, err
	}
	spec, err := l.importSpec(ctx, c, b, string(u.descriptor))
	if err != nil {
		return types.ManagedObjectReference{}, err
	}
	return l.send(ctx, c, b, spec, u)
}

// room refuses an image that is larger than what the datastore has left.
func (l *loading) room(ctx context.Context, c *vim25.Client, b *berth) error {
	now, err := readStates(ctx, c, []types.ManagedObjectReference{b.store.ref})
	if err != nil {
		return err
	}
	d, ok := now[b.store.ref]["summary"].(types.DatastoreSummary)
	if ok && d.FreeSpace < l.total.Load() {
		return &providers.Error{
			Kind: providers.QuotaExceeded,
			Err:  fmt.Errorf("%s has %d bytes, and datastore %s has %d left; make room", l.from, l.total.Load(), b.store.path, d.FreeSpace),
		}
	}
	return nil
}

// importPlan is what the vCenter made of a descriptor.
type importPlan struct {
	spec  *types.VirtualMachineImportSpec
	files []types.OvfFileItem
}

// importSpec has the vCenter read the descriptor, and puts our mark into what
// it makes of it. What would reach into clones is left out: interfaces, and
// the properties of a virtual appliance, which a guest would take for its
// first-boot data before it looks at ours.
func (l *loading) importSpec(ctx context.Context, c *vim25.Client, b *berth, descriptor string) (*importPlan, error) {
	cisp := &types.OvfCreateImportSpecParams{
		EntityName: b.name, DiskProvisioning: string(types.OvfCreateImportSpecParamsDiskProvisioningTypeThin),
		NetworkMapping: b.networkMapping(descriptor),
	}
	if b.site.host != nil {
		cisp.HostSystem = &b.site.host.ref
	}
	res, err := methods.CreateImportSpec(ctx, c, &types.CreateImportSpec{
		This: *c.ServiceContent.OvfManager, OvfDescriptor: descriptor,
		ResourcePool: b.site.pool.ref, Datastore: b.store.ref, Cisp: cisp,
	})
	if err != nil {
		return nil, err
	}
	if len(res.Returnval.Error) > 0 {
		return nil, &taskError{&res.Returnval.Error[0]}
	}
	for _, w := range res.Returnval.Warning {
		l.to.log.Warn("the vCenter warns about an image", logkey.Source, l.from, logkey.Reason, w.LocalizedMessage)
	}
	spec, ok := res.Returnval.ImportSpec.(*types.VirtualMachineImportSpec)
	if !ok {
		return nil, cannot("%s describes more than one machine; name an image of one", l.from)
	}
	plan := &importPlan{spec: spec, files: res.Returnval.FileItem}
	for i := range plan.files {
		f := &plan.files[i]
		if f.CompressionMethod != "" || f.ChunkSize > 0 {
			return nil, cannot("%s has its file %q compressed or in pieces; make an OVA without", l.from, f.Path)
		}
		f.Path = path.Clean(f.Path)
	}
	return plan, b.label(&spec.ConfigSpec)
}

// label puts the mark and the identity of the image into its specification.
func (b *berth) label(spec *types.VirtualMachineConfigSpec) error {
	text, err := b.mark.text()
	if err != nil {
		return err
	}
	spec.InstanceUuid, spec.VAppConfig = b.uuid, nil
	spec.Annotation = b.mark.note()
	spec.ExtraConfig = append(spec.ExtraConfig, &types.OptionValue{Key: imageKey, Value: text})
	spec.DeviceChange = slices.DeleteFunc(spec.DeviceChange, func(ch types.BaseVirtualDeviceConfigSpec) bool {
		_, card := ch.GetVirtualDeviceConfigSpec().Device.(types.BaseVirtualEthernetCard)
		return card
	})
	return nil
}

// networkMapping gives every network of the descriptor one that is there, for
// the vCenter's sake: no interface of the image is kept.
func (b *berth) networkMapping(descriptor string) []types.OvfNetworkMapping {
	e, err := ovf.Unmarshal(strings.NewReader(descriptor))
	if err != nil || e.Network == nil || len(b.site.compute.nets) == 0 {
		return nil // the vCenter says what is wrong
	}
	var out []types.OvfNetworkMapping
	for _, n := range e.Network.Networks {
		out = append(out, types.OvfNetworkMapping{Name: n.Name, Network: b.site.compute.nets[0]})
	}
	return out
}

// send has the vCenter make the VM, and sends its disks.
func (l *loading) send(ctx context.Context, c *vim25.Client, b *berth, plan *importPlan, u *unpacking) (types.ManagedObjectReference, error) {
	req := &types.ImportVApp{This: b.site.pool.ref, Spec: plan.spec, Folder: &b.folder.ref}
	if b.site.host != nil {
		req.Host = &b.site.host.ref
	}
	res, err := methods.ImportVApp(ctx, c, req)
	if err != nil {
		return types.ManagedObjectReference{}, err
	}
	lease := nfc.NewLease(c, res.Returnval)
	to, err := grant(ctx, c, lease.Reference(), plan.files)
	if err == nil {
		err = l.fill(ctx, c, lease, to, plan, u)
	}
	if err == nil {
		err = lease.Complete(ctx)
	}
	if err == nil {
		return to.vm, nil
	}
	out, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardTimeout)
	defer cancel()
	if left := lease.Abort(out, nil); left != nil { // it runs out by itself
		l.to.log.Debug("an import could not be ended", logkey.Source, l.from, logkey.Err, left)
	}
	return types.ManagedObjectReference{}, err
}

// fill sends the disks while the lease is kept.
func (l *loading) fill(ctx context.Context, c *vim25.Client, lease *nfc.Lease, to *granted, plan *importPlan, u *unpacking) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var kept sync.WaitGroup
	kept.Go(func() {
		if err := l.keep(ctx, lease); err != nil {
			cancel(err)
		}
	})
	defer kept.Wait()
	defer cancel(nil)
	var names []string
	for i := range plan.files {
		names = append(names, plan.files[i].Path)
	}
	return u.each(ctx, names, func(f *packed) error {
		at, given := to.slots[f.name]
		if !given {
			return cannot("the vCenter names no place for the file %q of %s", f.name, l.from)
		}
		if at.url.Host == c.URL().Host {
			at.thumb = "" // it is the vCenter itself
		}
		return upload(ctx, &c.Client.Client, at, f)
	})
}

// keepEvery is how often the lease is renewed. It runs out after minutes.
const keepEvery = 10 * time.Second

// keep renews the lease until the context ends, and tells the vCenter how far
// the import is, which shows it to people.
func (l *loading) keep(ctx context.Context, lease *nfc.Lease) error {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		moved, total := l.moved.Load(), l.total.Load()
		percent := int64(0)
		if total > 0 {
			percent = min(100*moved/total, 99)
		}
		l.to.log.Debug("an image is under way", logkey.Source, l.from, "bytes", moved, "percent", percent)
		err := lease.Progress(ctx, int32(percent))
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
}
