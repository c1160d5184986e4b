package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/vmsteward/vmsteward/sources"
)

// errDamaged marks what only damage to the local clone explains. The cure is a
// fresh clone.
var errDamaged = errors.New("local clone is damaged")

func damaged(format string, a ...any) error {
	return fmt.Errorf("%w: %w", errDamaged, fmt.Errorf(format, a...))
}

// fail makes a source's error of a fetch.
func fail(kind sources.Kind, hint, format string, a ...any) error {
	return &sources.Error{Op: "fetch", Kind: kind, Err: fmt.Errorf(format, a...), Hint: hint}
}

// refusedByDisk tells the errors that speak of the disk, the permissions or the
// process, none of which a fresh clone would cure.
func refusedByDisk(err error) bool {
	for _, no := range []error{
		syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO, syscall.EACCES, syscall.EPERM,
		syscall.EMFILE, syscall.ENFILE, syscall.EFBIG, syscall.ENOMEM,
	} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

// pathError tells the errors of the file system from those about content.
func pathError(err error) bool {
	var p *fs.PathError
	var l *os.LinkError
	var n syscall.Errno
	return errors.As(err, &p) || errors.As(err, &l) || errors.As(err, &n)
}

// classified tells whether err has its kind already, or is marked as damage.
func classified(err error) bool {
	var e *sources.Error
	return errors.As(err, &e) || errors.Is(err, errDamaged)
}

// onDisk classifies an error of reading or writing the local clone.
func onDisk(dir string, err error) error {
	switch {
	case err == nil:
		return nil
	case classified(err), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, errTooLarge):
		return fail(sources.Invalid, "keep large files out of the repository", "%w", err)
	case refusedByDisk(err):
		return fail(sources.Unavailable, "make room or correct the permissions; nothing was lost", "local clone %s: %w", dir, err)
	}
	return damaged("%w", err)
}

// finish gives every error a kind. What the transports say has been translated
// where they are called; here remain contexts and the disk.
func (s *Source) finish(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if cause := ctx.Err(); cause != nil {
		if errors.Is(cause, context.DeadlineExceeded) {
			return fail(sources.Unavailable, "the repository did not answer in time", "%s: %w", s.addr, cause)
		}
		return fail(sources.Unavailable, "", "%s: %w", s.addr, cause)
	}
	var e *sources.Error
	if errors.As(err, &e) {
		return e
	}
	if errors.Is(err, errDamaged) {
		return fail(sources.Unavailable, "the next fetch clones again", "%s: %w", s.cfg.Dir, err)
	}
	if errors.Is(err, fs.ErrPermission) {
		return fail(sources.Unavailable, "correct the permissions", "%w", err)
	}
	return fail(sources.Unavailable, "", "%w", err)
}
