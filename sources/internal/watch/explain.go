package watch

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/vmsteward/vmsteward/sources"
)

// What the system says of a folder that is none any more, and of a watch that
// ended by itself.
const (
	errNotDir = syscall.ENOTDIR
	errGone   = syscall.EINVAL
)

// explain gives an error its kind and names the limit that was reached.
func explain(dir string, err error) error {
	if err == nil || errors.As(err, new(*sources.Error)) {
		return err
	}
	e := &sources.Error{Op: "watch", Kind: sources.Unavailable, Err: err}
	if dir != "" {
		e.Err = fmt.Errorf("%s: %w", dir, err)
	}
	switch {
	case errors.Is(err, syscall.ENOSPC):
		e.Err = fmt.Errorf("%s: this user may not watch more folders%s", dir, limit("max_user_watches"))
		e.Hint = "raise fs.inotify.max_user_watches with sysctl; until then, polling goes on"
	case errors.Is(err, syscall.EMFILE):
		e.Err = fmt.Errorf("this user may not have more watchers%s, or the process not more open files", limit("max_user_instances"))
		e.Hint = "raise fs.inotify.max_user_instances with sysctl, or LimitNOFILE= of the unit; until then, polling goes on"
	}
	return e
}

// limit reads one of the kernel's limits; empty when there is none to read.
func limit(name string) string {
	b, err := os.ReadFile("/proc/sys/fs/inotify/" + name)
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (fs.inotify.%s is %s)", name, strings.TrimSpace(string(b)))
}
