package vsphere

import "context"

// Validate implements providers.Provider.
func (p *Provider) Validate(ctx context.Context) error { return nil }
