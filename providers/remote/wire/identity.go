package wire

import (
	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

func encodeKey(k manifest.Key) *stewardv1.Key {
	return &stewardv1.Key{Namespace: k.Namespace, Name: k.Name}
}

func decodeKey(m *stewardv1.Key) manifest.Key {
	return manifest.Key{Namespace: m.GetNamespace(), Name: m.GetName()}
}

// EncodeOwner makes the message of an owner.
func EncodeOwner(o providers.Owner) *stewardv1.Owner {
	return &stewardv1.Owner{Fleet: text(o.Fleet), Vm: &stewardv1.Key{Namespace: text(o.VM.Namespace), Name: text(o.VM.Name)}}
}

// DecodeOwner reads an owner.
func DecodeOwner(m *stewardv1.Owner) providers.Owner {
	return providers.Owner{Fleet: m.GetFleet(), VM: decodeKey(m.GetVm())}
}

// EncodeRef makes the message of a reference. Its owner is left out if there
// is none.
func EncodeRef(r providers.Ref) *stewardv1.Ref {
	m := &stewardv1.Ref{Id: r.ID}
	if r.Owner != (providers.Owner{}) {
		m.Owner = EncodeOwner(r.Owner)
	}
	return m
}

// DecodeRef reads a reference. One with neither an id nor an owner names
// nothing, and is an error.
func DecodeRef(m *stewardv1.Ref) (providers.Ref, error) {
	var s scan
	r := providers.Ref{ID: m.GetId(), Owner: DecodeOwner(m.GetOwner())}
	if r.ID == "" && r.Owner.VM.Name == "" {
		s.fail("the reference has neither an id nor an owner")
	}
	return r, s.err
}

// EncodeMark makes the message of a mark.
func EncodeMark(k *providers.Mark) *stewardv1.Mark {
	m := &stewardv1.Mark{Owner: EncodeOwner(k.Owner), Image: text(k.Image), CloudInit: text(k.CloudInit)}
	if !k.Retired.IsZero() {
		m.Retired = instant(k.Retired)
	}
	for name, mac := range k.MACs {
		if m.Macs == nil {
			m.Macs = make(map[string]string, len(k.MACs))
		}
		m.Macs[text(name)] = text(mac)
	}
	return m
}

// DecodeMark reads a mark.
func DecodeMark(m *stewardv1.Mark) (providers.Mark, error) {
	var s scan
	return s.mark(m), s.err
}

func (s *scan) mark(m *stewardv1.Mark) providers.Mark {
	return providers.Mark{
		Owner: DecodeOwner(m.GetOwner()), Retired: s.time("retired", m.GetRetired()),
		Image: m.GetImage(), CloudInit: m.GetCloudInit(), MACs: m.GetMacs(),
	}
}
