package remote

import "github.com/vmsteward/vmsteward/providers"

var _ providers.Progressor = (*Provider)(nil)

// TaskProgress implements providers.Progressor.
func (p *Provider) TaskProgress(task providers.TaskRef) (percent int, ok bool) {
	return p.progress.Of(task)
}
