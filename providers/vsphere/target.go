package vsphere

import (
	"context"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/mo"

	"github.com/vmsteward/vmsteward/providers"
)

// target is a VM as an act needs it: with vmProperties and fullProperties. mark
// is nil when it carries none that is valid.
type target struct {
	vm    mo.VirtualMachine
	mark  *mark
	names networkNames // of the networks that it is on
}

// find returns the VM of a Ref, which must carry the mark of the Ref's owner.
func (p *Provider) find(ctx context.Context, c *vim25.Client, ref providers.Ref) (*target, error) {
	t, err := p.read(ctx, c, ref)
	if err != nil {
		return nil, err
	}
	if t.mark == nil || t.mark.owner() != ref.Owner {
		return nil, notOurs(t.vm.Name, ref.Owner)
	}
	if isTemplate(&t.vm) {
		return nil, conflict("VM %q is a template now; make a VM of it again", t.vm.Name)
	}
	return t, nil
}
