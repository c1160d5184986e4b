package vsphere

import (
	"context"

	"github.com/vmsteward/vmsteward/providers"
)

// IsTaskComplete implements providers.Provider.
func (p *Provider) IsTaskComplete(ctx context.Context, task providers.TaskRef) (bool, error) {
	return true, nil
}
