package watch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/fsnotify/fsnotify"
)

// maxLinks is how many symbolic links a path may lead through.
const maxLinks = 40

// Names tells whether an entry of that name in a folder matters.
type Names func(name string) bool

// All is for folders in which every entry matters.
func All(string) bool { return true }

// Round is one survey. It keeps the first error that makes watching impossible,
// after which it does nothing more.
type Round struct {
	kernel  *fsnotify.Watcher
	ended   func() error
	watched map[string][]Names
	turns   map[string]bool // paths that decide where the way leads
	err     error
}

// Follow walks an absolute path and returns where it leads, all links resolved;
// ok is false while nothing is there. The places at which the way may change
// are watched: the folder of the last part, of every link, and of what is
// missing. An ordinary folder farther up that is moved away is not noticed.
func (r *Round) Follow(path string) (real string, ok bool) {
	rest, at := parts(path), string(filepath.Separator)
	for links := 0; len(rest) > 0; {
		next := filepath.Join(at, rest[0])
		i, err := os.Lstat(next)
		if err != nil || i.Mode()&fs.ModeSymlink != 0 || len(rest) == 1 {
			r.turn(next)
			i, err = os.Lstat(next) // again, now that its coming and going is seen
		}
		if err != nil || r.err != nil {
			return "", false
		}
		rest = rest[1:]
		if i.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		target, err := os.Readlink(next)
		if links++; err != nil || links > maxLinks {
			return "", false
		}
		if filepath.IsAbs(target) {
			at = string(filepath.Separator)
		}
		rest = append(parts(target), rest...)
	}
	return at, true
}

func parts(path string) []string {
	return strings.FieldsFunc(path, func(c rune) bool { return c == filepath.Separator })
}

// turn has the survey repeated when something happens to path.
func (r *Round) turn(path string) {
	base := filepath.Base(path)
	r.turns[path] = true
	r.Folder(filepath.Dir(path), func(name string) bool { return name == base })
}

// Turn has the survey repeated when the content of a file changes that says
// where to go on. Its folder must be watched already.
func (r *Round) Turn(path string) { r.turns[filepath.Clean(path)] = true }

// Folder watches one folder for entries whose names matter, and returns whether
// it could. The folder above it must be watched, so that its coming is noticed;
// Follow and Below see to that.
func (r *Round) Folder(dir string, names Names) bool {
	if r.err == nil {
		r.err = r.ended()
	}
	if r.err != nil {
		return false
	}
	if r.watched[dir] == nil {
		if err := r.kernel.Add(dir); absent(err) {
			return false
		} else if err != nil {
			r.err = explain(dir, err)
			return false
		}
	}
	r.watched[dir] = append(r.watched[dir], names)
	return true
}

// Below watches a folder and those in it whose names enter says yes to, to any
// depth. Links are not followed.
func (r *Round) Below(dir string, names, enter Names) {
	if !r.Folder(dir, names) {
		return
	}
	entries, err := os.ReadDir(dir) // of one that vanishes the rest is of no use
	for _, e := range entries {
		if r.err != nil {
			return
		}
		if e.IsDir() && enter(e.Name()) {
			r.Below(filepath.Join(dir, e.Name()), names, enter)
		}
	}
	if err != nil && !absent(err) {
		r.err = explain(dir, err)
	}
}

// absent tells whether a folder is just not there or not to be read now; should
// that change, its own folder tells.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, errNotDir) || errors.Is(err, errGone)
}
