package vsphere

import (
	"sync"

	"github.com/vmsteward/vmsteward/providers"
)

var _ providers.Progressor = (*Provider)(nil)

// progress remembers how far the tasks had come that were looked at. The zero
// value knows nothing. It is safe for many goroutines.
type progress struct {
	mu      sync.Mutex
	percent map[providers.TaskRef]int
}

// mostProgress is how many tasks are remembered. One that nobody asks for any
// more is never forgotten by itself.
const mostProgress = 1000

func (p *progress) note(task providers.TaskRef, percent int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.percent == nil || len(p.percent) >= mostProgress {
		p.percent = make(map[providers.TaskRef]int)
	}
	p.percent[task] = percent
}

func (p *progress) forget(task providers.TaskRef) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.percent, task)
}

// TaskProgress implements providers.Progressor.
func (p *Provider) TaskProgress(task providers.TaskRef) (percent int, ok bool) {
	p.progress.mu.Lock()
	defer p.progress.mu.Unlock()
	percent, ok = p.progress.percent[task]
	return percent, ok
}
