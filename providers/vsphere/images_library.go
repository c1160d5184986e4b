package vsphere

import (
	"context"

	"github.com/vmware/govmomi/vim25"

	"github.com/vmsteward/vmsteward/providers"
)

type libraryName struct{ library, item, version string }

type libraryItem struct{}

func (p *Provider) orderItem(ctx context.Context, c *vim25.Client, o *order) (providers.TaskRef, error) {
	return "", nil
}
