package vsphere

import (
	"context"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"

	"github.com/vmsteward/vmsteward/providers"
)

// Create makes the VM with one task that is given everything: its name, its
// UUID and its mark, all its hardware, and what its guest reads. An image that
// has to be brought to the vCenter first is a task of our own, which then
// begins the vCenter's. The VM is found again by its UUID, and while it is
// being made by the task that is remembered, so that one VM comes of many
// calls; what both miss, the vCenter refuses for its name.
func (p *Provider) Create(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
	subject := req.VM.Key.String()
	done, err := p.turns.take(ctx, req.Owner)
	if err != nil {
		return providers.CreateResult{}, translate("create", subject, err)
	}
	defer done()
	res := providers.CreateResult{ID: req.Owner.UUID().String()}
	if res.Task, err = p.underWay(ctx, req.Owner); err == nil && res.Task == "" {
		err = p.do(ctx, "create", subject, func(ctx context.Context, c *vim25.Client) (err error) {
			res.Task, err = p.create(ctx, c, req)
			return err
		})
		p.turns.note(req.Owner, res.Task)
	}
	if err != nil {
		return providers.CreateResult{}, err
	}
	return res, nil
}

// underWay returns the task in which the VM is made, if there is one that has
// not ended. How it ended is seen by looking for the VM.
func (p *Provider) underWay(ctx context.Context, o providers.Owner) (providers.TaskRef, error) {
	task := p.turns.task(o)
	if task == "" {
		return "", nil
	}
	switch ended, err := p.IsTaskComplete(ctx, task); {
	case ended:
		p.turns.note(o, "")
		return "", nil
	case err != nil:
		return "", err
	}
	return task, nil
}

// create begins to make the VM; the task is empty if it is there.
func (p *Provider) create(ctx context.Context, c *vim25.Client, req providers.CreateRequest) (providers.TaskRef, error) {
	if err := checkName(req.VM.Key.Name); err != nil {
		return "", err
	}
	there, err := p.isThere(ctx, c, req.Owner)
	if err != nil || there {
		return "", err
	}
	o, wait, err := p.order(ctx, c, req)
	if err != nil || wait != "" {
		return wait, err
	}
	if taken, err := p.nameTaken(ctx, c, o); err != nil || taken {
		return "", err
	}
	task, err := o.send(ctx, c)
	if isFault[*types.DuplicateName](err) { // somebody was faster
		if taken, why := p.nameTaken(ctx, c, o); why != nil || taken {
			return "", why
		}
		return "", unusable("something of the name %q is being made in %s: %w", req.VM.Key.Name, o.site.folder.path, err)
	}
	if isFault[*types.ManagedObjectNotFound](err) { // something has gone since it was found
		p.places.forget()
	}
	if err != nil {
		return "", err
	}
	return o.thenUpgrade(begun(task)), nil
}

// mostName is how long the name of a VM may be.
const mostName = 80

func checkName(name string) error {
	if len(name) > mostName {
		return invalid("the name %q has %d characters, and a VM's can have %d; choose a shorter one", name, len(name), mostName)
	}
	return nil
}

// isThere tells whether the owner's VM exists. A VM of its UUID that is not
// the owner's is a Conflict.
func (p *Provider) isThere(ctx context.Context, c *vim25.Client, o providers.Owner) (bool, error) {
	_, err := p.find(ctx, c, providers.Ref{Owner: o})
	if providers.IsAbsent(err) {
		return false, nil
	}
	return err == nil, err
}

// nameTaken looks for something of the VM's name in its folder. If that is the
// owner's VM after all, it returns true; anything else is a Conflict.
func (p *Provider) nameTaken(ctx context.Context, c *vim25.Client, o *order) (bool, error) {
	name := o.req.VM.Key.Name
	res, err := methods.FindChild(ctx, c, &types.FindChild{
		This: *c.ServiceContent.SearchIndex, Entity: o.site.folder.ref, Name: name,
	})
	if err != nil || res.Returnval == nil {
		return false, err
	}
	if res.Returnval.Type != virtualMachine {
		return false, conflict("%s has something else of the name %q; rename it", o.site.folder.path, name)
	}
	t, err := fetch(ctx, c, *res.Returnval)
	switch {
	case providers.IsAbsent(err):
		return false, nil
	case err != nil:
		return false, err
	case t.mark == nil || t.mark.owner() != o.req.Owner:
		return false, notOurs(name, o.req.Owner)
	}
	return true, nil
}
