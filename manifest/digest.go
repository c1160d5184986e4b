package manifest

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"reflect"
	"slices"
	"sync"

	"github.com/vmsteward/vmsteward/internal/secret"
)

// digestVersion stands at the beginning of everything that is hashed. It
// changes when the encoding or the meaning of a field changes.
const digestVersion = "vmsteward/2"

// vmDigest hashes everything of a VM but its place and the digest itself. The
// texts of the first-boot data are hashed through their own digest.
func vmDigest(vm *VM) string {
	plain := *vm
	plain.At, plain.Digest = Position{}, ""
	return digestOf("vm", plain)
}

func imageDigest(image *Image) string {
	plain := *image
	plain.Key, plain.OnMissing, plain.Digest = Key{}, "", ""
	return digestOf("image", plain)
}

// cloudInitDigest hashes the texts themselves.
func cloudInitDigest(c CloudInit) string {
	b := newEncoding("cloud-init")
	for _, t := range []secret.Text{c.UserData, c.MetaData, c.Ignition} {
		b = appendText(b, t.Reveal())
	}
	return sumOf(b)
}

func digestOf(what string, v any) string {
	buffer := encodings.Get().(*[]byte)
	defer encodings.Put(buffer)
	*buffer = appendValue(appendHead((*buffer)[:0], what), reflect.ValueOf(v))
	return sumOf(*buffer)
}

// encodings are buffers of digestOf that are not in use.
var encodings = sync.Pool{New: func() any { return new([]byte) }}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func newEncoding(what string) []byte { return appendHead(nil, what) }

func appendHead(b []byte, what string) []byte { return appendText(appendText(b, digestVersion), what) }

// appendText writes a text with its length, so that neighbours cannot run into
// each other.
func appendText(b []byte, s string) []byte {
	return append(appendNumber(b, uint64(len(s))), s...)
}

func appendNumber(b []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(b, n) }

// appendValue writes a value in one way only: structs by field name, maps by
// sorted key, lists by position, nil apart from empty and zero. A nil list or
// map is the same as an empty one. Secrets are left out.
func appendValue(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.String:
		return appendText(b, v.String())
	case reflect.Bool:
		if v.Bool() {
			return appendNumber(b, 1)
		}
		return appendNumber(b, 0)
	case reflect.Int, reflect.Int32, reflect.Int64:
		return appendNumber(b, uint64(v.Int()))
	case reflect.Pointer:
		if v.IsNil() {
			return appendNumber(b, 0)
		}
		return appendValue(appendNumber(b, 1), v.Elem())
	case reflect.Slice:
		b = appendNumber(b, uint64(v.Len()))
		for i := range v.Len() {
			b = appendValue(b, v.Index(i))
		}
	case reflect.Map:
		return appendMap(b, v)
	case reflect.Struct:
		return appendStruct(b, v)
	}
	return b
}

func appendMap(b []byte, v reflect.Value) []byte {
	b = appendNumber(b, uint64(v.Len()))
	keys := v.MapKeys()
	slices.SortFunc(keys, func(x, y reflect.Value) int { return cmp.Compare(x.String(), y.String()) })
	for _, k := range keys {
		b = appendValue(appendValue(b, k), v.MapIndex(k))
	}
	return b
}

// appendStruct writes the fields that are not empty, by name: a field that is
// added later changes no digest of a VM that does not use it.
func appendStruct(b []byte, v reflect.Value) []byte {
	t := v.Type()
	if t == reflect.TypeFor[secret.Text]() {
		return b
	}
	for i, name := range fieldNames(t) {
		if f := v.Field(i); !isNothing(f) {
			b = appendValue(appendText(b, name), f)
		}
	}
	return appendText(b, "")
}

var namesByType sync.Map // of reflect.Type, to []string

// fieldNames lists the fields of a struct, which reflect takes long to name.
func fieldNames(t reflect.Type) []string {
	if known, ok := namesByType.Load(t); ok {
		return known.([]string)
	}
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Name
	}
	namesByType.Store(t, names)
	return names
}

// isNothing tells whether a field says nothing: zero, or an empty list or map.
func isNothing(v reflect.Value) bool {
	if k := v.Kind(); k == reflect.Slice || k == reflect.Map {
		return v.Len() == 0
	}
	return v.IsZero()
}
