package manifest

import (
	"encoding/json"
	"fmt"
	"strconv"
)

const schemaDialect = "https://json-schema.org/draft/2020-12/schema"

// Schema returns the JSON Schema of one kind, made from the same declarations
// that Load checks by. It admits unquoted power states, and flags unknown
// fields, which Load merely warns about.
func Schema(kind string) ([]byte, error) {
	k, ok := findKind(kind)
	if !ok {
		return nil, fmt.Errorf("no kind %q", kind)
	}
	s := k.schema()
	s["$schema"] = schemaDialect
	return encodeSchema(s)
}

// SchemaAll returns one JSON Schema for an editor that opens any file of the
// tree: documents of the kinds of this package are checked, others pass.
func SchemaAll() ([]byte, error) {
	defs, branches := map[string]any{}, []any{}
	for _, k := range kinds() {
		defs[k.kind] = k.schema()
		branches = append(branches, map[string]any{
			"if": map[string]any{
				"properties": map[string]any{"kind": map[string]any{"const": k.kind}},
				"required":   []string{"kind"},
			},
			"then": map[string]any{"$ref": "#/$defs/" + k.kind},
		})
	}
	return encodeSchema(map[string]any{
		"$schema": schemaDialect, "title": "vmsteward manifest", "type": "object",
		"required": []string{"apiVersion", "kind"}, "allOf": branches, "$defs": defs,
	})
}

func encodeSchema(s map[string]any) ([]byte, error) {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode schema: %w", err)
	}
	return append(text, '\n'), nil
}

func (k kindType) schema() map[string]any {
	s := k.shape.schema(&rules{})
	s["title"] = k.kind
	properties, ok := s["properties"].(map[string]any)
	if ok {
		properties["apiVersion"] = map[string]any{"const": k.apiVersion}
		properties["kind"] = map[string]any{"const": k.kind}
	}
	return s
}

// schema describes a value of this shape in a field with these rules.
func (s *shape) schema(r *rules) map[string]any {
	switch s.form {
	case formObject:
		return s.objectSchema()
	case formList:
		out := map[string]any{"type": "array", "items": s.elem.schema(&rules{})}
		setBounds(out, "minItems", "maxItems", r.minItems, r.maxItems)
		return out
	case formMap:
		out := map[string]any{"type": "object", "additionalProperties": s.elem.schema(&rules{})}
		setBounds(out, "minProperties", "maxProperties", r.minItems, r.maxItems)
		return out
	}
	return s.leafSchema(r)
}

func (s *shape) objectSchema() map[string]any {
	properties, required := map[string]any{}, []string{}
	for i := range s.fields {
		f := &s.fields[i]
		p := f.shape.schema(&f.rules)
		if f.doc != "" {
			p["description"] = f.doc
		}
		if f.rules.hasDefault {
			p["default"] = f.defaultValue()
		}
		if f.rules.required {
			required = append(required, f.name)
		}
		properties[f.name] = p
	}
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func (s *shape) leafSchema(r *rules) map[string]any {
	switch s.form {
	case formBool:
		return map[string]any{"type": "boolean"}
	case formInt:
		out := map[string]any{"type": "integer"}
		setBounds(out, "minimum", "maximum", r.min, r.max)
		return out
	case formQuantity:
		return map[string]any{
			"type":    []string{"string", "number"},
			"pattern": `^\+?([0-9]+\.?[0-9]*|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$`,
		}
	case formIntOrPercent:
		return map[string]any{"anyOf": []any{
			map[string]any{"type": "integer", "minimum": 0},
			map[string]any{"type": "string", "pattern": "^[0-9]+%$"},
		}}
	case formPowerState:
		return map[string]any{"enum": []any{"On", "Off", "OffGraceful", true, false}}
	case formTPMVersion:
		return map[string]any{"enum": []any{"1.2", "2.0", 1.2, 2}}
	case formBase64:
		return map[string]any{"type": "string", "contentEncoding": "base64"}
	case formIgnored:
		return map[string]any{}
	}
	return textSchema(r)
}

func textSchema(r *rules) map[string]any {
	out := map[string]any{"type": "string"}
	setBounds(out, "minLength", "maxLength", r.minLen, r.maxLen)
	switch {
	case len(r.enum) > 0 && r.pattern == "":
		out["enum"] = r.enum
	case r.pattern != "":
		out["pattern"] = patterns[r.pattern].re.String()
	case r.duration:
		out["pattern"] = `^(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))*)$`
	}
	return out
}

func setBounds(out map[string]any, minName, maxName string, lo, hi *int64) {
	if lo != nil {
		out[minName] = *lo
	}
	if hi != nil {
		out[maxName] = *hi
	}
}

// defaultValue is the default in the type that JSON has for it.
func (f *field) defaultValue() any {
	switch f.shape.form {
	case formBool:
		return f.rules.def == "true"
	case formInt:
		if n, err := strconv.ParseInt(f.rules.def, 10, 64); err == nil {
			return n
		}
	}
	return f.rules.def
}
