package vsphere

import (
	"context"

	"github.com/vmware/govmomi/vim25"

	"github.com/vmsteward/vmsteward/providers"
)

type images struct{}

func newImages() *images { return &images{} }

func (*images) close() error { return nil }

// orderImage finds what the VM is cloned from, and where it goes.
func (p *Provider) orderImage(ctx context.Context, c *vim25.Client, o *order) (providers.TaskRef, error) {
	src := o.req.VM.Image.VSphere
	switch {
	case src == nil:
		return "", invalid("VMImage %s has no source for vSphere; add spec.source.vsphere", o.req.VM.Image.Key)
	case src.Template != "":
		return "", p.orderTemplate(ctx, c, o, src.Template)
	}
	return "", invalid("VMImage %s names neither a template nor a library item nor an OVA", o.req.VM.Image.Key)
}
