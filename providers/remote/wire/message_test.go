package wire

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

// full returns a message in which every field says something, each another
// thing: its name and a number.
func full(m proto.Message) {
	n := 0
	fillMessage(m.ProtoReflect(), &n)
}

func fillMessage(m protoreflect.Message, n *int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.IsMap():
			for range 2 {
				m.Mutable(f).Map().Set(scalar(f.MapKey(), n).MapKey(), scalar(f.MapValue(), n))
			}
		case f.IsList() && f.Message() != nil:
			for range 2 {
				fillMessage(m.Mutable(f).List().AppendMutable().Message(), n)
			}
		case f.IsList():
			for range 2 {
				m.Mutable(f).List().Append(scalar(f, n))
			}
		case f.Message() != nil:
			fillMessage(m.Mutable(f).Message(), n)
		default:
			m.Set(f, scalar(f, n))
		}
	}
}

// words are those where not every text means something.
var words = map[protoreflect.Name]string{
	"Failure.kind": "Conflict", "Honour.act": "creation", "ChangeEntry.value": "live-in-headroom",
}

func scalar(f protoreflect.FieldDescriptor, n *int) protoreflect.Value {
	*n++
	switch f.Kind() {
	case protoreflect.StringKind:
		if word, ok := words[f.FullName().Parent().Name()+"."+f.Name()]; ok {
			return protoreflect.ValueOfString(word)
		}
		return protoreflect.ValueOfString(fmt.Sprintf("%s-%03d", f.Name(), *n))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(fmt.Appendf(nil, "%s-%03d", f.Name(), *n))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(int32(*n))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(int64(*n))
	case protoreflect.EnumKind:
		values := f.Enum().Values()
		return protoreflect.ValueOfEnum(values.Get(values.Len() - 1).Number())
	}
	panic("no way to fill a " + f.Kind().String())
}

// coded is a message that is read and written again.
type coded struct {
	name  string
	empty proto.Message
	again func(proto.Message) (proto.Message, error)
}

func codec[M, T any](name string, decode func(*M) (T, error), encode func(T) *M) coded {
	return coded{name, any(new(M)).(proto.Message), func(m proto.Message) (proto.Message, error) {
		v, err := decode(any(m).(*M))
		if err != nil {
			return nil, err
		}
		return any(encode(v)).(proto.Message), nil
	}}
}

func sure[M, T any](decode func(M) T) func(M) (T, error) {
	return func(m M) (T, error) { return decode(m), nil }
}

func byPointer[M, T any](encode func(*T) *M) func(T) *M {
	return func(v T) *M { return encode(&v) }
}

// codecs is everything that this package reads and writes.
func codecs() []coded {
	return []coded{
		codec("Owner", sure(DecodeOwner), EncodeOwner),
		codec("Ref", DecodeRef, EncodeRef),
		codec("Mark", DecodeMark, byPointer(EncodeMark)),
		codec("Hardware", DecodeHardware, byPointer(EncodeHardware)),
		codec("VM", DecodeVM, byPointer(EncodeVM)),
		codec("Change", DecodeChange, byPointer(EncodeChange)),
		codec("Wanted", DecodeWanted, EncodeWanted),
		codec("Failure", sure(DecodeFailure), EncodeFailure),
		codec("Problem", sure(DecodeProblem), byPointer(EncodeProblem)),
		codec("Leftover", DecodeLeftover, byPointer(EncodeLeftover)),
		codec("Capabilities", DecodeCapabilities, EncodeCapabilities),
		codec("Snapshot", DecodeSnapshot, byPointer(EncodeSnapshot)),
		codec("PowerRequest", func(m *stewardv1.PowerRequest) (*stewardv1.PowerRequest, error) {
			op, err := DecodePowerOp(m.Op)
			return &stewardv1.PowerRequest{Ref: m.Ref, Op: EncodePowerOp(op)}, err
		}, func(m *stewardv1.PowerRequest) *stewardv1.PowerRequest { return m }),
		codec("TakeSnapshotRequest", func(m *stewardv1.TakeSnapshotRequest) (*stewardv1.TakeSnapshotRequest, error) {
			ref, req, err := DecodeTakeSnapshot(m)
			return EncodeTakeSnapshot(ref, req), err
		}, func(m *stewardv1.TakeSnapshotRequest) *stewardv1.TakeSnapshotRequest { return m }),
	}
}

