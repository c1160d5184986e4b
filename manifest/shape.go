package manifest

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/vmsteward/vmsteward/internal/secret"
)

// form is how a value is written.
type form int

const (
	formObject form = iota
	formList
	formMap
	formString
	formBool
	formInt
	formQuantity
	formIntOrPercent
	formPowerState
	formTPMVersion
	formSecret
	formBase64
	formIgnored
)

// shape is a Go type of this package, read once with its tags.
type shape struct {
	form   form
	name   string // of the Go type; objects only
	fields []field
	byName map[string]int
	elem   *shape // lists and maps
}

// field is one field of an object.
type field struct {
	name    string
	index   []int
	pointer bool
	shape   *shape
	rules   rules
	doc     string
}

// rules are what a check tag says.
type rules struct {
	required bool
	min, max *int64 // of a number
	minLen   *int64 // of a string, in characters
	maxLen   *int64
	minItems *int64 // of a list or a map
	maxItems *int64
	// enum are the texts that are allowed. With a pattern, others of its form
	// are, too, unless they look like one of these misspelt.
	enum         []string
	pattern      string
	def          string
	hasDefault   bool
	duration     bool
	durationWarn bool // a bad duration is a Warning
}

// kindType is one kind with the Go type that it is decoded into.
type kindType struct {
	kind       string
	apiVersion string
	goType     reflect.Type
	shape      *shape
}

// kinds returns every kind in the order of the documentation.
var kinds = sync.OnceValue(func() []kindType {
	all := []kindType{
		kindOf[VirtualMachine](KindVirtualMachine, APIVersion),
		kindOf[VMClass](KindVMClass, APIVersion),
		kindOf[VMImage](KindVMImage, APIVersion),
		kindOf[VMNetworkAttachment](KindVMNetworkAttachment, APIVersion),
		kindOf[Provider](KindProvider, APIVersion),
		kindOf[VMSnapshot](KindVMSnapshot, APIVersion),
		kindOf[VMClone](KindVMClone, APIVersion),
		kindOf[VMMigration](KindVMMigration, APIVersion),
		kindOf[VMSet](KindVMSet, APIVersion),
		kindOf[VMPlacementPolicy](KindVMPlacementPolicy, APIVersion),
		kindOf[Secret](KindSecret, secretAPIVersion),
	}
	seen := make(map[reflect.Type]*shape)
	for i := range all {
		all[i].shape = shapeOf(all[i].goType, seen)
	}
	return all
})

func kindOf[T any](kind, apiVersion string) kindType {
	return kindType{kind: kind, apiVersion: apiVersion, goType: reflect.TypeFor[T]()}
}

// findKind returns the kind with that name, and false when there is none.
func findKind(kind string) (kindType, bool) {
	for _, k := range kinds() {
		if k.kind == kind {
			return k, true
		}
	}
	return kindType{}, false
}

// leafForms are the types that are not taken apart.
func leafForm(t reflect.Type) (form, bool) {
	switch t {
	case reflect.TypeFor[Quantity]():
		return formQuantity, true
	case reflect.TypeFor[IntOrPercent]():
		return formIntOrPercent, true
	case reflect.TypeFor[PowerState]():
		return formPowerState, true
	case reflect.TypeFor[TPMVersion]():
		return formTPMVersion, true
	case reflect.TypeFor[secret.Text]():
		return formSecret, true
	case reflect.TypeFor[Base64]():
		return formBase64, true
	case reflect.TypeFor[Ignored]():
		return formIgnored, true
	}
	switch t.Kind() {
	case reflect.String:
		return formString, true
	case reflect.Bool:
		return formBool, true
	case reflect.Int32, reflect.Int64:
		return formInt, true
	}
	return 0, false
}

func shapeOf(t reflect.Type, seen map[reflect.Type]*shape) *shape {
	if s, ok := seen[t]; ok {
		return s
	}
	s := &shape{}
	seen[t] = s
	if f, ok := leafForm(t); ok {
		s.form = f
		return s
	}
	switch t.Kind() {
	case reflect.Slice:
		s.form, s.elem = formList, shapeOf(t.Elem(), seen)
	case reflect.Map:
		s.form, s.elem = formMap, shapeOf(t.Elem(), seen)
	default:
		s.form, s.name, s.byName = formObject, t.Name(), make(map[string]int)
		s.addFields(t, nil, seen)
	}
	return s
}

// addFields reads the fields of a struct, those of embedded structs included.
func (s *shape) addFields(t reflect.Type, prefix []int, seen map[reflect.Type]*shape) {
	for i := range t.NumField() {
		sf := t.Field(i)
		index := append(append([]int(nil), prefix...), i)
		if sf.Anonymous {
			s.addFields(sf.Type, index, seen)
			continue
		}
		ft, pointer := sf.Type, false
		if ft.Kind() == reflect.Pointer {
			ft, pointer = ft.Elem(), true
		}
		s.byName[sf.Tag.Get("json")] = len(s.fields)
		s.fields = append(s.fields, field{
			name: sf.Tag.Get("json"), index: index, pointer: pointer,
			shape: shapeOf(ft, seen), rules: parseRules(sf.Tag.Get("check")), doc: sf.Tag.Get("doc"),
		})
	}
}

// parseRules reads a check tag. A tag that it does not understand is caught by
// a test over all kinds, through checkRules.
func parseRules(tag string) rules {
	var r rules
	for part := range strings.SplitSeq(tag, ",") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "required":
			r.required = true
		case "range":
			r.min, r.max = parseBounds(value)
		case "len":
			r.minLen, r.maxLen = parseBounds(value)
		case "items":
			r.minItems, r.maxItems = parseBounds(value)
		case "enum":
			r.enum = strings.Split(value, "|")
		case "pattern":
			r.pattern = value
		case "default":
			r.def, r.hasDefault = value, true
		case "duration":
			r.duration = true
		case "durationWarn":
			r.durationWarn = true
		}
	}
	return r
}

// parseBounds reads "1..128", "1.." or "..63".
func parseBounds(s string) (lo, hi *int64) {
	low, high, _ := strings.Cut(s, "..")
	if n, err := strconv.ParseInt(low, 10, 64); err == nil {
		lo = &n
	}
	if n, err := strconv.ParseInt(high, 10, 64); err == nil {
		hi = &n
	}
	return lo, hi
}

// boundsText says bounds for people, such as "1..128" or "at least 1".
func boundsText(lo, hi *int64) string {
	switch {
	case lo == nil:
		return fmt.Sprintf("at most %d", *hi)
	case hi == nil:
		return fmt.Sprintf("at least %d", *lo)
	}
	return fmt.Sprintf("%d..%d", *lo, *hi)
}

func outside(n int64, lo, hi *int64) bool {
	return lo != nil && n < *lo || hi != nil && n > *hi
}
