// Package dir is a source that reads a plain folder. It owns taking a
// consistent copy of files that somebody may be editing; it must not know what
// the files mean. It is tested by the suite in sourcetest and by folders that
// change while they are read.
package dir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/vmsteward/vmsteward/sources"
	"github.com/vmsteward/vmsteward/sources/internal/filetree"
)

const (
	defaultMaxFile  = 8 << 20
	defaultMaxOther = 64 << 20
)

// Config says which folder is read and how much of it is kept in memory.
type Config struct {
	Path string // the folder; it may be a symbolic link, what is below it may not lead elsewhere

	// MaxFile is the size, in bytes, above which a file is listed and hashed
	// but its content not kept, so that opening it is an error. 0 means 8 MiB.
	MaxFile int64

	// MaxOther bounds, in bytes, the content kept of all files that are not
	// named .yaml, .yml or .json. Those which no longer fit, in the order of
	// their paths, are treated like files above MaxFile. 0 means 64 MiB.
	MaxOther int64
}

// Source reads one folder. It is safe for concurrent use.
type Source struct {
	cfg Config

	mu    sync.Mutex // held during a whole Fetch
	cache map[string]cached
	last  *sources.Snapshot
}

var _ sources.Source = (*Source)(nil)

// New checks cfg. It does not look at the folder, which may appear later.
func New(cfg Config) (*Source, error) {
	if cfg.Path == "" {
		return nil, &sources.Error{Op: "configure", Kind: sources.Invalid,
			Err: errors.New("path is empty"), Hint: "set path to the folder that holds the manifests"}
	}
	if cfg.MaxFile < 0 || cfg.MaxOther < 0 {
		return nil, &sources.Error{Op: "configure", Kind: sources.Invalid,
			Err: errors.New("maxFile and maxOther cannot be negative"), Hint: "leave them out to get the defaults"}
	}
	abs, err := filepath.Abs(cfg.Path)
	if err != nil {
		return nil, &sources.Error{Op: "configure", Kind: sources.Invalid, Err: err, Hint: "give an absolute path"}
	}
	cfg.Path = abs
	if cfg.MaxFile == 0 {
		cfg.MaxFile = defaultMaxFile
	}
	if cfg.MaxOther == 0 {
		cfg.MaxOther = defaultMaxOther
	}
	return &Source{cfg: cfg}, nil
}

// Describe implements sources.Source.
func (s *Source) Describe() string { return "dir " + s.cfg.Path }

// Close implements sources.Source; there is nothing to release.
func (s *Source) Close() error { return nil }

// Fetch reads the folder: of files that look unchanged only the metadata. A
// folder that changes meanwhile is read once more; if it still changes, the
// error is Unavailable. A folder without any file is Missing, because an
// unmounted file system looks just like that.
func (s *Source) Fetch(ctx context.Context) (*sources.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sc, err := s.scanTwice(ctx)
	if err != nil {
		return nil, s.translate(err)
	}
	s.cache = sc.cache
	revision := string(sc.root.ID)
	if s.last == nil || s.last.Revision != revision {
		s.last = &sources.Snapshot{
			Revision: revision,
			Time:     sc.newest,
			Files:    filetree.New(sc.root, sc.newest, load),
		}
	}
	snap := *s.last
	return &snap, nil
}

// scanTwice reads the folder until what was read is what is still there.
func (s *Source) scanTwice(ctx context.Context) (*scan, error) {
	var torn error
	for range 2 {
		sc, err := s.scan(ctx)
		if err == nil {
			err = sc.compare(ctx)
		}
		if err == nil {
			return sc, nil
		}
		if !errors.Is(err, errTorn) {
			return nil, err
		}
		torn = err
	}
	return nil, torn
}

// load is the snapshot's filetree.Loader: contents are in memory or nowhere.
func load(n *filetree.Node) ([]byte, error) {
	b, ok := n.Content.([]byte)
	if !ok {
		return nil, fmt.Errorf("is too large to be kept (%d bytes)", n.Size)
	}
	return append([]byte(nil), b...), nil
}

var (
	errTorn   = errors.New("changed while being read")
	errEmpty  = errors.New("folder holds no file")
	errNotDir = errors.New("is not a folder")
	errName   = errors.New("unusable file name")
)

// translate gives err its kind. Context errors stay recognisable inside.
func (s *Source) translate(err error) error {
	e := &sources.Error{Op: "fetch", Kind: sources.Unavailable, Err: err}
	switch {
	case errors.Is(err, errTorn):
		e.Hint = "the next fetch will see the folder at rest"
	case errors.Is(err, errEmpty):
		e.Kind = sources.Missing
		e.Hint = "check that the file system is mounted; if the folder is meant to be empty, put a README into it"
	case errors.Is(err, errNotDir):
		e.Kind, e.Hint = sources.Invalid, "path must name a folder"
	case errors.Is(err, errName):
		e.Kind, e.Hint = sources.Invalid, "rename the file"
	case errors.Is(err, os.ErrNotExist):
		e.Kind, e.Hint = sources.Missing, "create the folder or correct path"
	case errors.Is(err, os.ErrPermission):
		e.Kind, e.Hint = sources.Denied, "let the daemon's user read it"
	}
	return e
}

// newer returns the later of two times.
func newer(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
