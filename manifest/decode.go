package manifest

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

	yamlv3 "go.yaml.in/yaml/v3"
)

// maxFindings is how many findings one document can have; what comes after is
// counted in one last finding.
const maxFindings = 100

// decoder turns the plain value of one document into the Go value of its kind,
// in one walk that checks, fills in defaults and notes what was written.
type decoder struct {
	source   *source      // for positions
	root     *yamlv3.Node // of the document
	kind     string
	key      Key
	strict   bool
	path     []step
	findings []Finding
	dropped  int
	failed   bool
	declared []string
	words    *words
}

// document decodes v into target, a pointer to the kind's Go type.
func (d *decoder) document(v any, s *shape, target reflect.Value) {
	d.object(v, s, target.Elem())
	if d.dropped > 0 {
		f := d.finding(Warning, nil, fmt.Sprintf("%d further findings are not listed", d.dropped), "")
		d.findings = append(d.findings, f)
	}
	slices.Sort(d.declared)
	d.declared = d.words.list(slices.Compact(d.declared))
}

func (d *decoder) value(v any, f *field, target reflect.Value) {
	if f.pointer {
		target.Set(reflect.New(target.Type().Elem()))
		target = target.Elem()
	}
	d.typed(v, f.shape, &f.rules, target)
}

// typed dispatches on the form. rules are those of the field that holds v.
func (d *decoder) typed(v any, s *shape, r *rules, target reflect.Value) {
	switch s.form {
	case formObject:
		d.object(v, s, target)
	case formList:
		d.list(v, s, r, target)
	case formMap:
		d.mapping(v, s, r, target)
	default:
		d.declare()
		d.scalar(v, s.form, r, target)
	}
}

