package manifest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"unicode/utf8"

	yamlv3 "go.yaml.in/yaml/v3"
)

const (
	maxDocuments    = 10_000 // in one file
	maxFileFindings = 1_000
)

// decoded is what one file says. It depends on the path, the content and the
// options alone, and is shared by everybody who loads the same file.
type decoded struct {
	documents  []*Document
	findings   []Finding
	skipped    []string
	incomplete bool
	passing    bool // it could not be read this time, and may be readable next time
}

// decodeFile reads one file. What others say alike is taken from shared.
func decodeFile(name string, data []byte, opts *Options, shared *words) *decoded {
	f := fileDecoder{opts: opts, name: name, words: shared}
	f.read(data)
	d := f.decoded // kept, and the decoder is not
	return &d
}

func (f *fileDecoder) read(data []byte) {
	name := f.name
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	if p := checkText(data); p != nil {
		f.refuse(Position{File: name, Line: p.line}, p.message, p.hint)
		return
	}
	if path.Ext(name) == ".json" {
		// JSON has no tabs but between its values, where YAML does not take them.
		data = bytes.ReplaceAll(data, []byte{'\t'}, []byte{' '})
	}
	parts := splitDocuments(name, data)
	if len(parts) > maxDocuments {
		f.refuse(Position{File: name}, fmt.Sprintf("file has more than %d documents", maxDocuments), "")
		return
	}
	for _, s := range parts {
		f.document(s)
	}
	// An alias leads an item of a List back to where its anchor stands.
	slices.SortStableFunc(f.documents, func(a, b *Document) int { return comparePositions(a.At, b.At) })
	f.documents, f.findings = slices.Clip(f.documents), slices.Clip(sortFindings(f.findings))
	if n := len(f.findings); n > maxFileFindings {
		f.findings = append(f.findings[:maxFileFindings:maxFileFindings], Finding{
			At: Position{File: name}, Severity: Warning,
			Message: fmt.Sprintf("%d further findings in this file are not listed", n-maxFileFindings),
		})
	}
}

// checkText refuses what is not a text in UTF-8.
func checkText(data []byte) *problem {
	if bytes.HasPrefix(data, []byte{0xFF, 0xFE}) || bytes.HasPrefix(data, []byte{0xFE, 0xFF}) {
		return &problem{line: 1, message: "text is UTF-16", hint: "save it as UTF-8"}
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return &problem{line: 1 + bytes.Count(data[:i], []byte{'\n'}), message: "binary content"}
	}
	if utf8.Valid(data) {
		return nil
	}
	line := 0
	for l := range bytes.Lines(data) {
		line++
		if !utf8.Valid(l) {
			break
		}
	}
	return &problem{line: line, message: "text is not UTF-8", hint: "save it as UTF-8"}
}

// fileDecoder gathers what the documents of one file say.
type fileDecoder struct {
	decoded
	opts  *Options
	name  string
	words *words
}

// refuse notes an Error that leaves open which object was meant.
func (f *fileDecoder) refuse(at Position, message, hint string) {
	f.incomplete = true
	f.findings = append(f.findings, Finding{At: at, Severity: Error, Message: message, Hint: hint})
}

// document reads one part of the stream.
func (f *fileDecoder) document(s *source) {
	root, p := s.parseNodes()
	if p != nil {
		f.refuse(s.position(p.line, 0), p.message, p.hint)
		return
	}
	if root == nil || root.Tag == "!!null" {
		return
	}
	at := s.position(root.Line, root.Column)
	switch root.Kind {
	case yamlv3.MappingNode:
		f.mapping(s, root, at)
	case yamlv3.SequenceNode:
		for _, item := range root.Content {
			if item = deref(item); item.Kind == yamlv3.MappingNode && (identity{}).resemblesManifest(item) {
				f.refuse(at, "a list at the top of a document", "write one document per object, separated by ---")
				return
			}
		}
		f.skip(at, "not a manifest: a list")
	default:
		f.refuse(at, "not a manifest: a single value", "")
	}
}

