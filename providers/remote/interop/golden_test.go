package interop

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/vmsteward/vmsteward/providers/remote/rpc/providerv1"
)

var update = flag.Bool("update", false, "write the golden files anew")

// protocol is the file whose messages are pinned.
var protocol = providerv1.File_providerv1_provider_proto

const golden = "testdata/provider.v1.golden"

// TestBytesOnTheWire pins every message with every field set. A line that
// changes is a peer that no longer understands.
func TestBytesOnTheWire(t *testing.T) {
	var got strings.Builder
	fmt.Fprintf(&got, "# Every message of %s with every field set: the field, and its bytes.\n", protocol.Package())
	for i := range protocol.Messages().Len() {
		writeMessage(t, &got, protocol.Messages().Get(i))
	}
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); d != "" {
		t.Errorf("%s (-update writes it anew): -pinned +now\n%s", golden, d)
	}
}

// writeMessage writes one message, field by field. Its bytes are those of its
// fields, one after the other.
func writeMessage(t *testing.T, out *strings.Builder, d protoreflect.MessageDescriptor) {
	t.Helper()
	if d.IsMapEntry() {
		return
	}
	fmt.Fprintf(out, "\nmessage %s\n", d.Name())
	whole := fill(d)
	var parts []byte
	for _, f := range byNumber(d) {
		one := dynamicpb.NewMessage(d)
		one.Set(f, whole.Get(f))
		b := encode(t, one)
		parts = append(parts, b...)
		fmt.Fprintf(out, "%s: %s | %s\n", f.Name(), said(f, whole.Get(f)), hex.EncodeToString(b))
	}
	if !bytes.Equal(parts, encode(t, whole)) {
		t.Errorf("%s is not its fields one after the other", d.FullName())
	}
}

func encode(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func byNumber(d protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	var all []protoreflect.FieldDescriptor
	for i := range d.Fields().Len() {
		all = append(all, d.Fields().Get(i))
	}
	slices.SortFunc(all, func(a, b protoreflect.FieldDescriptor) int { return int(a.Number() - b.Number()) })
	return all
}

// fill returns a message with every field set to something that tells it from
// its neighbours.
func fill(d protoreflect.MessageDescriptor) *dynamicpb.Message {
	m := dynamicpb.NewMessage(d)
	for _, f := range byNumber(d) {
		switch {
		case f.IsMap():
			for i := range 2 {
				key := protoreflect.ValueOfString(fmt.Sprintf("%s key %d", f.Name(), i)).MapKey()
				m.Mutable(f).Map().Set(key, value(f.MapValue(), i))
			}
		case f.IsList():
			for i := range 2 {
				m.Mutable(f).List().Append(value(f, i))
			}
		default:
			m.Set(f, value(f, 0))
		}
	}
	return m
}

// value returns the i-th value of a field.
func value(f protoreflect.FieldDescriptor, i int) protoreflect.Value {
	n := int64(f.Number())*1000 + int64(i)
	switch f.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.EnumKind:
		last := f.Enum().Values().Len() - 1
		return protoreflect.ValueOfEnum(f.Enum().Values().Get(max(1, last-i)).Number())
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(int32(-n))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(n << 32)
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(fmt.Sprintf("%s ü %d", f.Name(), i)))
	case protoreflect.MessageKind:
		return protoreflect.ValueOfMessage(fill(f.Message()))
	}
	return protoreflect.ValueOfString(fmt.Sprintf("%s ü %d", f.Name(), i))
}

// said writes a value for people, and for the reader in the other language.
func said(f protoreflect.FieldDescriptor, v protoreflect.Value) string {
	switch {
	case f.IsMap():
		var all []string
		v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			all = append(all, quoted(k.String())+": "+one(f.MapValue(), v))
			return true
		})
		slices.Sort(all)
		return "{" + strings.Join(all, ", ") + "}"
	case f.IsList():
		var all []string
		for i := range v.List().Len() {
			all = append(all, one(f, v.List().Get(i)))
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	return one(f, v)
}

func one(f protoreflect.FieldDescriptor, v protoreflect.Value) string {
	switch f.Kind() {
	case protoreflect.StringKind:
		return quoted(v.String())
	case protoreflect.BytesKind:
		return quoted(string(v.Bytes()))
	case protoreflect.EnumKind:
		return fmt.Sprint(int(v.Enum()))
	case protoreflect.MessageKind:
		var all []string
		for _, inner := range byNumber(f.Message()) {
			if v.Message().Has(inner) {
				all = append(all, string(inner.Name())+": "+said(inner, v.Message().Get(inner)))
			}
		}
		return "{" + strings.Join(all, ", ") + "}"
	}
	return fmt.Sprint(v.Interface())
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// TestGeneratedCodeSpeaksTheSame: the generated types read the pinned bytes and
// write them again.
func TestGeneratedCodeSpeaksTheSame(t *testing.T) {
	for i := range protocol.Messages().Len() {
		d := protocol.Messages().Get(i)
		want := encode(t, fill(d))
		m := generated(t, d)
		if err := proto.Unmarshal(want, m); err != nil {
			t.Errorf("%s: %v", d.FullName(), err)
			continue
		}
		if len(m.ProtoReflect().GetUnknown()) > 0 || !bytes.Equal(want, encode(t, m)) {
			t.Errorf("%s comes back as %x, want %x", d.FullName(), encode(t, m), want)
		}
	}
}

// TestAnotherLanguageReadsTheSame: the tables of the second implementation
// read the pinned bytes of every message, say the same, and pack them again.
func TestAnotherLanguageReadsTheSame(t *testing.T) {
	python := needPython(t, "")
	out, err := exec.Command(python, "-B", "testdata/golden.py", golden).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := fmt.Sprintf("%d messages\n", protocol.Messages().Len()); string(out) != want {
		t.Errorf("%q, want %q", out, want)
	}
}

// generated returns an empty value of the generated type of a message.
func generated(t *testing.T, d protoreflect.MessageDescriptor) proto.Message {
	t.Helper()
	kind, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		t.Fatal(err)
	}
	return kind.New().Interface()
}