func (d *decoder) object(v any, s *shape, target reflect.Value) {
	m, ok := v.(map[string]any)
	if !ok {
		d.wrongType("an object", v)
		return
	}
	for i := range s.fields {
		f := &s.fields[i]
		dst := target.FieldByIndex(f.index)
		fv := m[f.name]
		switch {
		case fv != nil:
			d.push(step{key: f.name})
			d.value(fv, f, dst)
			d.pop()
		case f.rules.hasDefault:
			setDefault(dst, f)
		case f.rules.required:
			d.missing(f.name, s, m)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if _, known := s.byName[k]; !known {
			d.unknown(k, s)
		}
	}
}

func (d *decoder) list(v any, s *shape, r *rules, target reflect.Value) {
	items, ok := v.([]any)
	if !ok {
		d.wrongType("a list", v)
		return
	}
	if outside(int64(len(items)), r.minItems, r.maxItems) {
		d.errorf("", "has %d items, must have %s", len(items), boundsText(r.minItems, r.maxItems))
		if len(items) > 0 {
			return
		}
	}
	leaves := s.elem.form != formObject
	if leaves {
		d.declare()
	}
	out := reflect.MakeSlice(target.Type(), len(items), len(items))
	for i, item := range items {
		d.push(step{index: i, list: true})
		switch {
		case item == nil:
			d.errorf("", "item is empty")
		case leaves:
			d.scalar(item, s.elem.form, &rules{}, out.Index(i))
		default:
			d.object(item, s.elem, out.Index(i))
		}
		d.pop()
	}
	d.share(out, target)
}

// share puts a list or a map into target, and nothing where it is empty.
func (d *decoder) share(v, target reflect.Value) {
	switch t := v.Interface().(type) {
	case []string:
		v = reflect.ValueOf(d.words.list(t))
	case map[string]string:
		v = reflect.ValueOf(d.words.table(t))
	}
	if v.Len() > 0 {
		target.Set(v)
	}
}

// mapping decodes a map with free keys; its values are scalars.
func (d *decoder) mapping(v any, s *shape, r *rules, target reflect.Value) {
	m, ok := v.(map[string]any)
	if !ok {
		d.wrongType("an object", v)
		return
	}
	d.declare()
	if outside(int64(len(m)), r.minItems, r.maxItems) {
		d.errorf("", "has %d keys, must have %s", len(m), boundsText(r.minItems, r.maxItems))
		return
	}
	out := reflect.MakeMapWithSize(target.Type(), len(m))
	elem := reflect.New(target.Type().Elem()).Elem()
	for _, k := range slices.Sorted(maps.Keys(m)) {
		d.push(step{key: k})
		elem.SetZero()
		if m[k] != nil {
			d.scalar(m[k], s.elem.form, &rules{}, elem)
		}
		out.SetMapIndex(reflect.ValueOf(d.words.text(k)), elem)
		d.pop()
	}
	d.share(out, target)
}

// setDefault fills in the default of a field that is not written. Defaults are
// well-formed: a test reads every one.
func setDefault(target reflect.Value, f *field) {
	switch f.shape.form {
	case formBool:
		target.SetBool(f.rules.def == "true")
	case formInt:
		n, _ := strconv.ParseInt(f.rules.def, 10, 64)
		target.SetInt(n)
	case formQuantity:
		q, _ := ParseQuantity(f.rules.def)
		target.Set(reflect.ValueOf(q))
	case formIntOrPercent:
		p, _ := parseIntOrPercent(f.rules.def)
		target.Set(reflect.ValueOf(p))
	default:
		target.SetString(f.rules.def)
	}
}

// declare notes that the document sets the present field.
func (d *decoder) declare() {
	if len(d.path) > 1 && d.path[0].key == "spec" {
		d.declared = append(d.declared, d.words.text(d.kind+"."+schemaPath(d.path)))
	}
}

func (d *decoder) push(s step) { d.path = append(d.path, s) }
func (d *decoder) pop()        { d.path = d.path[:len(d.path)-1] }

func (d *decoder) missing(name string, s *shape, m map[string]any) {
	hint := ""
	if len(m) > maxFindings {
		m = nil // not written by a person
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if _, known := s.byName[k]; !known && (nearest(k, []string{name}) != "" || d.oldName(k) == name) {
			hint = fmt.Sprintf("`%s` stands there: write `%s`", k, name)
		}
	}
	d.push(step{key: name})
	d.errorf(hint, "is missing")
	d.pop()
}

func (d *decoder) unknown(name string, s *shape) {
	severity := Warning
	if d.strict {
		severity = Error
	}
	if d.full(severity) {
		return
	}
	hint := d.oldHint(name)
	if hint == "" {
		if near := nearest(name, s.names()); near != "" {
			hint = fmt.Sprintf("did you mean `%s`?", near)
		}
	}
	d.push(step{key: name})
	d.add(d.finding(severity, d.path, "unknown field", hint))
	d.pop()
}

// wrongType says that the present value must be something else.
func (d *decoder) wrongType(want string, v any) {
	d.errorf("", "must be %s, not %s", want, typeName(v))
}

func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "empty"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "a list"
	}
	return "an object"
}

// errorf adds an Error at the present value.
func (d *decoder) errorf(hint, format string, args ...any) {
	if d.full(Error) {
		return
	}
	d.add(d.finding(Error, d.path, fmt.Sprintf(format, args...), hint))
}

// full notes that there is a further finding, and tells whether it is one too
// many. Findings are not even worded then, for finding their place takes time.
func (d *decoder) full(severity Severity) bool {
	d.failed = d.failed || severity == Error
	if len(d.findings) < maxFindings {
		return false
	}
	d.dropped++
	return true
}

func (d *decoder) add(f Finding) { d.findings = append(d.findings, f) }

func (d *decoder) finding(severity Severity, steps []step, message, hint string) Finding {
	return Finding{
		At: d.source.at(d.root, steps), Severity: severity, Kind: d.kind, Object: d.key,
		Field: pathString(steps), Message: message, Hint: hint,
	}
}
