package vsphere

import (
	"context"

	"github.com/vmsteward/vmsteward/providers"
)

// Power implements providers.Provider.
func (p *Provider) Power(ctx context.Context, ref providers.Ref, op providers.PowerOp) (providers.TaskRef, error) {
	return "", nil
}
