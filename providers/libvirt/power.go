package libvirt

import (
	"context"
	"fmt"
	"strings"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/providers"
)

// shutdownTask begins the TaskRef of a graceful shutdown; the domain's UUID
// follows. The guest takes its time, and the state tells when it is done.
const shutdownTask = "shutdown:"

// Power brings the VM to a power state.
func (p *Provider) Power(ctx context.Context, ref providers.Ref, op providers.PowerOp) (providers.TaskRef, error) {
	var task providers.TaskRef
	err := p.do(ctx, "power", ref.Owner.VM.String(), work, func(c *golibvirt.Libvirt) error {
		t, err := find(c, ref)
		if err != nil {
			return err
		}
		state, err := stateOf(c, t.dom)
		if err != nil {
			return absent(err)
		}
		switch op {
		case providers.PowerStart:
			return start(c, t.dom, state)
		case providers.PowerStop:
			return stop(c, t.dom, state)
		case providers.PowerShutdown:
			task, err = shutdown(c, t, state)
			return err
		case providers.PowerReboot:
			return reboot(c, t, state)
		}
		return &providers.Error{Kind: providers.NotSupported, Err: fmt.Errorf("%q is no act on the power state", op)}
	})
	return task, err
}

func stateOf(c *golibvirt.Libvirt, dom golibvirt.Domain) (golibvirt.DomainState, error) {
	state, _, err := c.DomainGetState(dom, 0)
	return golibvirt.DomainState(state), err
}

// start starts, resumes or wakes the domain. One that was saved to disk is
// restored by libvirt itself; one that lies crashed is taken away first.
func start(c *golibvirt.Libvirt, dom golibvirt.Domain, state golibvirt.DomainState) error {
	var err error
	switch state {
	case golibvirt.DomainRunning, golibvirt.DomainBlocked, golibvirt.DomainShutdown:
		return nil
	case golibvirt.DomainPaused:
		return c.DomainResume(dom)
	case golibvirt.DomainPmsuspended:
		return c.DomainPmWakeup(dom, 0)
	case golibvirt.DomainCrashed:
		if err = c.DomainDestroyFlags(dom, golibvirt.DomainDestroyDefault); err != nil && !isCode(err, golibvirt.ErrOperationInvalid) {
			return err
		}
	}
	_, err = c.DomainCreateWithFlags(dom, 0)
	if isCode(err, golibvirt.ErrOperationInvalid) {
		if now, why := stateOf(c, dom); why == nil && now == golibvirt.DomainRunning {
			return nil // another was faster
		}
	}
	return err
}

// stop pulls the plug. A machine that was saved to disk loses what was saved.
func stop(c *golibvirt.Libvirt, dom golibvirt.Domain, state golibvirt.DomainState) error {
	if state == golibvirt.DomainShutoff {
		saved, err := c.DomainHasManagedSaveImage(dom, 0)
		if err != nil || saved == 0 {
			return err
		}
		return c.DomainManagedSaveRemove(dom, 0)
	}
	err := c.DomainDestroyFlags(dom, golibvirt.DomainDestroyDefault)
	if isCode(err, golibvirt.ErrOperationInvalid) {
		if now, why := stateOf(c, dom); why == nil && now == golibvirt.DomainShutoff {
			return nil // it went off by itself
		}
	}
	return err
}

// shutdown asks the guest to go off: its agent where that is connected, and
// otherwise by the power button.
func shutdown(c *golibvirt.Libvirt, t *target, state golibvirt.DomainState) (providers.TaskRef, error) {
	task := providers.TaskRef(shutdownTask + t.seen.UUID)
	switch state {
	case golibvirt.DomainShutoff:
		saved, err := c.DomainHasManagedSaveImage(t.dom, 0)
		if err == nil && saved != 0 {
			err = conflict("the VM is saved to disk and cannot shut down; start it first, or stop it")
		}
		return "", err
	case golibvirt.DomainShutdown:
		return task, nil
	case golibvirt.DomainRunning, golibvirt.DomainBlocked:
	default:
		return "", conflict("the guest does not run and cannot shut down; start the VM first, or stop it")
	}
	flags := golibvirt.DomainShutdownAcpiPowerBtn
	if agent, err := agentThere(c, t.dom); err != nil {
		return "", err
	} else if agent {
		flags |= golibvirt.DomainShutdownGuestAgent
	}
	err := c.DomainShutdownFlags(t.dom, flags)
	if isCode(err, golibvirt.ErrOperationInvalid) {
		if now, why := stateOf(c, t.dom); why == nil && now == golibvirt.DomainShutoff {
			return "", nil
		}
	}
	return task, err
}

// reboot asks the guest to restart.
func reboot(c *golibvirt.Libvirt, t *target, state golibvirt.DomainState) error {
	if state != golibvirt.DomainRunning && state != golibvirt.DomainBlocked {
		return conflict("the VM does not run and cannot restart; start it")
	}
	flags := golibvirt.DomainRebootAcpiPowerBtn
	if agent, err := agentThere(c, t.dom); err != nil {
		return err
	} else if agent {
		flags |= golibvirt.DomainRebootGuestAgent
	}
	return c.DomainReboot(t.dom, flags)
}

// agentThere tells whether the guest's agent is connected now.
func agentThere(c *golibvirt.Libvirt, dom golibvirt.Domain) (bool, error) {
	text, err := c.DomainGetXMLDesc(dom, 0)
	if err != nil {
		return false, absent(err)
	}
	live, err := readDomain(text)
	if err != nil {
		return false, err
	}
	return live.agentConnected(), nil
}

// IsTaskComplete tells whether a shutdown has ended. A task of any other kind
// was never given out, and counts as complete.
func (p *Provider) IsTaskComplete(ctx context.Context, task providers.TaskRef) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	text, ok := strings.CutPrefix(string(task), shutdownTask)
	id, valid := parseUUID(text)
	if !ok || !valid {
		return true, nil
	}
	done := false
	err := p.do(ctx, "task", string(task), control, func(c *golibvirt.Libvirt) error {
		dom, err := c.DomainLookupByUUID(golibvirt.UUID(id))
		var state golibvirt.DomainState
		if err == nil {
			state, err = stateOf(c, dom)
		}
		if isCode(err, golibvirt.ErrNoDomain) {
			done = true
			return nil
		}
		done = state == golibvirt.DomainShutoff || state == golibvirt.DomainCrashed
		return err
	})
	return done && err == nil, err
}
