package vsphere

import (
	"context"

	"github.com/vmsteward/vmsteward/providers"
)

// Reconfigure implements providers.Provider.
func (p *Provider) Reconfigure(ctx context.Context, ref providers.Ref, change providers.Change) (providers.TaskRef, error) {
	return "", nil
}
