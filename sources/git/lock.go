package git

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/vmsteward/vmsteward/sources"
)

// enter waits until no other call of this source is under way, and takes the
// clone for this process. The second fails at once when another process, or
// another source that was given the same folder, works in it.
func (s *Source) enter(ctx context.Context) (leave func(), err error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	unlock, err := lockFile(s.cfg.Dir)
	if err != nil {
		<-s.turn
		return nil, err
	}
	return func() { unlock(); <-s.turn }, nil
}

func lockFile(dir string) (func(), error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return nil, fail(sources.Unavailable, "make the folder above writable", "local clone: %w", err)
	}
	f, err := os.OpenFile(dir+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fail(sources.Unavailable, "make room or make the folder above writable", "local clone: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fail(sources.Unavailable, "give every source a dir of its own", "local clone %s is in use elsewhere", dir)
		}
		return nil, fail(sources.Unavailable, "", "locking %s.lock: %w", dir, err)
	}
	return func() {
		// Unlocked by word, because a process that is just being started may
		// still hold a copy of the descriptor.
		_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
		_ = f.Close()
	}, nil
}
