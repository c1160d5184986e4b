package vsphere

import (
	"context"

	"github.com/vmsteward/vmsteward/providers"
)

// Delete implements providers.Provider.
func (p *Provider) Delete(ctx context.Context, ref providers.Ref) (providers.TaskRef, error) {
	return "", nil
}
