package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"reflect"
	"strings"
)

// DefaultMaxFileBytes is the size of the largest file that is read.
const DefaultMaxFileBytes = 4 << 20

// Options is how Load reads. The zero value is useful.
type Options struct {
	// DefaultNamespace is the namespace of objects that do not name one;
	// "default" when empty.
	DefaultNamespace string

	// Strict makes unknown fields Errors.
	Strict bool

	// MaxFileBytes is the size above which a file is refused without being
	// read; DefaultMaxFileBytes when 0.
	MaxFileBytes int64

	// Cache, when not nil, keeps what was decoded, and resolved, between loads.
	Cache *Cache
}

// fill puts the defaults in place of zero values.
func (o *Options) fill() {
	if o.MaxFileBytes <= 0 {
		o.MaxFileBytes = DefaultMaxFileBytes
	}
	if o.DefaultNamespace == "" {
		o.DefaultNamespace = "default"
	}
}

// Load reads every .yaml, .yml and .json file of the tree. It never fails as a
// whole: what cannot be read or understood is a finding, and makes the set
// incomplete where it hides which object was meant. Files and folders whose
// name begins with a dot are passed over. Symbolic links are not followed.
//
// A file whose FileInfo has a Sys of an underlying type string says by it what
// its content is, a folder what all below it is: the same text stands for the
// same to the last byte and name.
func Load(fsys fs.FS, opts Options) *Set {
	opts.fill()
	l := loader{fsys: fsys, opts: &opts}
	tree := l.tree(opts.Cache.last(opts))
	opts.Cache.keep(opts, tree)
	set := newSet(tree)
	set.cache = opts.Cache
	return set
}

// LoadFile reads one file that is already at hand, as Load reads each file of
// a tree. The name is for the findings, and its extension tells JSON from YAML.
func LoadFile(name string, data []byte, opts Options) *Set {
	opts.fill()
	l := loader{opts: &opts}
	return newSet(newFolder([]entry{{name: name, file: l.decode(name, data)}}, nil))
}

// loader reads one tree.
type loader struct {
	fsys  fs.FS
	opts  *Options
	words words
}

// tree reads the whole tree. last is what it was the last time, or nil.
func (l *loader) tree(last *folder) *folder {
	tree, err := l.folder(".", last)
	if err != nil {
		return newFolder([]entry{{name: ".", file: unread(".", err)}}, nil)
	}
	return tree
}

// folder reads what is in a folder and below. old is what was there the last
// time, and nil when nothing was.
func (l *loader) folder(name string, old *folder) (*folder, error) {
	list, err := fs.ReadDir(l.fsys, name)
	if err != nil {
		return nil, err
	}
	entries := make([]entry, 0, len(list))
	for _, d := range list {
		if strings.HasPrefix(d.Name(), ".") {
			continue
		}
		if e := l.entry(path.Join(name, d.Name()), d, old.find(d.Name(), d.IsDir())); e.file != nil || e.sub != nil {
			entries = append(entries, e)
		}
	}
	return newFolder(entries, old), nil
}

// entry reads one entry of a folder. It returns the zero entry for what does
// not count.
func (l *loader) entry(name string, d fs.DirEntry, old *entry) entry {
	e := entry{name: d.Name()}
	switch {
	case d.IsDir():
		return l.subfolder(name, d, old)
	case d.Type()&fs.ModeSymlink != 0:
		// A name without extension may lead to a folder of manifests.
		if !IsManifestName(name) && path.Ext(name) != "" {
			return entry{}
		}
		e.file = refused(name, "symbolic link not followed", "put the file or folder itself there")
	case !IsManifestName(name):
		return entry{}
	case !d.Type().IsRegular():
		e.file = refused(name, "not a regular file", "")
	default:
		return l.file(name, d, old)
	}
	return e
}

// subfolder reads a folder, unless it is known to be what it was.
func (l *loader) subfolder(name string, d fs.DirEntry, old *entry) entry {
	e := entry{name: d.Name()}
	if l.opts.Cache != nil {
		if info, err := d.Info(); err == nil {
			e.id = contentID(info)
		}
	}
	var known *folder
	if old != nil {
		known = old.sub
		if e.id != "" && e.id == old.id && !known.total.passing {
			return *old
		}
	}
	var err error
	if e.sub, err = l.folder(name, known); err != nil {
		e.id, e.file = "", unread(name, err)
	}
	return e
}

// file reads one file, unless it is known to be what it was.
func (l *loader) file(name string, d fs.DirEntry, old *entry) entry {
	e := entry{name: d.Name()}
	info, err := d.Info()
	if err != nil {
		e.file = unread(name, err)
		return e
	}
	if info.Size() > l.opts.MaxFileBytes {
		e.file = l.tooLarge(name)
		return e
	}
	if e.id = contentID(info); old != nil && e.id != "" && e.id == old.id {
		return *old
	}
	data, err := readLimited(l.fsys, name, l.opts.MaxFileBytes)
	if err != nil {
		e.id, e.file = "", unread(name, err)
		return e
	}
	e.file = l.decode(name, data)
	return e
}

func (l *loader) decode(name string, data []byte) *decoded {
	if int64(len(data)) > l.opts.MaxFileBytes {
		return l.tooLarge(name)
	}
	return decodeFile(name, data, l.opts, &l.words)
}

func (l *loader) tooLarge(name string) *decoded {
	return refused(name, fmt.Sprintf("larger than %d bytes", l.opts.MaxFileBytes), "split it")
}

// refused is a file, or what stands in the place of one, that is not decoded
// and whose objects stay unknown.
func refused(name, message, hint string) *decoded {
	return &decoded{incomplete: true, findings: []Finding{{
		At: Position{File: name}, Severity: Error, Message: message, Hint: hint,
	}}}
}

// unread is a file or folder that could not be read this time.
func unread(name string, err error) *decoded {
	f := refused(name, "cannot be read: "+reason(err), "")
	f.passing = true
	return f
}

// IsManifestName tells whether a file of that name is read.
func IsManifestName(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// reason words an error without the path, which the finding has already.
func reason(err error) string {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}

// readLimited reads a file, and at most one byte more than limit.
func readLimited(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// contentID returns the id of a file's or folder's content, and the empty text
// when the source knows none.
func contentID(info fs.FileInfo) string {
	v := reflect.ValueOf(info.Sys())
	if v.Kind() != reflect.String {
		return ""
	}
	return v.String()
}
