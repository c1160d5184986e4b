package manifest

import (
	"encoding/binary"

	yamlv3 "go.yaml.in/yaml/v3"
)

// places is where the fields of a document stand, in a few bytes for each: it
// is kept as long as the document, for a finding that is made when the text is
// gone. Of each field that the schema knows and the document has, in the order
// of the schema, it holds the field's number, counted from 1, and its place;
// then what is in it. An object ends with a 0, a list begins with the number
// of its items. A place is the number of lines from the place before, and the
// column.
type places string

// placesOf notes the places below root, whose own place is at.
func placesOf(s *source, root *yamlv3.Node, sh *shape, at Position) places {
	p := placer{source: s, line: at.Line}
	p.inside(root, sh)
	return places(p.out)
}

type placer struct {
	source *source
	out    []byte
	line   int // of the place before
}

// value notes one value and what is in it. key is nil for the items of a list.
func (p *placer) value(key, n *yamlv3.Node, sh *shape) {
	at := p.source.of(key, n)
	p.out = binary.AppendVarint(p.out, int64(at.Line-p.line))
	p.out = binary.AppendUvarint(p.out, uint64(at.Column))
	p.line = at.Line
	p.inside(n, sh)
}

func (p *placer) inside(n *yamlv3.Node, sh *shape) {
	switch sh.form {
	case formObject:
		for i := range sh.fields {
			f := &sh.fields[i]
			if key, v := child(n, step{key: f.name}, 0); v != nil {
				p.out = binary.AppendUvarint(p.out, uint64(i+1))
				p.value(key, deref(v), f.shape)
			}
		}
		p.out = binary.AppendUvarint(p.out, 0)
	case formList:
		var items []*yamlv3.Node
		if n.Kind == yamlv3.SequenceNode {
			items = n.Content
		}
		p.out = binary.AppendUvarint(p.out, uint64(len(items)))
		for _, item := range items {
			p.value(nil, deref(item), sh.elem)
		}
	}
}

// find returns the place of what steps lead to, or of the nearest thing around
// it that is noted. The document is of shape sh and stands at at.
func (p places) find(at Position, sh *shape, steps []step) Position {
	r := placeReader{rest: p, at: at, found: at}
	r.inside(sh, steps)
	return r.found
}

// placeReader reads places from the first to the last.
type placeReader struct {
	rest  places
	at    Position // the place that was read last
	found Position
}

// value reads one value and what is in it. The value is on the way to what is
// looked for if hit, and steps lead on from it.
func (r *placeReader) value(sh *shape, hit bool, steps []step) {
	r.at.Line += r.signed()
	r.at.Column = r.number()
	if hit {
		r.found = r.at
	} else {
		steps = nil
	}
	r.inside(sh, steps)
}

func (r *placeReader) inside(sh *shape, steps []step) {
	var next step
	var after []step
	if len(steps) > 0 {
		next, after = steps[0], steps[1:]
	}
	switch sh.form {
	case formObject:
		for n := r.number(); n > 0; n = r.number() {
			f := &sh.fields[n-1]
			r.value(f.shape, !next.list && next.key == f.name, after)
		}
	case formList:
		for i := range r.number() {
			r.value(sh.elem, next.list && next.index == i, after)
		}
	}
}

func (r *placeReader) number() int {
	v, n := uint64(0), 0
	for shift := 0; n < len(r.rest); shift += 7 {
		c := r.rest[n]
		n++
		if v |= uint64(c&0x7f) << shift; c < 0x80 {
			break
		}
	}
	r.rest = r.rest[n:]
	return int(v)
}

func (r *placeReader) signed() int {
	v := r.number()
	return v>>1 ^ -(v & 1)
}
