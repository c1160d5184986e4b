package manifest

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"io"
	"reflect"
	"slices"

	"github.com/vmsteward/vmsteward/internal/secret"
)

// digestVersion stands at the beginning of everything that is hashed. It
// changes when the encoding or the meaning of a field changes.
const digestVersion = "vmsteward/1"

// vmDigest hashes everything of a VM but its place and the digest itself. The
// texts of the first-boot data are hashed through their own digest.
func vmDigest(vm *VM) string {
	plain := *vm
	plain.At, plain.Digest = Position{}, ""
	return digestOf("vm", plain)
}

func imageDigest(image *Image) string {
	plain := *image
	plain.Digest = ""
	return digestOf("image", plain)
}

// cloudInitDigest hashes the texts themselves.
func cloudInitDigest(c CloudInit) string {
	h := newHash("cloud-init")
	for _, t := range []secret.Text{c.UserData, c.MetaData, c.Ignition} {
		hashText(h, t.Reveal())
	}
	return hex.EncodeToString(h.Sum(nil))
}

func digestOf(what string, v any) string {
	h := newHash(what)
	hashValue(h, reflect.ValueOf(v))
	return hex.EncodeToString(h.Sum(nil))
}

func newHash(what string) hash.Hash {
	h := sha256.New()
	hashText(h, digestVersion)
	hashText(h, what)
	return h
}

// hashText writes a text with its length, so that neighbours cannot run into
// each other.
func hashText(h io.Writer, s string) {
	hashNumber(h, uint64(len(s)))
	_, _ = io.WriteString(h, s)
}

func hashNumber(h io.Writer, n uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	_, _ = h.Write(b[:])
}

// hashValue writes a value in one way only: structs by field name, maps by
// sorted key, lists by position, nil apart from empty and zero. A nil list or
// map is the same as an empty one. Secrets are left out.
func hashValue(h io.Writer, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		hashText(h, v.String())
	case reflect.Bool:
		if v.Bool() {
			hashNumber(h, 1)
			return
		}
		hashNumber(h, 0)
	case reflect.Int, reflect.Int32, reflect.Int64:
		hashNumber(h, uint64(v.Int()))
	case reflect.Pointer:
		if v.IsNil() {
			hashNumber(h, 0)
			return
		}
		hashNumber(h, 1)
		hashValue(h, v.Elem())
	case reflect.Slice:
		hashNumber(h, uint64(v.Len()))
		for i := range v.Len() {
			hashValue(h, v.Index(i))
		}
	case reflect.Map:
		hashMap(h, v)
	case reflect.Struct:
		hashStruct(h, v)
	}
}

func hashMap(h io.Writer, v reflect.Value) {
	hashNumber(h, uint64(v.Len()))
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
	for _, k := range keys {
		hashValue(h, k)
		hashValue(h, v.MapIndex(k))
	}
}

// hashStruct writes the fields that are not zero, by name: a field that is
// added later changes no digest of a VM that does not use it.
func hashStruct(h io.Writer, v reflect.Value) {
	t := v.Type()
	if t == reflect.TypeFor[secret.Text]() {
		return
	}
	for i := range t.NumField() {
		if f := v.Field(i); !f.IsZero() {
			hashText(h, t.Field(i).Name)
			hashValue(h, f)
		}
	}
	hashText(h, "")
}
