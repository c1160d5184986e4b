package remote

import (
	"sync"

	"github.com/vmsteward/vmsteward/providers"
)

// progress is how far tasks have come, as of their last look.
type progress struct {
	mu  sync.Mutex
	pct map[providers.TaskRef]int // guarded by mu
}

// mostTasks bounds the tasks that are remembered: one that nobody asks after
// any more is never seen to end.
const mostTasks = 1024

func (p *progress) set(task providers.TaskRef, percent int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pct == nil || len(p.pct) >= mostTasks {
		p.pct = make(map[providers.TaskRef]int)
	}
	p.pct[task] = percent
}

func (p *progress) drop(task providers.TaskRef) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pct, task)
}

// TaskProgress implements providers.Progressor.
func (p *Provider) TaskProgress(task providers.TaskRef) (percent int, ok bool) {
	p.progress.mu.Lock()
	defer p.progress.mu.Unlock()
	percent, ok = p.progress.pct[task]
	return percent, ok
}
