package memory

import (
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/vmsteward/vmsteward/manifest"
	"github.com/vmsteward/vmsteward/providers"
)

// edit is one part of a change: what can be said against it, and its effect.
type edit struct {
	name  string
	check func(*state, *machine) error // nil: nothing
	apply func(*state, *machine)
}

// Reconfigure implements providers.Provider. The whole change is checked
// before its first part takes effect; the parts then take effect one by one.
func (p *Provider) Reconfigure(ctx context.Context, ref providers.Ref, change providers.Change) (task providers.TaskRef, err error) {
	c := call{op: opReconfigure, owner: ref.Owner, text: ref.Owner.VM.String() + changeText(change)}
	err = p.mutate(ctx, c, func() (changed bool, err error) {
		task, changed, err = p.reconfigure(c, ref, change)
		return changed, err
	})
	if err != nil {
		return "", err
	}
	return task, nil
}

func (p *Provider) reconfigure(c call, ref providers.Ref, change providers.Change) (task providers.TaskRef, changed bool, err error) {
	nature := p.hv.natureNow()
	edits := p.edits(c, change, nature)
	if nature.Late > 0 {
		return p.reconfigureLate(c, ref, edits, nature)
	}
	if err := p.hv.view(func(s *state) error {
		_, err := s.checked(c, ref, edits)
		return err
	}); err != nil {
		return "", false, err
	}
	steps := &stepper{hv: p.hv, c: c}
	for _, e := range edits {
		err := p.hv.update(func(s *state) error {
			m, err := s.checked(c, ref, []edit{e})
			if err != nil {
				return err
			}
			after := m.clone()
			e.apply(s, after)
			if !reflect.DeepEqual(m, after) {
				changed = true
				s.put(after)
			}
			return nil
		})
		if err == nil {
			err = steps.done(e.name)
		}
		if err != nil {
			return "", changed, err
		}
	}
	return "", changed, nil
}

// reconfigureLate lets the whole change come into force with a task.
func (p *Provider) reconfigureLate(c call, ref providers.Ref, edits []edit, n Nature) (task providers.TaskRef, changed bool, err error) {
	err = p.hv.update(func(s *state) error {
		m, err := s.checked(c, ref, edits)
		if err != nil {
			return err
		}
		after := m.clone()
		for _, e := range edits {
			e.apply(s, after)
		}
		if changed = !reflect.DeepEqual(m, after); changed {
			task = s.bring(m.ID, after, opReconfigure, n)
		}
		return nil
	})
	if err == nil && changed {
		steps := &stepper{hv: p.hv, c: c}
		err = steps.done("task")
	}
	return task, changed, err
}

