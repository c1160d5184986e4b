package wire

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"

	"github.com/vmsteward/vmsteward/internal/secret"
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

// alike compares what two values say: errors by their text and their fields.
var alike = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b secret.Text) bool { return a.Reveal() == b.Reveal() }),
	cmp.FilterValues(func(a, b error) bool { return a != nil && b != nil }, cmp.Comparer(func(a, b error) bool {
		var x, y *providers.Error
		if !errors.As(a, &x) || !errors.As(b, &y) {
			return a.Error() == b.Error()
		}
		return a.Error() == b.Error() && x.Op == y.Op && x.Subject == y.Subject && x.Kind == y.Kind && x.Missing == y.Missing && x.After == y.After
	})),
}

// TestNothingIsLost sends every value of the contract over the wire, with
// everything said and then with each thing in turn left out: a field that is
// added to a value and forgotten here fails, and so do two that are mixed up.
func TestNothingIsLost(t *testing.T) {
	t.Run("VM", func(t *testing.T) {
		everyField(t, 60, EncodeVM, func(m *stewardv1.VM) (*providers.VM, error) { return ptr(DecodeVM(m)) }, "VM.ID")
	})
	t.Run("Hardware", func(t *testing.T) {
		everyField(t, 20, EncodeHardware, func(m *stewardv1.Hardware) (*providers.Hardware, error) { return ptr(DecodeHardware(m)) })
	})
	t.Run("Mark", func(t *testing.T) {
		everyField(t, 6, EncodeMark, func(m *stewardv1.Mark) (*providers.Mark, error) { return ptr(DecodeMark(m)) })
	})
	t.Run("Owner", func(t *testing.T) {
		everyField(t, 3, func(o *providers.Owner) *stewardv1.Owner { return EncodeOwner(*o) },
			func(m *stewardv1.Owner) (*providers.Owner, error) { return ptr(DecodeOwner(m), nil) })
	})
	t.Run("Ref", func(t *testing.T) {
		everyField(t, 4, func(r *providers.Ref) *stewardv1.Ref { return EncodeRef(*r) },
			func(m *stewardv1.Ref) (*providers.Ref, error) { return ptr(DecodeRef(m)) })
	})
	t.Run("Change", func(t *testing.T) {
		everyField(t, 40, EncodeChange, func(m *stewardv1.Change) (*providers.Change, error) { return ptr(DecodeChange(m)) },
			"Change.AddDisks[].Name", "Change.AddNICs[].Name")
	})
	t.Run("Wanted", func(t *testing.T) {
		everyField(t, 100, EncodeWanted, DecodeWanted, "VM.Key.Name", "VM.Disks[].Name", "VM.NICs[].Name", "VM.Declared[]", "VM.Tags[]")
	})
	t.Run("Capabilities", func(t *testing.T) {
		everyField(t, 14, EncodeCapabilities, DecodeCapabilities)
	})
	t.Run("Problem", func(t *testing.T) {
		everyField(t, 3, EncodeProblem, func(m *stewardv1.Problem) (*providers.Problem, error) { return ptr(DecodeProblem(m), nil) })
	})
	t.Run("Leftover", func(t *testing.T) {
		everyField(t, 4, EncodeLeftover, func(m *stewardv1.Leftover) (*providers.Leftover, error) { return ptr(DecodeLeftover(m)) }, "Leftover.ID")
	})
	t.Run("Snapshot", func(t *testing.T) {
		everyField(t, 7, EncodeSnapshot, func(m *stewardv1.Snapshot) (*providers.Snapshot, error) { return ptr(DecodeSnapshot(m)) })
	})
	t.Run("SnapshotRequest", func(t *testing.T) {
		type request struct {
			Ref providers.Ref
			Req providers.SnapshotRequest
		}
		everyField(t, 8, func(r *request) *stewardv1.TakeSnapshotRequest { return EncodeTakeSnapshot(r.Ref, r.Req) },
			func(m *stewardv1.TakeSnapshotRequest) (*request, error) {
				ref, req, err := DecodeTakeSnapshot(m)
				return &request{ref, req}, err
			}, "request.Req.Name")
	})
}

func ptr[T any](v T, err error) (*T, error) { return &v, err }

