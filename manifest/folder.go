package manifest

import (
	"cmp"
	"slices"
)

// folder is what one folder of a tree says, with all that is below it. It is
// never changed once made, and part of every tree that has it unchanged.
type folder struct {
	entries []entry // in the order of their paths
	total   tally
}

// entry is one file or folder that is read or refused.
type entry struct {
	name string
	id   string   // of the content; empty when the source knows none
	file *decoded // nil for a folder
	sub  *folder  // nil for a file
}

// tally sums up what is below a folder.
type tally struct {
	files, documents, findings int
	skipped                    map[string]int // nil: none

	incomplete bool
	passing    bool // something could not be read, and may be readable next time
}

// compareEntries orders as whole paths do: a folder stands where its name with
// a slash does.
func compareEntries(a, b *entry) int {
	n := min(len(a.name), len(b.name))
	return cmp.Or(cmp.Compare(a.name[:n], b.name[:n]), cmp.Compare(a.after(n), b.after(n)))
}

// after is the byte of the path that follows n bytes of the name, or -1.
func (e *entry) after(n int) int {
	switch {
	case n < len(e.name):
		return int(e.name[n])
	case e.sub != nil:
		return '/'
	}
	return -1
}

// find returns the entry of that name, and nil when there is none.
func (f *folder) find(name string, isFolder bool) *entry {
	if f == nil {
		return nil
	}
	wanted := entry{name: name}
	if isFolder {
		wanted.sub = f // any
	}
	i, ok := slices.BinarySearchFunc(f.entries, &wanted, func(e entry, w *entry) int { return compareEntries(&e, w) })
	if !ok {
		return nil
	}
	return &f.entries[i]
}

// newFolder makes a folder of entries in any order, or returns old if it has
// the same ones.
func newFolder(entries []entry, old *folder) *folder {
	slices.SortFunc(entries, func(a, b entry) int { return compareEntries(&a, &b) })
	if old != nil && slices.Equal(entries, old.entries) {
		return old
	}
	f := &folder{entries: slices.Clip(entries)}
	for i := range entries {
		e := &entries[i]
		if e.sub != nil {
			f.total.add(&e.sub.total)
		} else {
			f.total.addFile(e.file)
		}
	}
	return f
}

func (t *tally) add(o *tally) {
	t.files += o.files
	t.documents += o.documents
	t.findings += o.findings
	t.incomplete = t.incomplete || o.incomplete
	t.passing = t.passing || o.passing
	for kind, n := range o.skipped {
		t.skip(kind, n)
	}
}

func (t *tally) addFile(f *decoded) {
	t.files++
	t.documents += len(f.documents)
	t.findings += len(f.findings)
	t.incomplete = t.incomplete || f.incomplete
	t.passing = t.passing || f.passing
	for _, kind := range f.skipped {
		t.skip(kind, 1)
	}
}

func (t *tally) skip(kind string, n int) {
	if t.skipped == nil {
		t.skipped = make(map[string]int)
	}
	t.skipped[kind] += n
}

// each calls fn for every file of the folder and below, in the order of paths,
// but does not go into folders that want declines.
func (f *folder) each(want func(*tally) bool, fn func(*decoded)) {
	for i := range f.entries {
		e := &f.entries[i]
		switch {
		case e.file != nil:
			fn(e.file)
		case want(&e.sub.total):
			e.sub.each(want, fn)
		}
	}
}

// difference is how one tree differs from another, by whole files.
type difference struct{ gone, come []*decoded }

// between adds how next differs from old. Either may be nil. It looks into no
// folder that both have.
func (d *difference) between(old, next *folder) {
	if old == next {
		return
	}
	var a, b []entry
	if old != nil {
		a = old.entries
	}
	if next != nil {
		b = next.entries
	}
	for len(a) > 0 || len(b) > 0 {
		order := 0
		switch {
		case len(a) == 0:
			order = 1
		case len(b) == 0:
			order = -1
		default:
			order = compareEntries(&a[0], &b[0])
		}
		var was, is entry
		if order <= 0 {
			was, a = a[0], a[1:]
		}
		if order >= 0 {
			is, b = b[0], b[1:]
		}
		d.entry(was, is)
	}
}

// entry adds the difference between two entries of one name; one may be zero.
func (d *difference) entry(was, is entry) {
	if was.sub != nil || is.sub != nil {
		d.between(was.sub, is.sub)
		return
	}
	if was.file == is.file {
		return
	}
	if was.file != nil {
		d.gone = append(d.gone, was.file)
	}
	if is.file != nil {
		d.come = append(d.come, is.file)
	}
}
