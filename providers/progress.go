package providers

import "sync"

// Progress remembers how far the tasks had come that were looked at, for a
// Progressor. The zero value knows nothing. It is safe for many goroutines.
type Progress struct {
	mu      sync.Mutex
	percent map[TaskRef]int // guarded by mu
}

// mostProgress is how many tasks are remembered: one that nobody asks for any
// more is never seen to end.
const mostProgress = 1000

// Note remembers how many percent of a task are done.
func (p *Progress) Note(task TaskRef, percent int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.percent == nil || len(p.percent) >= mostProgress {
		p.percent = make(map[TaskRef]int)
	}
	p.percent[task] = percent
}

// Forget drops a task that has ended.
func (p *Progress) Forget(task TaskRef) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.percent, task)
}

// Of returns what was noted of a task.
func (p *Progress) Of(task TaskRef) (percent int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	percent, ok = p.percent[task]
	return percent, ok
}
