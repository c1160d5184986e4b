package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"reflect"
	"slices"
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

	// Cache, when not nil, keeps decoded files between loads.
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
func Load(fsys fs.FS, opts Options) *Set {
	l := loader{fsys: fsys, opts: &opts, set: &Set{Skipped: map[string]int{}, Complete: true}}
	l.opts.fill()
	l.cache, l.words = opts.Cache.begin(), &words{}
	_ = fs.WalkDir(fsys, ".", l.visit) // visit turns every error into a finding
	l.cache.commit()
	l.set.Findings = sortFindings(l.set.Findings)
	slices.SortStableFunc(l.set.Documents, func(a, b *Document) int { return comparePositions(a.At, b.At) })
	return l.set
}

// LoadFile reads one file that is already at hand, as Load reads each file of
// a tree. The name is for the findings, and its extension tells JSON from YAML.
func LoadFile(name string, data []byte, opts Options) *Set {
	l := loader{opts: &opts, set: &Set{Skipped: map[string]int{}, Complete: true}}
	l.opts.fill()
	if int64(len(data)) > opts.MaxFileBytes {
		l.tooLarge(name)
		return l.set
	}
	l.add(decodeFile(name, data, &opts, &words{}))
	return l.set
}

type loader struct {
	fsys  fs.FS
	opts  *Options
	set   *Set
	cache *cacheTurn
	words *words
}

func (l *loader) visit(name string, entry fs.DirEntry, err error) error {
	hidden := name != "." && strings.HasPrefix(path.Base(name), ".")
	switch {
	case err != nil:
		l.refuse(name, "cannot be read: "+reason(err), "")
		if entry != nil && entry.IsDir() {
			return fs.SkipDir
		}
		return nil
	case entry.IsDir() && hidden:
		return fs.SkipDir
	case entry.IsDir() || hidden:
		return nil
	case entry.Type()&fs.ModeSymlink != 0:
		// A name without extension may lead to a folder of manifests.
		if IsManifestName(name) || path.Ext(name) == "" {
			l.refuse(name, "symbolic link not followed", "put the file or folder itself there")
		}
		return nil
	case !IsManifestName(name):
		return nil
	case !entry.Type().IsRegular():
		l.refuse(name, "not a regular file", "")
		return nil
	}
	l.file(name, entry)
	return nil
}

// IsManifestName tells whether a file of that name is read.
func IsManifestName(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// refuse notes an Error about a whole file, whose objects stay unknown.
func (l *loader) refuse(name, message, hint string) {
	l.set.Files++
	l.set.Complete = false
	l.set.Findings = append(l.set.Findings, Finding{
		At: Position{File: name}, Severity: Error, Message: message, Hint: hint,
	})
}

// file decodes one file, or takes it from the cache.
func (l *loader) file(name string, entry fs.DirEntry) {
	info, err := entry.Info()
	if err != nil {
		l.refuse(name, "cannot be read: "+reason(err), "")
		return
	}
	if info.Size() > l.opts.MaxFileBytes {
		l.tooLarge(name)
		return
	}
	id := cacheKey(name, info, l.opts)
	file, known := l.cache.get(id)
	if !known {
		data, err := readLimited(l.fsys, name, l.opts.MaxFileBytes)
		if err != nil {
			l.refuse(name, "cannot be read: "+reason(err), "")
			return
		}
		if int64(len(data)) > l.opts.MaxFileBytes {
			l.tooLarge(name)
			return
		}
		file = decodeFile(name, data, l.opts, l.words)
	}
	l.cache.put(id, file)
	l.add(file)
}

func (l *loader) tooLarge(name string) {
	l.refuse(name, fmt.Sprintf("larger than %d bytes", l.opts.MaxFileBytes), "split it")
}

func (l *loader) add(f *decoded) {
	l.set.Files++
	l.set.Documents = append(l.set.Documents, f.documents...)
	l.set.Findings = append(l.set.Findings, f.findings...)
	l.set.Complete = l.set.Complete && !f.incomplete
	for _, kind := range f.skipped {
		l.set.Skipped[kind]++
	}
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

// contentID returns the id of a file's bytes when its source knows one: Sys is
// then a value whose underlying type is string.
func contentID(info fs.FileInfo) string {
	v := reflect.ValueOf(info.Sys())
	if v.Kind() != reflect.String {
		return ""
	}
	return v.String()
}
