package wire

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// filled returns a value in which everything is said, each thing differently.
func filled[T any]() *T {
	v := new(T)
	f := filler{}
	f.fill(reflect.ValueOf(v).Elem())
	return v
}

type filler struct{ n int }

// chosen are the types of which not every value means something.
var chosen = map[reflect.Type]any{
	reflect.TypeFor[providers.PowerState](): providers.Suspended,
	reflect.TypeFor[providers.Kind]():       providers.QuotaExceeded,
	reflect.TypeFor[providers.Ability]():    providers.LiveInHeadroom,
	reflect.TypeFor[providers.Act]():        providers.AtCreation,
	reflect.TypeFor[manifest.Power]():       manifest.PowerOn,
}

func (f *filler) fill(v reflect.Value) {
	f.n++
	switch v.Type() {
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(int64(1000+f.n), int64(f.n)).UTC()))
		return
	case reflect.TypeFor[time.Duration]():
		v.Set(reflect.ValueOf(time.Duration(f.n) * time.Millisecond))
		return
	case reflect.TypeFor[secret.Text]():
		v.Set(reflect.ValueOf(secret.New(fmt.Sprintf("%04d\xff", f.n)))) // not UTF-8
		return
	case reflect.TypeFor[error]():
		v.Set(reflect.ValueOf(&providers.Error{Op: "op", Subject: "subject", Kind: providers.Conflict, Missing: "missing", After: time.Second, Err: errors.New("why")}))
		return
	}
	if c, ok := chosen[v.Type()]; ok {
		v.Set(reflect.ValueOf(c))
		return
	}
	f.fillKind(v)
}

func (f *filler) fillKind(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fill(v.Index(0))
		f.fill(v.Index(1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			f.fill(key)
			f.fill(value)
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("%04d", f.n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(f.n))
	default:
		panic("no way to fill a " + v.Type().String())
	}
}

// emptied returns a filled value in which the nth thing is empty, and the path
// of it; empty: there are not so many.
func emptied[T any](n int) (v *T, path string) {
	v = filled[T]()
	return v, empty(reflect.ValueOf(v).Elem(), reflect.TypeFor[T]().Name(), &n)
}

func empty(v reflect.Value, path string, left *int) string {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() || v.Type() == reflect.TypeFor[secret.Text]() {
			break
		}
		for i := range v.NumField() {
			if p := empty(v.Field(i), path+"."+v.Type().Field(i).Name, left); p != "" {
				return p
			}
		}
		return ""
	case reflect.Map:
		key := v.MapKeys()[0]
		one := reflect.New(v.Type().Elem()).Elem()
		one.Set(v.MapIndex(key))
		if p := empty(one, path+"[]", left); p != "" {
			v.SetMapIndex(key, one)
			return p
		}
	case reflect.Pointer, reflect.Slice:
		if p := empty(elem(v), path+"[]", left); p != "" {
			return p
		}
	}
	if *left--; *left >= 0 {
		return ""
	}
	if _, ok := chosen[v.Type()]; ok || v.Kind() == reflect.Interface {
		return path // it is never empty
	}
	v.SetZero()
	return path
}

func elem(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Pointer {
		return v.Elem()
	}
	return v.Index(1)
}
