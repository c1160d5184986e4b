package manifest

import (
	"maps"
	"reflect"
)

// Set is everything that a tree of files says, document by document. It is
// read-only once loaded, and it shares its documents with a Cache.
type Set struct {
	Documents []*Document    // in order of path, then place
	Findings  []Finding      // in order of place
	Files     int            // files read or refused
	Skipped   map[string]int // documents of foreign kinds, by "apiVersion/kind"

	// Complete is false when some file or document could not be understood well
	// enough to know which object it declares. What an incomplete set does not
	// have may be wanted all the same.
	Complete bool

	tree  *folder // nil: what is above was not loaded
	cache *Cache  // that it was loaded with, or nil
}

// newSet lists what is in a tree.
func newSet(tree *folder) *Set {
	t := &tree.total
	s := &Set{
		Documents: make([]*Document, 0, t.documents), Findings: make([]Finding, 0, t.findings),
		Files: t.files, Skipped: make(map[string]int), Complete: !t.incomplete, tree: tree,
	}
	maps.Copy(s.Skipped, t.skipped)
	tree.each(func(t *tally) bool { return t.documents > 0 }, func(f *decoded) { s.Documents = append(s.Documents, f.documents...) })
	tree.each(func(t *tally) bool { return t.findings > 0 }, func(f *decoded) { s.Findings = append(s.Findings, f.findings...) })
	s.Findings = sortFindings(s.Findings)
	return s
}

// files returns what is to be resolved.
func (s *Set) files() *folder {
	if s.tree != nil {
		return s.tree
	}
	all := &decoded{documents: s.Documents, findings: s.Findings, incomplete: !s.Complete}
	return newFolder([]entry{{file: all}}, nil)
}

// Document is one document of a kind of this package.
type Document struct {
	At     Position // where it begins
	Kind   string
	Key    Key    // Name is empty when the document has none
	Digest string // of the content; not of its order, layout or comments

	// Object is a pointer to the Go type of the kind, such as *VirtualMachine.
	// It is nil when the document could not be decoded at all, and holds what
	// could be read when Valid is false.
	Object any

	Valid    bool      // no Error was found
	Findings []Finding // about this document alone

	declared []string // paths of the fields that are written
	places   places
}

// Position returns the place of a field, such as "spec.networks[0].networkRef",
// or of the nearest thing around it that is written. Fields are those of the
// schema: what is in a map is where the map is.
func (d *Document) Position(field string) Position {
	kind, ok := findKind(d.Kind)
	if !ok {
		return d.At
	}
	return d.places.find(d.At, kind.shape, parsePath(field))
}

// declares tells whether the document itself sets the field, such as
// "spec.network.mtu".
func (d *Document) declares(field string) bool {
	for _, f := range d.declared {
		if f == d.Kind+"."+field {
			return true
		}
	}
	return false
}

// finding makes a finding about a field of the document.
func (d *Document) finding(severity Severity, field, message, hint string) Finding {
	return Finding{
		At: d.Position(field), Severity: severity, Kind: d.Kind, Object: d.Key,
		Field: field, Message: message, Hint: hint,
	}
}

// newObject returns a new Go value of the kind, as a pointer.
func (k kindType) newObject() reflect.Value { return reflect.New(k.goType) }
