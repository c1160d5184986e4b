// Package sources says what a source of desired state is: something that
// yields snapshots, each an immutable file tree with a revision. It must not
// know what a VM is, nor read what is in the files. Every source passes the
// suite in sourcetest.
package sources

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// Source yields snapshots of one tree of files.
type Source interface {
	// Fetch returns the newest snapshot. It makes one attempt and ends by the
	// context's deadline. A source that could not look returns an error and
	// never an empty tree. When nothing has changed since the last Fetch, the
	// snapshot has the same Revision.
	Fetch(ctx context.Context) (*Snapshot, error)

	// Describe names the source for people, without secrets:
	// "git ssh://git@host/path#main".
	Describe() string

	// Close releases what the source holds. Snapshots stay readable.
	Close() error
}

// Cached is a Source that keeps its last good snapshot across restarts, so that
// a daemon started while the source is unreachable goes on with what it had.
type Cached interface {
	// Last returns the snapshot that the last successful Fetch returned, also
	// one of an earlier process, without reaching out to anything. The kind is
	// Missing when there is none for the present configuration.
	Last() (*Snapshot, error)
}

// Watcher is a Source that notices by itself when a Fetch may bring something
// new, because it lies on this host.
type Watcher interface {
	// Watch calls changed once as soon as it watches, and then whenever there
	// may be something new, until the context ends or watching fails; it
	// returns why. After the last change there is always a call. It calls
	// rather once too often than once too few, and events may not reach it at
	// all, as from a network file system: whoever watches also polls. changed
	// must not block. The kind is Invalid when this source can never be
	// watched; after other kinds a later try may succeed.
	Watch(ctx context.Context, changed func()) error
}

// Snapshot is one state of the tree. It does not change once returned.
type Snapshot struct {
	Revision string    // opaque to everybody but its source
	Title    string    // first line of the commit message, or empty
	Author   string    // or empty
	Time     time.Time // when the revision was made; zero when unknown
	Verified bool      // a signature was required and is good
	Notes    []string  // what an operator should know of it: "branch was rewritten …"

	// Files is the tree below the configured folder. The Sys method of the
	// FileInfo of its regular files and of its folders returns a ContentID when
	// the source knows one. Symbolic links are reported with fs.ModeSymlink and
	// never followed.
	Files fs.FS
}

// ContentID identifies a file's bytes, or all that is in a folder and below:
// two files with the same id, from the same source, are the same to the last
// byte, and two folders have the same entries, of the same types and bytes. It
// is not meant to be read.
type ContentID string

// Kind is why a source failed.
type Kind string

// The kinds. Denied and Rewritten need a person; Missing needs one or time;
// Unavailable heals by itself.
const (
	Unavailable Kind = "Unavailable" // not reachable, overloaded, timed out
	Denied      Kind = "Denied"      // credentials or host key refused
	Missing     Kind = "Missing"     // repository, branch, tag, commit or folder is not there
	Rewritten   Kind = "Rewritten"   // history was rewritten and the configuration forbids to follow
	Invalid     Kind = "Invalid"     // the configuration or the data cannot work as it is
)

// Error is a source's failure.
type Error struct {
	Op   string // "fetch", "read"
	Kind Kind
	Hint string // what a person can do; may be empty
	Err  error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Hint != "" {
		return fmt.Sprintf("%s: %v (%s)", e.Op, e.Err, e.Hint)
	}
	return fmt.Sprintf("%s: %v", e.Op, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err, and Unavailable for an error that is not a
// source's own.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Unavailable
}