// TestNoFieldIsIgnored reads messages in which every field is set: one that is
// added to the schema and forgotten here fails.
func TestNoFieldIsIgnored(t *testing.T) {
	for _, c := range codecs() {
		want := proto.Clone(c.empty)
		full(want)
		got, err := c.again(overTheWire(t, want))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if d := cmp.Diff(want, got, protocmp.Transform()); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

// TestHostileMessages reads what no peer of ours would send.
func TestHostileMessages(t *testing.T) {
	n := int64(-1)
	for _, row := range []struct {
		reason string
		m      proto.Message
		want   string
	}{
		{"a VM that nobody can name", &stewardv1.VM{Name: "web"}, `a VM named "web" has no id`},
		{"a negative number", &stewardv1.VM{Id: "1", Config: &stewardv1.Hardware{Cpu: &n}}, "VM 1: cpu is -1"},
		{"the running side is read too", &stewardv1.VM{Id: "1", Running: &stewardv1.Hardware{MemoryMib: &n}}, "VM 1: memory_mib is -1"},
		{"a disk of negative size", &stewardv1.Hardware{Disks: &stewardv1.Disks{Values: []*stewardv1.Disk{{SizeBytes: &n}}}}, "size_bytes is -1"},
		{"a trait of no name", &stewardv1.Hardware{Traits: &stewardv1.Traits{Values: map[string]string{"": "x"}}}, "a field has no name"},
		{"a time that is none", &stewardv1.Mark{Retired: &stewardv1.Instant{Seconds: 1 << 60}}, "retired is 1152921504606846976 s and 0 ns, no point in time"},
		{"parts of a second that are none", &stewardv1.Mark{Retired: &stewardv1.Instant{Seconds: 1, Nanos: -1}}, "retired is 1 s and -1 ns, no point in time"},
		{"a reference to nothing", &stewardv1.Ref{}, "the reference has neither an id nor an owner"},
		{"an owner without a name", &stewardv1.Ref{Owner: &stewardv1.Owner{Fleet: "lab"}}, "the reference has neither an id nor an owner"},
		{"a VM of no name", &stewardv1.Wanted{}, "the wanted VM has no name"},
		{"a timeout beyond all", wanted(func(m *stewardv1.Wanted) { m.ShutdownTimeoutMs = 1 << 60 }), "wanted VM ns/web: shutdown_timeout_ms is 1152921504606846976 ms"},
		{
			"disks that cannot be told apart",
			wanted(func(m *stewardv1.Wanted) { m.Disks = []*stewardv1.WantedDisk{{Name: "a"}, {Name: "b"}, {Name: "a"}} }),
			`wanted VM ns/web: two are called disk "a"`,
		},
		{"a disk of no name", wanted(func(m *stewardv1.Wanted) { m.Disks = []*stewardv1.WantedDisk{{}} }), "wanted VM ns/web: a wanted disk has no name"},
		{"paths that cannot be looked up", wanted(func(m *stewardv1.Wanted) { m.Declared = []string{"b", "a"} }), "wanted VM ns/web: declared is not sorted"},
		{"a bound below nothing", &stewardv1.Capabilities{Concurrency: -1}, "concurrency is -1"},
		{"what is honoured?", &stewardv1.Capabilities{Honours: []*stewardv1.Honour{{}}}, "a field that is honoured has no path"},
		{"an act that nobody knows", &stewardv1.PowerRequest{Op: 99}, "99 is no act on the power state"},
		{"no act", &stewardv1.PowerRequest{}, "POWER_OP_UNSPECIFIED is no act on the power state"},
		{"a leftover that nobody can name", &stewardv1.Leftover{}, "a leftover of / has no id"},
		{"a snapshot without a name", &stewardv1.TakeSnapshotRequest{Ref: &stewardv1.Ref{Id: "1"}}, "the wanted snapshot has no name"},
	} {
		_, err := codecOf(t, row.m).again(overTheWire(t, row.m))
		if got := fmt.Sprint(err); got != row.want {
			t.Errorf("%s: error %q, want %q", row.reason, got, row.want)
		}
	}
}

func wanted(change func(*stewardv1.Wanted)) *stewardv1.Wanted {
	m := &stewardv1.Wanted{Key: &stewardv1.Key{Namespace: "ns", Name: "web"}}
	change(m)
	return m
}

func codecOf(t *testing.T, m proto.Message) coded {
	t.Helper()
	name := m.ProtoReflect().Descriptor().FullName()
	all := codecs()
	i := slices.IndexFunc(all, func(c coded) bool { return c.empty.ProtoReflect().Descriptor().FullName() == name })
	if i < 0 {
		t.Fatalf("nothing reads a %s", name)
	}
	return all[i]
}

// FuzzDecode reads any bytes as any message: it may be an error, and what is
// not says the same when it is written and read again.
func FuzzDecode(f *testing.F) {
	for i, c := range codecs() {
		m := proto.Clone(c.empty)
		full(m)
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(i), b)
		f.Add(byte(i), []byte{})
	}
	f.Fuzz(func(t *testing.T, which byte, b []byte) {
		c := codecs()[int(which)%len(codecs())]
		m := proto.Clone(c.empty)
		if proto.Unmarshal(b, m) != nil {
			return
		}
		once, err := c.again(m)
		if err != nil {
			return
		}
		twice, err := c.again(overTheWire(t, once))
		if err != nil {
			t.Fatalf("%s: what was written cannot be read: %v\n%v", c.name, err, once)
		}
		if !proto.Equal(once, twice) {
			t.Fatalf("%s: written twice, it is\n%v\nand\n%v", c.name, once, twice)
		}
	})
}