// skip notes that a document is no manifest at all.
func (f *fileDecoder) skip(at Position, message string) {
	f.skipped = append(f.skipped, "(no manifest)")
	f.findings = append(f.findings, Finding{At: at, Severity: Warning, Message: message})
}

// mapping reads a document that is one object, or a List of objects.
func (f *fileDecoder) mapping(s *source, root *yamlv3.Node, at Position) {
	values := &lazyValues{source: s}
	if id := identify(root); id.kind != "List" || id.apiVersion != "v1" || id.ambiguous {
		f.object(s, root, at, nil, values)
		return
	}
	items, _ := locate(root, []step{{key: "items"}})
	if items.Kind != yamlv3.SequenceNode {
		f.refuse(at, "a List without items", "")
		return
	}
	for i, item := range items.Content {
		item = deref(item)
		if item.Kind != yamlv3.MappingNode {
			f.refuse(s.position(item.Line, item.Column), "item of a List is not an object", "")
			continue
		}
		f.object(s, item, s.position(item.Line, item.Column), []step{{key: "items"}, {index: i, list: true}}, values)
	}
}

// object reads one object, which is the document or an item of it.
func (f *fileDecoder) object(s *source, root *yamlv3.Node, at Position, item []step, values *lazyValues) {
	id := identify(root)
	what, message, hint := id.classify(root)
	switch what {
	case foreign:
		f.skipped = append(f.skipped, id.apiVersion+"/"+id.kind)
		return
	case notManifest:
		f.skip(at, message)
		return
	case unknown:
		f.refuse(at, message, hint)
		return
	}
	kind, _ := findKind(id.kind)
	doc := &Document{At: at, Kind: kind.kind, Key: f.key(id), places: placesOf(s, root, kind.shape, at)}
	d := decoder{source: s, root: root, kind: doc.Kind, key: doc.Key, strict: f.opts.Strict, words: f.words}
	if what == misnamed {
		d.push(step{key: "apiVersion"})
		d.errorf(hint, "%s", message)
	} else if v := d.decode(doc, kind, item, values); v != nil && !id.agrees(v) {
		f.incomplete = true
		d.addAt(root, "cannot tell which object this is: YAML 1.1 and 1.2 read its kind or name differently", "write them as plain texts")
	}
	doc.Findings, doc.declared, doc.Valid = d.findings, d.declared, !d.failed
	f.documents = append(f.documents, doc)
	f.findings = append(f.findings, doc.Findings...)
	f.incomplete = f.incomplete || doc.Key.Name == ""
}

func (f *fileDecoder) key(id identity) Key {
	k := Key{Namespace: f.words.text(id.namespace), Name: f.words.text(id.name)}
	if k.Namespace == "" {
		k.Namespace = f.opts.DefaultNamespace
	}
	return k
}

// decode fills doc from the plain values of its source, which it returns.
func (d *decoder) decode(doc *Document, kind kindType, item []step, values *lazyValues) any {
	d.checkKeys(d.root)
	v, canonical, err := values.at(item)
	if err != nil {
		d.errorf("", "cannot be read by the rules of YAML 1.1")
		return nil
	}
	sum := sha256.Sum256(canonical)
	doc.Digest = hex.EncodeToString(sum[:])
	object := kind.newObject()
	d.document(v, kind.shape, object)
	doc.Object = object.Interface()
	return v
}

// lazyValues reads the plain values of a source when they are first wanted,
// which for foreign kinds is never.
type lazyValues struct {
	source    *source
	read      bool
	value     any
	canonical []byte
	err       error
}

// at returns the value of the whole source, or of one item of its List.
func (l *lazyValues) at(item []step) (any, []byte, error) {
	if !l.read {
		l.value, l.canonical, l.err = l.source.parseValues()
		l.read = true
	}
	if l.err != nil || len(item) == 0 {
		return l.value, l.canonical, l.err
	}
	list, _ := l.value.(map[string]any)
	items, _ := list["items"].([]any)
	if i := item[1].index; i < len(items) {
		canonical, err := json.Marshal(items[i])
		return items[i], canonical, err
	}
	return nil, nil, fmt.Errorf("item %d is not there", item[1].index)
}
