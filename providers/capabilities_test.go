package providers

import (
	"reflect"
	"testing"
)

// TestCapabilitiesArePlainData finds what could not travel over a wire: a
// function, a pointer, an interface, a field that is not exported.
func TestCapabilitiesArePlainData(t *testing.T) {
	var plain func(at string, of reflect.Type)
	plain = func(at string, of reflect.Type) {
		switch of.Kind() {
		case reflect.Bool, reflect.Int, reflect.String:
		case reflect.Slice:
			plain(at+"[]", of.Elem())
		case reflect.Map:
			if of.Key().Kind() != reflect.String {
				t.Errorf("%s has keys of %s", at, of.Key())
			}
			plain(at+"[]", of.Elem())
		case reflect.Struct:
			for i := range of.NumField() {
				f := of.Field(i)
				if !f.IsExported() || f.Tag.Get("json") == "" {
					t.Errorf("%s.%s is not exported or has no name in JSON", at, f.Name)
				}
				plain(at+"."+f.Name, f.Type)
			}
		default:
			t.Errorf("%s is a %s", at, of)
		}
	}
	plain("Capabilities", reflect.TypeFor[Capabilities]())
}
