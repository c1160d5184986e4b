package watch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// session is one use of the kernel's events.
type session struct {
	survey Survey
	settle time.Duration

	kernel *fsnotify.Watcher
	inbox  *inbox
	round  *Round
}

// renew gives all watches back and begins anew: a watch on a folder that was
// moved goes with it, and its path in the library's books is then wrong.
func (s *session) renew(ctx context.Context) error {
	s.close()
	kernel, err := fsnotify.NewWatcher()
	if err != nil {
		return explain("", err)
	}
	s.kernel, s.inbox = kernel, newInbox(kernel)
	return s.arm(ctx)
}

// arm surveys, and lets go of what does not matter any more.
func (s *session) arm(ctx context.Context) error {
	r := &Round{kernel: s.kernel, ended: ctx.Err, watched: map[string][]Names{}, turns: map[string]bool{}}
	s.survey(r)
	if r.err != nil {
		return r.err
	}
	for _, dir := range s.kernel.WatchList() {
		if r.watched[dir] == nil {
			// It is gone already, or only costs a watch.
			_ = s.kernel.Remove(dir)
		}
	}
	s.round = r
	return nil
}

func (s *session) close() {
	if s.kernel == nil {
		return
	}
	// Nothing is written through it, so nothing can be lost.
	_ = s.kernel.Close()
	<-s.inbox.done
	s.kernel = nil
}

// read takes what has arrived and judges it.
func (s *session) read() (news, error) {
	events, err := s.inbox.take()
	if err != nil {
		return nothing, explain("", err)
	}
	if events == nil {
		return replaced, nil
	}
	sum := nothing
	for name, op := range events {
		sum = max(sum, s.round.judge(name, op))
	}
	return sum, nil
}

// judge says what an event at a path means.
func (r *Round) judge(name string, op fsnotify.Op) news {
	_, watched := r.watched[name]
	switch {
	case watched && op.Has(fsnotify.Rename):
		return replaced
	case watched, r.turns[name]:
		return moved
	case !r.relevant(name):
		return nothing
	case op.Has(fsnotify.Create) || op.Has(fsnotify.Chmod):
		// A new folder may have to be watched; one that is gone again need not.
		if i, err := os.Lstat(name); err == nil && i.IsDir() {
			return moved
		}
	}
	return content
}

func (r *Round) relevant(name string) bool {
	base := filepath.Base(name)
	for _, names := range r.watched[filepath.Dir(name)] {
		if names(base) {
			return true
		}
	}
	return false
}

// benign tells whether an error of the library only means that events or
// watches were lost.
func benign(err error) bool {
	return errors.Is(err, fsnotify.ErrEventOverflow) || errors.Is(err, fsnotify.ErrNonExistentWatch) || errors.Is(err, errGone)
}
