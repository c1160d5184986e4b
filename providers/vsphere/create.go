package vsphere

import (
	"context"

	"github.com/vmsteward/vmsteward/providers"
)

// Create implements providers.Provider.
func (p *Provider) Create(ctx context.Context, req providers.CreateRequest) (providers.CreateResult, error) {
	return providers.CreateResult{}, nil
}
