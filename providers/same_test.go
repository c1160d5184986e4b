package providers

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
)

// TestSameLooksAtEveryField changes every field of a description, those that
// are added later too.
func TestSameLooksAtEveryField(t *testing.T) {
	if a, b := filled(), filled(); !a.Same(b) {
		t.Fatalf("two of the same differ:\n%+v\n%+v", a, b)
	}
	for n := 0; ; n++ {
		vm, left := filled(), n
		path := alter(reflect.ValueOf(vm).Elem(), "VM", &left)
		if path == "" {
			if n < 40 {
				t.Errorf("only %d fields were changed", n)
			}
			return
		}
		if vm.Same(filled()) || filled().Same(vm) {
			t.Errorf("%s is not looked at", path)
		}
	}
}

// filled returns a description in which everything is said.
func filled() *VM {
	h := func() Hardware {
		return Hardware{
			CPU: Known(1), CPUMax: Known(2), MemoryMiB: Known(int64(3)), MemoryMaxMiB: Known(int64(4)), Firmware: Known(manifest.FirmwareUEFI),
			DisksKnown: true, Disks: []Disk{{Name: "root", Origin: "here", SizeGiB: Known(5), SizeBytes: Known(int64(6))}},
			NICsKnown: true, NICs: []NIC{{Name: "lan", Network: "n", Model: "m", MAC: "a"}},
			Traits: Traits{FieldTPM: "true"},
		}
	}
	running := h()
	return &VM{
		ID: "id", Name: "web", Power: On, Config: h(), Running: &running, Autostart: Known(true), Tags: Known([]string{"a"}),
		Addresses: []Address{{NIC: "lan", IP: "192.0.2.1", Via: "lease"}},
		Mark: &Mark{
			Owner: Owner{Fleet: "lab", VM: manifest.Key{Namespace: "default", Name: "web"}}, Retired: time.Unix(1, 0),
			Image: "i", CloudInit: "c", MACs: map[string]string{"lan": "a"},
		},
	}
}

// alter changes the value at a place in a tree of values, counted down by left,
// and returns its path; empty: there are not so many.
func alter(v reflect.Value, path string, left *int) string {
	if v.Type() == reflect.TypeFor[time.Time]() {
		return turn(left, path, func() { v.Set(reflect.ValueOf(time.Unix(2, 0))) })
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if p := alter(v.Field(i), path+"."+v.Type().Field(i).Name, left); p != "" {
				return p
			}
		}
		return ""
	case reflect.Pointer:
		if p := turn(left, path, func() { v.SetZero() }); p != "" {
			return p
		}
		return alter(v.Elem(), path, left)
	case reflect.Slice:
		if p := turn(left, path+" none", func() { v.SetZero() }); p != "" {
			return p
		}
		if p := turn(left, path+" empty", func() { v.SetLen(0) }); p != "" {
			return p
		}
		return alter(v.Index(0), path+"[0]", left)
	case reflect.Map:
		if p := turn(left, path+" none", func() { v.SetZero() }); p != "" {
			return p
		}
		key := v.MapKeys()[0]
		return turn(left, fmt.Sprintf("%s[%s]", path, key), func() { v.SetMapIndex(key, reflect.ValueOf("another").Convert(v.Type().Elem())) })
	case reflect.String:
		return turn(left, path, func() { v.SetString("another") })
	case reflect.Bool:
		return turn(left, path, func() { v.SetBool(!v.Bool()) })
	case reflect.Int, reflect.Int64:
		return turn(left, path, func() { v.SetInt(99) })
	}
	panic("no way to change " + path + ", a " + v.Kind().String())
}

func turn(left *int, path string, change func()) string {
	if *left--; *left >= 0 {
		return ""
	}
	change()
	return path
}
