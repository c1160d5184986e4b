package memory

import (
	"context"
	"slices"
	"time"

	"github.com/vmsteward/vmsteward/providers"
)

var _ providers.Snapshotter = (*Provider)(nil)

// history is the snapshots of a machine, each after its parent. It is
// replaced, not changed in place.
type history struct {
	All     []snapshot `json:"all"`
	Current string     `json:"current"` // the one that the machine has gone on from
}

// snapshot is what a machine was.
type snapshot struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Parent      string    `json:"parent,omitempty"`
	Taken       time.Time `json:"taken"`
	Quiesced    bool      `json:"quiesced,omitempty"`
	Then        *machine  `json:"then"` // as it is after a revert
}

// index returns where the snapshot of that name is, or -1.
func (h *history) index(name string) int {
	if h == nil {
		return -1
	}
	return slices.IndexFunc(h.All, func(s snapshot) bool { return s.Name == name })
}

// Snapshots implements providers.Snapshotter.
func (p *Provider) Snapshots(ctx context.Context, ref providers.Ref) (all []providers.Snapshot, err error) {
	c := call{op: opSnapshots, owner: ref.Owner}
	err = p.read(ctx, c, func() error {
		return p.hv.view(func(s *state) error {
			m := s.find(ref)
			switch {
			case m == nil:
				return c.fail(providers.NotFound, "no such VM")
			case m.Blurred:
				return c.fail(providers.Retryable, "the VM cannot be read")
			}
			all = m.History.facts()
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

func (h *history) facts() []providers.Snapshot {
	if h == nil {
		return nil
	}
	var all []providers.Snapshot
	for _, s := range h.All {
		all = append(all, providers.Snapshot{
			Name: s.Name, Description: s.Description, Parent: s.Parent, Taken: s.Taken,
			Power: s.Then.Power, Quiesced: s.Quiesced, Current: s.Name == h.Current,
		})
	}
	return all
}

// TakeSnapshot implements providers.Snapshotter.
func (p *Provider) TakeSnapshot(ctx context.Context, ref providers.Ref, req providers.SnapshotRequest) (providers.TaskRef, error) {
	c := call{op: opTakeSnapshot, owner: ref.Owner, text: ref.Owner.VM.String() + " " + req.Name}
	return p.remember(ctx, c, ref, func(_ *state, m *machine) (*machine, error) {
		switch {
		case req.Name == "":
			return nil, c.fail(providers.InvalidSpec, "the snapshot has no name")
		case req.Memory && req.Quiesce:
			return nil, c.fail(providers.InvalidSpec, "a snapshot with memory is not quiesced")
		case req.Quiesce && m.Power == providers.On && m.Deaf:
			return nil, c.fail(providers.Retryable, "the guest does not answer")
		case m.History.index(req.Name) >= 0:
			return nil, nil
		}
		then := m.clone()
		then.History = nil
		if !req.Memory || m.Power == providers.Off {
			then = then.poweredOff()
		}
		past := history{Current: req.Name}
		if m.History != nil {
			past.All = slices.Clone(m.History.All)
		}
		past.All = append(past.All, snapshot{
			Name: req.Name, Description: req.Description, Parent: m.History.current(), Taken: time.Now().UTC(),
			Quiesced: req.Quiesce && m.Power == providers.On, Then: then,
		})
		after := m.clone()
		after.History = &past
		return after, nil
	})
}

func (h *history) current() string {
	if h == nil {
		return ""
	}
	return h.Current
}

// RevertSnapshot implements providers.Snapshotter. Volumes get back the size
// that they had; those of disks that came later stay, unused.
func (p *Provider) RevertSnapshot(ctx context.Context, ref providers.Ref, name string) (providers.TaskRef, error) {
	c := call{op: opRevertSnapshot, owner: ref.Owner, text: ref.Owner.VM.String() + " " + name}
	return p.remember(ctx, c, ref, func(s *state, m *machine) (*machine, error) {
		at := m.History.index(name)
		if at < 0 {
			return nil, c.missing("snapshot " + name)
		}
		after := m.History.All[at].Then.clone()
		after.Name, after.Boots, after.Deaf = m.Name, m.Boots, m.Deaf
		after.History = &history{All: m.History.All, Current: name}
		for _, d := range m.Config.Disks {
			s.use(d.Origin, "")
		}
		for _, d := range after.Config.Disks {
			s.addVolume(d.Origin, d.SizeBytes.Value, "")
			s.Volumes[d.Origin].SizeBytes = d.SizeBytes.Value
			s.use(d.Origin, m.ID)
		}
		s.endShutdown(m.ID)
		return after, nil
	})
}

// DropSnapshot implements providers.Snapshotter.
func (p *Provider) DropSnapshot(ctx context.Context, ref providers.Ref, name string) (providers.TaskRef, error) {
	c := call{op: opDropSnapshot, owner: ref.Owner, text: ref.Owner.VM.String() + " " + name}
	return p.remember(ctx, c, ref, func(_ *state, m *machine) (*machine, error) {
		at := m.History.index(name)
		if at < 0 {
			return nil, nil
		}
		gone := m.History.All[at]
		past := history{Current: m.History.Current}
		for _, s := range m.History.All {
			if s.Parent == name {
				s.Parent = gone.Parent
			}
			if s.Name != name {
				past.All = append(past.All, s)
			}
		}
		if past.Current == name {
			past.Current = gone.Parent
		}
		after := m.clone()
		after.History = &past
		return after, nil
	})
}

// remember replaces a machine by what fn makes of it; nil: it stays.
func (p *Provider) remember(ctx context.Context, c call, ref providers.Ref,
	fn func(*state, *machine) (*machine, error),
) (task providers.TaskRef, err error) {
	err = p.mutate(ctx, c, func() (changed bool, err error) {
		err = p.hv.update(func(s *state) error {
			m, err := s.grasp(c, ref)
			switch {
			case err != nil:
				return err
			case m == nil:
				return c.fail(providers.NotFound, "no such VM")
			}
			after, err := fn(s, m)
			if changed = after != nil; changed {
				task = s.bring(m.ID, after, c.op, p.hv.natureNow())
			}
			return err
		})
		return changed, err
	})
	if err != nil {
		return "", err
	}
	return task, nil
}
