package memory

import (
	"context"
	"slices"

	"github.com/vmsteward/vmsteward/providers"
)

// Delete implements providers.Provider: the definition first, then the volumes
// that carry the owner in their name and are used by no VM.
func (p *Provider) Delete(ctx context.Context, ref providers.Ref) (task providers.TaskRef, err error) {
	c := call{op: opDelete, owner: ref.Owner, text: ref.Owner.VM.String()}
	err = p.mutate(ctx, c, func() (changed bool, err error) {
		task, changed, err = p.delete(c, ref)
		return changed, err
	})
	if err != nil {
		return "", err
	}
	return task, nil
}

func (p *Provider) delete(c call, ref providers.Ref) (task providers.TaskRef, changed bool, err error) {
	steps := &stepper{hv: p.hv, c: c}
	err = p.hv.update(func(s *state) error {
		if m := s.find(ref); m != nil && m.ours(ref.Owner) && s.leaving(m.ID) {
			task = s.Pending[m.ID].Task
			return nil
		}
		m, err := s.grasp(c, ref)
		if m == nil || err != nil {
			return err
		}
		if m.Power != providers.Off {
			return c.fail(providers.Conflict, "the VM is not powered off")
		}
		task, changed = s.bring(m.ID, nil, opDelete, p.hv.natureNow()), true
		return nil
	})
	if err != nil {
		return task, changed, err
	}
	if changed {
		if err := steps.done("undefined"); err != nil {
			return task, changed, err
		}
	}
	swept, err := p.dropVolumes(ref.Owner, task, steps)
	return task, changed || swept, err
}

// grasp returns the machine of a reference when it may be changed: nil when it
// is not there, an error when it is not ours or at work.
func (s *state) grasp(c call, ref providers.Ref) (*machine, error) {
	m := s.find(ref)
	if m == nil {
		return nil, nil
	}
	if !m.ours(ref.Owner) {
		return nil, c.fail(providers.Conflict, "the VM does not carry our mark")
	}
	if s.Pending[m.ID] != nil {
		return nil, c.fail(providers.Retryable, "another task is in progress")
	}
	return m, nil
}

// leaving tells whether the machine is being removed already.
func (s *state) leaving(id string) bool {
	p := s.Pending[id]
	return p != nil && p.After == nil
}

// dropVolumes removes the owner's volumes one by one, except those that a VM
// uses: but the VM that a task is removing does not count.
func (p *Provider) dropVolumes(o providers.Owner, removal providers.TaskRef, steps *stepper) (changed bool, err error) {
	var names []string
	err = p.hv.view(func(s *state) error {
		mine := func(name string) bool {
			owner, ok := volumeOwner(name)
			return ok && owner == o
		}
		for name := range s.loose {
			if mine(name) {
				names = append(names, name)
			}
		}
		if m := s.Machines[s.Tasks[removal].Machine]; m != nil {
			for _, d := range m.Config.Disks {
				if v := s.Volumes[d.Origin]; v != nil && v.UsedBy == m.ID && mine(d.Origin) {
					names = append(names, d.Origin)
				}
			}
		}
		return nil
	})
	slices.Sort(names)
	for _, name := range names {
		if err == nil {
			err = p.hv.update(func(s *state) error { s.dropVolume(name); return nil })
		}
		if err == nil {
			err = steps.done("removed " + name)
		}
	}
	return len(names) > 0, err
}

// Sweep implements providers.Sweeper. A volume that is used by any VM, or
// whose owner has a VM, is a Conflict.
func (p *Provider) Sweep(ctx context.Context, left providers.Leftover) error {
	c := call{op: opSweep, owner: left.Owner, text: left.ID}
	return p.mutate(ctx, c, func() (changed bool, err error) {
		err = p.hv.update(func(s *state) error {
			v := s.Volumes[left.ID]
			if v == nil {
				return nil
			}
			owner, ok := volumeOwner(left.ID)
			switch {
			case !ok || owner != left.Owner || owner.Fleet != p.settings.Fleet:
				return c.fail(providers.Conflict, "the volume is not ours")
			case v.UsedBy != "" || s.find(providers.Ref{Owner: owner}) != nil:
				return c.fail(providers.Conflict, "the volume is in use")
			}
			s.dropVolume(left.ID)
			changed = true
			return nil
		})
		return changed, err
	})
}
