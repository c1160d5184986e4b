package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/vmsteward/vmsteward/providers"
)

// Power implements providers.Provider.
func (p *Provider) Power(ctx context.Context, ref providers.Ref, op providers.PowerOp) (task providers.TaskRef, err error) {
	c := call{op: opPower, owner: ref.Owner, text: ref.Owner.VM.String() + " " + string(op)}
	steps := &stepper{hv: p.hv, c: c}
	err = p.mutate(ctx, c, func() (changed bool, err error) {
		err = p.hv.update(func(s *state) error {
			m, err := s.grasp(c, ref)
			switch {
			case err != nil:
				return err
			case m == nil:
				return c.fail(providers.NotFound, "no such VM")
			}
			task, changed, err = p.power(s, c, m, op)
			return err
		})
		if err == nil && changed {
			err = steps.done(string(op))
		}
		return changed, err
	})
	if err != nil {
		return "", err
	}
	return task, nil
}

func (p *Provider) power(s *state, c call, m *machine, op providers.PowerOp) (providers.TaskRef, bool, error) {
	switch op {
	case providers.PowerStart:
		return "", s.start(m), nil
	case providers.PowerStop:
		if m.Power == providers.Off {
			return "", false, nil
		}
		s.endShutdown(m.ID)
		s.put(m.poweredOff())
		return "", true, nil
	case providers.PowerShutdown:
		return p.shutdown(s, c, m)
	case providers.PowerReboot:
		if m.Power != providers.On {
			return "", false, c.fail(providers.Conflict, "the VM does not run")
		}
		if !m.Deaf {
			rebooted := m.clone()
			rebooted.Boots++
			s.put(rebooted)
		}
		return "", true, nil
	}
	return "", false, c.fail(providers.InvalidSpec, fmt.Sprintf("no power operation %q", op))
}

// start boots a machine that is off and resumes one that is suspended.
func (s *state) start(m *machine) bool {
	switch m.Power {
	case providers.On:
		return false
	case providers.Suspended:
		resumed := m.clone()
		resumed.Power = providers.On
		s.put(resumed)
	default:
		s.put(m.poweredOn())
	}
	return true
}

// shutdown asks the guest. A second request joins the first one's task.
func (p *Provider) shutdown(s *state, c call, m *machine) (providers.TaskRef, bool, error) {
	switch {
	case m.Power == providers.Off:
		return "", false, nil
	case m.Power != providers.On:
		return "", false, c.fail(providers.Conflict, "a guest that does not run cannot shut down")
	case s.Shutting[m.ID] != "":
		return s.Shutting[m.ID], false, nil
	}
	ref := s.nextTask("shutdown", m.ID)
	t := task{Machine: m.ID}
	if !m.Deaf {
		t.Due = time.Now().Add(p.hv.natureNow().ShutdownTakes)
	}
	s.Tasks[ref] = t
	s.Shutting[m.ID] = ref
	return ref, true, nil
}

// IsTaskComplete implements providers.Provider.
func (p *Provider) IsTaskComplete(ctx context.Context, ref providers.TaskRef) (done bool, err error) {
	err = p.read(ctx, call{op: opTask}, func() error {
		return p.hv.view(func(s *state) error {
			_, running := s.Tasks[ref]
			done = !running
			return nil
		})
	})
	return done && err == nil, err
}