// checked returns the machine of the reference when it may be changed and
// nothing speaks against the edits.
func (s *state) checked(c call, ref providers.Ref, edits []edit) (*machine, error) {
	m, err := s.grasp(c, ref)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, c.fail(providers.NotFound, "no such VM")
	}
	for _, e := range edits {
		if e.check == nil {
			continue
		}
		if err := e.check(s, m); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// edits takes a change apart, in the order in which its parts take effect.
func (p *Provider) edits(c call, ch providers.Change, n Nature) []edit {
	var all []edit
	if ch.CPU != nil {
		all = append(all, cpuEdit(c, *ch.CPU, ch.Live))
	}
	if ch.MemoryMiB != nil {
		all = append(all, memoryEdit(c, roundUp(*ch.MemoryMiB, n.RoundMemoryMiB), ch.Live))
	}
	if len(ch.Traits) > 0 {
		all = append(all, traitsEdit(c, ch.Traits, ch.Live))
	}
	for _, g := range ch.GrowDisks {
		all = append(all, growEdit(c, g, ch.Live))
	}
	for _, d := range ch.AddDisks {
		all = append(all, addDiskEdit(c, d, ch.Live))
	}
	for _, r := range ch.RemoveNICs {
		all = append(all, removeNICEdit(r, ch.Live))
	}
	for _, nic := range ch.AddNICs {
		all = append(all, p.addNICEdit(c, nic, ch.Live, n))
	}
	return append(all, propertyEdits(c, ch)...)
}

// propertyEdits are the parts that concern no hardware.
func propertyEdits(c call, ch providers.Change) []edit {
	var all []edit
	if ch.Name != nil {
		all = append(all, renameEdit(c, *ch.Name))
	}
	if ch.Tags != nil {
		tags := tagSet(*ch.Tags)
		all = append(all, edit{name: "tags", apply: func(_ *state, m *machine) {
			if !slices.Equal(m.Tags, tags) {
				m.Tags = tags
			}
		}})
	}
	if ch.Autostart != nil {
		on := *ch.Autostart
		all = append(all, edit{name: "autostart", apply: func(_ *state, m *machine) { m.Autostart = on }})
	}
	if ch.Retired != nil {
		since := *ch.Retired
		all = append(all, edit{name: "retired", apply: func(_ *state, m *machine) { m.retire(since) }})
	}
	return all
}

// retire moves the mark, unless it says the same moment already.
func (m *machine) retire(since time.Time) {
	if !m.Mark.Retired.Equal(since) {
		m.Mark.Retired = since
	}
}

func cpuEdit(c call, n int, live bool) edit {
	return edit{
		name: "cpu",
		check: func(_ *state, m *machine) error {
			switch {
			case n < 1:
				return c.fail(providers.InvalidSpec, "a VM needs at least one CPU")
			case !live || m.Running == nil || m.Running.CPU.Value == n:
			case n < m.Running.CPU.Value:
				return c.fail(providers.NotSupported, "a running VM cannot lose CPUs")
			case n > m.Running.CPUMax.Value:
				return c.fail(providers.NotSupported, "the running VM has no head-room for so many CPUs")
			}
			return nil
		},
		apply: func(_ *state, m *machine) {
			for _, h := range m.shapes(live) {
				h.CPU.Value, h.CPUMax.Value = n, max(n, h.CPUMax.Value)
			}
		},
	}
}

func memoryEdit(c call, mib int64, live bool) edit {
	return edit{
		name: "memory",
		check: func(_ *state, m *machine) error {
			switch {
			case mib < 1:
				return c.fail(providers.InvalidSpec, "a VM needs memory")
			case live && m.Running != nil && mib > m.Running.MemoryMaxMiB.Value:
				return c.fail(providers.NotSupported, "the running VM has no head-room for so much memory")
			}
			return nil
		},
		apply: func(_ *state, m *machine) {
			for _, h := range m.shapes(live) {
				h.MemoryMiB.Value, h.MemoryMaxMiB.Value = mib, max(mib, h.MemoryMaxMiB.Value)
			}
		},
	}
}

// nicText names an interface for the call log.
func nicText(r providers.NICRef) string {
	if r.Name != "" {
		return r.Name
	}
	return r.MAC
}

// isNIC tells whether a reference means the interface.
func isNIC(r providers.NICRef) func(providers.NIC) bool {
	return func(n providers.NIC) bool {
		return r.Name != "" && n.Name == r.Name || r.Name == "" && r.MAC != "" && n.MAC == r.MAC
	}
}

func removeNICEdit(r providers.NICRef, live bool) edit {
	return edit{
		name: "remove nic " + nicText(r),
		apply: func(_ *state, m *machine) {
			for _, h := range m.shapes(live) {
				h.NICs = slices.DeleteFunc(h.NICs, isNIC(r))
				dropTraits(h)
			}
			for name, mac := range m.Mark.MACs {
				if isNIC(r)(providers.NIC{Name: name, MAC: mac}) {
					delete(m.Mark.MACs, name)
				}
			}
		},
	}
}

// addNICEdit adds an interface, in the place of the one of its name.
func (p *Provider) addNICEdit(c call, nic manifest.NIC, live bool, n Nature) edit {
	return edit{
		name:  "nic " + nic.Name,
		check: func(s *state, _ *machine) error { return s.lackingNetwork(c, []manifest.NIC{nic}) },
		apply: func(_ *state, m *machine) {
			made := makeNIC(nic, m.Mark.Owner, m.Mark.MACs, p.settings, n)
			for _, h := range m.shapes(live) {
				if at := slices.IndexFunc(h.NICs, isNIC(providers.NICRef{Name: nic.Name})); at >= 0 {
					h.NICs[at] = made
				} else {
					h.NICs = append(h.NICs, made)
				}
				setTraits(h, nicTraits(nic))
			}
			if m.Mark.MACs == nil {
				m.Mark.MACs = map[string]string{}
			}
			m.Mark.MACs[made.Name] = made.MAC
		},
	}
}
