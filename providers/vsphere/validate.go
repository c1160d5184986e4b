package vsphere

import (
	"context"

	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
)

// Validate implements providers.Provider: it logs in, and has the server
// answer a call that needs the login.
func (p *Provider) Validate(ctx context.Context) error {
	return p.do(ctx, "validate", p.session.host, func(ctx context.Context, c *vim25.Client) error {
		_, err := methods.GetCurrentTime(ctx, c)
		return err
	})
}
