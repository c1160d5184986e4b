package manifest

import (
	"iter"
	"strconv"
	"strings"
)

// Field is one field that a manifest can set.
type Field struct {
	Path     string // such as "VirtualMachine.spec.disks[].sizeGiB", as in VM.Declared
	Type     string // string, boolean, integer, quantity, list, …
	Required bool   // within its object
	Default  string // when its object is written; empty: none
	Allowed  string // for people: "1..128", "thin, thick", "at most 63 characters"
	Doc      string // one sentence; empty for fields that nothing acts on
}

// Fields yields every field below spec of a kind, in the order of declaration;
// objects are passed over for what is in them. It yields nothing for a kind
// that does not exist.
func Fields(kind string) iter.Seq[Field] {
	return func(yield func(Field) bool) {
		k, ok := findKind(kind)
		if !ok {
			return
		}
		for i := range k.shape.fields {
			if f := &k.shape.fields[i]; f.name == "spec" {
				f.shape.walk(kind+".spec", yield)
			}
		}
	}
}

// walk yields the fields below an object until yield declines.
func (s *shape) walk(path string, yield func(Field) bool) bool {
	for i := range s.fields {
		f := &s.fields[i]
		at, inner := path+"."+f.name, f.shape
		if inner.form == formList && inner.elem.form == formObject {
			at, inner = at+"[]", inner.elem
		}
		if inner.form == formObject {
			if !inner.walk(at, yield) {
				return false
			}
			continue
		}
		if !yield(Field{
			Path: at, Type: inner.typeName(), Required: f.rules.required, Default: f.rules.def,
			Allowed: f.rules.allowed(), Doc: f.doc,
		}) {
			return false
		}
	}
	return true
}

func (s *shape) typeName() string {
	switch s.form {
	case formBool:
		return "boolean"
	case formInt:
		return "integer"
	case formQuantity:
		return "quantity"
	case formIntOrPercent:
		return "integer or percent"
	case formList:
		return "list of " + s.elem.typeName()
	case formMap:
		return "map of string"
	case formIgnored:
		return "anything"
	}
	return "string"
}

// allowed says for people what the rules admit.
func (r *rules) allowed() string {
	switch {
	case len(r.enum) > 0:
		return strings.Join(r.enum, ", ")
	case r.min != nil || r.max != nil:
		return boundsText(r.min, r.max)
	case r.pattern != "":
		return patterns[r.pattern].says
	case r.duration || r.durationWarn:
		return "a duration such as 90s"
	case r.maxItems != nil:
		return "at most " + strconv.FormatInt(*r.maxItems, 10) + " entries"
	case r.minLen != nil || r.maxLen != nil:
		return boundsText(r.minLen, r.maxLen) + " characters"
	}
	return ""
}
