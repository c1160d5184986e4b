package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sigs.k8s.io/yaml"
)

// checker judges a value by the part of JSON Schema that Schema uses. It is
// told of every other word, so that the schema cannot say what is not checked.
type checker struct {
	root    map[string]any
	unknown map[string]bool
}

func (c *checker) check(path string, schema map[string]any, v any) []string {
	var faults []string
	say := func(format string, args ...any) { faults = append(faults, path+": "+fmt.Sprintf(format, args...)) }
	for _, word := range slices.Sorted(maps.Keys(schema)) {
		arg := schema[word]
		switch word {
		case "$schema", "title", "description", "default", "contentEncoding", "$defs", "then":
		case "type":
			if !c.typed(arg, v) {
				say("is not %v", arg)
			}
		case "const":
			if v != arg {
				say("is not %v", arg)
			}
		case "enum":
			if !slices.Contains(arg.([]any), v) {
				say("%v is not one of %v", v, arg)
			}
		case "pattern":
			if s, ok := v.(string); ok && !regexp.MustCompile(arg.(string)).MatchString(s) {
				say("%q does not match %v", s, arg)
			}
		case "minimum", "maximum":
			if n, ok := v.(float64); ok && (word == "minimum" && n < arg.(float64) || word == "maximum" && n > arg.(float64)) {
				say("%v is beyond %s %v", n, word, arg)
			}
		case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties":
			if n, ok := size(word, v); ok && (word[:3] == "min" && n < arg.(float64) || word[:3] == "max" && n > arg.(float64)) {
				say("%v is beyond %s %v", n, word, arg)
			}
		case "required":
			if m, ok := v.(map[string]any); ok {
				for _, name := range arg.([]any) {
					if _, there := m[name.(string)]; !there {
						say("%v is missing", name)
					}
				}
			}
		case "properties", "additionalProperties":
			faults = append(faults, c.members(path, word, schema, v)...)
		case "items":
			list, _ := v.([]any)
			for i, item := range list {
				faults = append(faults, c.check(fmt.Sprintf("%s[%d]", path, i), arg.(map[string]any), item)...)
			}
		case "anyOf":
			if !slices.ContainsFunc(arg.([]any), func(s any) bool { return len(c.check(path, s.(map[string]any), v)) == 0 }) {
				say("matches no branch")
			}
		case "allOf":
			for _, s := range arg.([]any) {
				faults = append(faults, c.check(path, s.(map[string]any), v)...)
			}
		case "if":
			if len(c.check(path, arg.(map[string]any), v)) == 0 {
				faults = append(faults, c.check(path, schema["then"].(map[string]any), v)...)
			}
		case "$ref":
			target := c.root["$defs"].(map[string]any)[strings.TrimPrefix(arg.(string), "#/$defs/")]
			faults = append(faults, c.check(path, target.(map[string]any), v)...)
		default:
			c.unknown[word] = true
		}
	}
	return faults
}

func (c *checker) members(path, word string, schema map[string]any, v any) []string {
	m, _ := v.(map[string]any)
	properties, _ := schema["properties"].(map[string]any)
	var faults []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		own, known := properties[name].(map[string]any)
		rest, open := schema["additionalProperties"].(map[string]any)
		switch {
		case word == "properties" && known:
			faults = append(faults, c.check(path+"."+name, own, m[name])...)
		case word == "additionalProperties" && !known && open:
			faults = append(faults, c.check(path+"."+name, rest, m[name])...)
		case word == "additionalProperties" && !known:
			faults = append(faults, path+"."+name+": unknown")
		}
	}
	return faults
}

func (c *checker) typed(want, v any) bool {
	names := []any{want}
	if list, ok := want.([]any); ok {
		names = list
	}
	return slices.ContainsFunc(names, func(name any) bool {
		switch t := v.(type) {
		case string:
			return name == "string"
		case bool:
			return name == "boolean"
		case float64:
			return name == "number" || name == "integer" && t == float64(int64(t))
		case []any:
			return name == "array"
		case map[string]any:
			return name == "object"
		}
		return false
	})
}

