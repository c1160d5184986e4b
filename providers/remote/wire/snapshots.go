package wire

import (
	"fmt"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
)

// EncodeSnapshot makes the message of a snapshot.
func EncodeSnapshot(p *providers.Snapshot) *stewardv1.Snapshot {
	m := &stewardv1.Snapshot{
		Name: text(p.Name), Description: text(p.Description), Parent: text(p.Parent),
		Power: encodePower(p.Power), Quiesced: p.Quiesced, Current: p.Current,
	}
	if !p.Taken.IsZero() {
		m.Taken = instant(p.Taken)
	}
	return m
}

// DecodeSnapshot reads a snapshot.
func DecodeSnapshot(m *stewardv1.Snapshot) (providers.Snapshot, error) {
	var s scan
	p := providers.Snapshot{
		Name: m.GetName(), Description: m.GetDescription(), Parent: m.GetParent(), Taken: s.time("taken", m.GetTaken()),
		Power: decodePower(m.GetPower()), Quiesced: m.GetQuiesced(), Current: m.GetCurrent(),
	}
	return p, s.err
}

// EncodeTakeSnapshot makes the request for a snapshot of a VM.
func EncodeTakeSnapshot(ref providers.Ref, req providers.SnapshotRequest) *stewardv1.TakeSnapshotRequest {
	return &stewardv1.TakeSnapshotRequest{
		Ref: EncodeRef(ref), Name: req.Name, Description: text(req.Description), Memory: req.Memory, Quiesce: req.Quiesce,
	}
}

// DecodeTakeSnapshot reads the request for a snapshot of a VM.
func DecodeTakeSnapshot(m *stewardv1.TakeSnapshotRequest) (providers.Ref, providers.SnapshotRequest, error) {
	ref, err := DecodeRef(m.GetRef())
	req := providers.SnapshotRequest{
		Name: m.GetName(), Description: m.GetDescription(), Memory: m.GetMemory(), Quiesce: m.GetQuiesce(),
	}
	if err == nil && req.Name == "" {
		err = fmt.Errorf("the wanted snapshot has no name")
	}
	return ref, req, err
}
