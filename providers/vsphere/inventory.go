package vsphere

import (
	"context"

	"github.com/vmware/govmomi/vim25"

	"github.com/vmsteward/vmsteward/providers"
)

// vmProps are the properties that are read of a VM, never config as a whole.
var vmProps = []string{}

// read is find for any VM, ours or not.
func (p *Provider) read(ctx context.Context, c *vim25.Client, ref providers.Ref) (*target, error) {
	return nil, notThere()
}

// List implements providers.Lister.
func (p *Provider) List(ctx context.Context) (*providers.Inventory, error) { return nil, nil }

// Describe implements providers.Provider.
func (p *Provider) Describe(ctx context.Context, ref providers.Ref) (*providers.VM, error) {
	return nil, nil
}