func size(word string, v any) (float64, bool) {
	switch t := v.(type) {
	case string:
		return float64(utf8.RuneCountInString(t)), strings.HasSuffix(word, "Length")
	case []any:
		return float64(len(t)), strings.HasSuffix(word, "Items")
	case map[string]any:
		return float64(len(t)), strings.HasSuffix(word, "Properties")
	}
	return 0, false
}

func newChecker(t *testing.T) *checker {
	t.Helper()
	text, err := SchemaAll()
	if err != nil {
		t.Fatal(err)
	}
	c := &checker{unknown: map[string]bool{}}
	if err := json.Unmarshal(text, &c.root); err != nil {
		t.Fatal(err)
	}
	return c
}

// The schema and Load judge alike: what Load finds nothing in passes, and what
// it finds something in does not.
func TestSchemaJudgesAsLoadDoes(t *testing.T) {
	c := newChecker(t)
	for _, fsys := range []fs.FS{corpusFS(t), os.DirFS("../manifests-example")} {
		set := Load(fsys, Options{})
		for _, doc := range set.Documents {
			var v any
			if err := yaml.Unmarshal(textOf(t, fsys, doc), &v); err != nil {
				t.Fatal(err)
			}
			faults := c.check("", c.root, v)
			if (len(faults) == 0) != (len(doc.Findings) == 0) && doc.Kind != KindVMSnapshot {
				t.Errorf("%s: load finds %q, the schema %q", doc.At, lines(doc.Findings), faults)
			}
		}
	}
	if len(c.unknown) > 0 {
		t.Errorf("the test does not check %v", slices.Sorted(maps.Keys(c.unknown)))
	}
}

func TestSchemaRefusesWhatLoadRefuses(t *testing.T) {
	c := newChecker(t)
	for _, tc := range []struct{ reason, content string }{
		{"another version", strings.Replace(goodClass, "v1beta1", "v1alpha1", 1)},
		{"no name", strings.Replace(goodClass, "{name: good}", "{}", 1)},
		{"out of range", strings.Replace(goodClass, "cpu: 1", "cpu: 129", 1)},
		{"not a quantity", strings.Replace(goodClass, "1Gi", "1GiB", 1)},
		{"not a duration", vmText("a", "  lifecycle: {gracefulShutdownTimeout: 2d}\n")},
		{"too many disks", vmText("a", "  disks:\n"+strings.Repeat("    - {name: d, sizeGiB: 1}\n", 21))},
		{"a power state", vmText("a", "  powerState: Paused\n")},
	} {
		var v any
		if err := yaml.Unmarshal([]byte(tc.content), &v); err != nil {
			t.Fatal(err)
		}
		if faults := c.check("", c.root, v); len(faults) == 0 {
			t.Errorf("%s: the schema finds nothing", tc.reason)
		}
		if len(loadText(t, tc.content).Findings) == 0 {
			t.Errorf("%s: load finds nothing", tc.reason)
		}
	}
}

// The schema of the VMClass stands as a file, to show a change of form.
func TestSchemaOfAKind(t *testing.T) {
	got, err := Schema(KindVMClass)
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "vmclass.schema.json")
	if os.Getenv("UPDATE_GOLDEN") == "1" {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s differs; UPDATE_GOLDEN=1 writes it anew", golden)
	}
	if _, err := Schema("Pod"); err == nil {
		t.Error("a schema for a kind that is not ours")
	}
}

func TestFieldsThatAreActedOnAreDescribed(t *testing.T) {
	for _, path := range resolveTree(t, richFleet()).VMs[0].Declared {
		kind, _, _ := strings.Cut(path, ".")
		for f := range Fields(kind) {
			if f.Path == path && f.Doc == "" {
				t.Errorf("%s has no description", path)
			}
		}
	}
	var count int
	for f := range Fields(KindVirtualMachine) {
		count++
		if f.Path == "VirtualMachine.spec.disks[].sizeGiB" && (!f.Required || f.Allowed != "1..65536" || f.Type != "integer") {
			t.Errorf("sizeGiB: %+v", f)
		}
	}
	for range Fields(KindVirtualMachine) {
		count--
		break
	}
	if count < 60 {
		t.Errorf("%d fields of a VirtualMachine", count)
	}
}
