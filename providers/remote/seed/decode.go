package seed

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Remark is something that a text says and nothing acts on.
type Remark struct {
	Field string // path in the request, such as class_json.GuestToolsPolicy
	Why   string
}

// String returns "field: why".
func (r Remark) String() string { return r.Field + ": " + r.Why }

// notKnown is why a key is passed over.
const notKnown = "is not known"

// decode reads one JSON text into v. An empty text says nothing. It returns
// the keys that say something and that v has no field for, by their path below
// field. An error names the field and says nothing of its content.
func decode(field, text string, v any) ([]Remark, error) {
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return nil, fmt.Errorf("%s is not what it should be: %s", field, unquoted(err))
	}
	var raw any
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, fmt.Errorf("%s is not JSON", field)
	}
	return strangers(nil, field, raw, reflect.TypeOf(v).Elem()), nil
}

// unquoted says what is wrong with a text without repeating any of it.
func unquoted(err error) string {
	switch e := err.(type) {
	case *json.UnmarshalTypeError:
		return fmt.Sprintf("a %s stands at %q", strings.Fields(e.Value + " value")[0], e.Field)
	case *json.SyntaxError:
		return fmt.Sprintf("not JSON at byte %d", e.Offset)
	}
	return "not JSON"
}

// strangers appends a remark for every key in raw that t has no field for.
func strangers(all []Remark, path string, raw any, t reflect.Type) []Remark {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch raw := raw.(type) {
	case []any:
		if t.Kind() == reflect.Slice {
			for i, one := range raw {
				all = strangers(all, fmt.Sprintf("%s[%d]", path, i), one, t.Elem())
			}
		}
	case map[string]any:
		if t.Kind() != reflect.Struct || t == reflect.TypeFor[unread]() {
			return all
		}
		for _, key := range slices.Sorted(maps.Keys(raw)) {
			if inner, ok := fieldOf(t, key); ok {
				all = strangers(all, path+"."+key, raw[key], inner)
			} else if says(raw[key]) {
				all = append(all, Remark{path + "." + key, notKnown})
			}
		}
	}
	return all
}

// fieldOf returns the type of the field that a key is read into.
func fieldOf(t reflect.Type, key string) (reflect.Type, bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		if strings.EqualFold(name, key) {
			return f.Type, true
		}
	}
	return nil, false
}

// says tells whether a JSON value is more than an empty one.
func says(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case bool:
		return v
	case float64:
		return v != 0
	case []any:
		return len(v) > 0
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), says)
	}
	return true
}