// everyField sends T with everything said, and again for each thing without
// it. Without a thing in needed, it is an error. There are at least so many
// things.
func everyField[T any, M proto.Message](t *testing.T, atLeast int, encode func(*T) M, decode func(M) (*T, error), needed ...string) {
	t.Helper()
	for n := -1; ; n++ {
		want, path := filled[T](), "nothing"
		if n >= 0 {
			want, path = emptied[T](n)
		}
		if path == "" {
			if n < atLeast {
				t.Errorf("only %d things were left out, want %d", n, atLeast)
			}
			return
		}
		got, err := decode(overTheWire(t, encode(want)))
		if contains(needed, path) {
			if err == nil {
				t.Errorf("without %s there is no error", path)
			}
			continue
		}
		if err != nil {
			t.Errorf("without %s: %v", path, err)
			continue
		}
		if d := cmp.Diff(normal(want), normal(got), alike); d != "" {
			t.Errorf("without %s (-want +got):\n%s", path, d)
		}
	}
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// normal takes away what cannot be meant: a value of a fact that is unknown,
// and devices that are not known.
func normal(v any) any {
	switch v := v.(type) {
	case *providers.VM:
		vm := *v
		vm.Config = tidy(vm.Config)
		if vm.Running != nil {
			running := tidy(*vm.Running)
			vm.Running = &running
		}
		vm.Autostart, vm.Tags = known(vm.Autostart), known(vm.Tags)
		return vm
	case *providers.Hardware:
		return tidy(*v)
	}
	return v
}

func tidy(h providers.Hardware) providers.Hardware {
	h.CPU, h.CPUMax, h.MemoryMiB, h.MemoryMaxMiB = known(h.CPU), known(h.CPUMax), known(h.MemoryMiB), known(h.MemoryMaxMiB)
	h.Firmware = known(h.Firmware)
	if !h.DisksKnown {
		h.Disks = nil
	}
	if !h.NICsKnown {
		h.NICs = nil
	}
	disks := append([]providers.Disk(nil), h.Disks...)
	for i := range disks {
		disks[i].SizeGiB, disks[i].SizeBytes = known(disks[i].SizeGiB), known(disks[i].SizeBytes)
	}
	h.Disks = disks
	return h
}

func known[T any](o providers.Opt[T]) providers.Opt[T] {
	if !o.Known {
		return providers.Opt[T]{}
	}
	return o
}

func overTheWire[M proto.Message](t testing.TB, m M) M {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatalf("%T cannot be written: %v", m, err)
	}
	out := m.ProtoReflect().New().Interface().(M)
	if err := proto.Unmarshal(b, out); err != nil {
		t.Fatalf("%T cannot be read: %v", m, err)
	}
	return out
}

// TestUnknownIsNotEmpty tells, to the last nil, what is unknown from what is
// known to be empty.
func TestUnknownIsNotEmpty(t *testing.T) {
	for _, row := range []struct {
		reason string
		vm     providers.VM
	}{
		{"nothing is known", providers.VM{}},
		{"there are no tags", providers.VM{Tags: providers.Known([]string{})}},
		{"it does not start by itself", providers.VM{Autostart: providers.Known(false)}},
		{"zero is a fact", providers.VM{Config: providers.Hardware{CPU: providers.Known(0), MemoryMiB: providers.Known(int64(0))}}},
		{"a firmware without a name", providers.VM{Config: providers.Hardware{Firmware: providers.Known(manifest.Firmware(""))}}},
		{"there are no disks", providers.VM{Config: providers.Hardware{DisksKnown: true}}},
		{"there are no interfaces", providers.VM{Config: providers.Hardware{NICsKnown: true}}},
		{"no trait is set", providers.VM{Config: providers.Hardware{Traits: providers.Traits{}}}},
		{"it runs, and nothing is known of that", providers.VM{Running: &providers.Hardware{}}},
		{"a mark of nobody", providers.VM{Mark: &providers.Mark{}}},
	} {
		row.vm.ID, row.vm.Power = "id", providers.Unknown
		got, err := DecodeVM(overTheWire(t, EncodeVM(&row.vm)))
		if err != nil {
			t.Errorf("%s: %v", row.reason, err)
		}
		if d := cmp.Diff(row.vm, got); d != "" || !got.Same(&row.vm) {
			t.Errorf("%s (-want +got):\n%s", row.reason, d)
		}
	}
}

// TestANewerPeer states what we have no word for.
func TestANewerPeer(t *testing.T) {
	got, err := DecodeCapabilities(&stewardv1.Capabilities{
		Change: map[string]string{"cpu": "by moonlight"}, Honours: []*stewardv1.Honour{{Path: "a.b", Act: "dream"}},
	})
	if err != nil || got.Change["cpu"] != providers.Never || got.Honours["a.b"].Act != providers.Ignore {
		t.Errorf("it is taken for %+v, %v", got, err)
	}
	vm, err := DecodeVM(&stewardv1.VM{Id: "1", Power: 99})
	if err != nil || vm.Power != providers.Unknown {
		t.Errorf("a state of tomorrow is %s, %v", vm.Power, err)
	}
}
