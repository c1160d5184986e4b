package libvirt

import (
	"context"
	"errors"
	"fmt"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/providers"
)

// Reconfigure applies the change in three steps: what can be refused is
// refused before anything is done; the definition is changed by one call, with
// the mark inside; and then the running machine, if the change is for it. Each
// step looks at what is there, so that it can be repeated from any point.
func (p *Provider) Reconfigure(ctx context.Context, ref providers.Ref, change providers.Change) (providers.TaskRef, error) {
	const op = "reconfigure"
	var host hostFacts
	if needsHost(change.Traits) {
		var err error
		if host, err = p.hostFacts(ctx); err != nil {
			return "", named(op, ref.Owner.VM.String(), err)
		}
	}
	err := p.do(ctx, op, ref.Owner.VM.String(), work, func(c *golibvirt.Libvirt) error {
		e, err := p.open(c, ref, change)
		if err != nil {
			return err
		}
		e.host = host
		if err := e.plan(); err != nil {
			return err
		}
		if err := e.rename(); err != nil {
			return err
		}
		if err := e.define(); err != nil {
			return err
		}
		for _, step := range e.steps {
			if err := step(); err != nil {
				return absent(err)
			}
		}
		return e.autostart()
	})
	return "", err
}

// edit is one Reconfigure under way.
type edit struct {
	p      *Provider
	c      *golibvirt.Libvirt
	owner  providers.Owner
	change providers.Change
	host   hostFacts // read only where a trait depends on it
	*target
	sheet  *sheet
	before string     // the mark as it was
	live   *domainDoc // the running machine; nil: leave it alone
	cable  *sheet     // the running machine's document, to pick devices from
	steps  []func() error

	lastPort int // the last PCI port that was given to an added device
}

func (p *Provider) open(c *golibvirt.Libvirt, ref providers.Ref, change providers.Change) (*edit, error) {
	t, err := find(c, ref)
	if err != nil {
		return nil, err
	}
	e := &edit{p: p, c: c, owner: ref.Owner, change: change, target: t}
	if e.sheet, err = openSheet(t.document); err != nil {
		return nil, err
	}
	if e.before, err = t.mark.plain(); err != nil {
		return nil, err
	}
	if change.Live && t.active() {
		err = e.readLive()
	}
	return e, err
}

// readLive reads the running machine.
func (e *edit) readLive() error {
	text, err := e.c.DomainGetXMLDesc(e.dom, golibvirt.DomainXMLSecure)
	if err != nil {
		return absent(err)
	}
	if e.live, err = readDomain(text); err != nil {
		return err
	}
	e.cable, err = openSheet(text)
	return err
}

// then adds a step for after the definition has changed.
func (e *edit) then(step func() error) { e.steps = append(e.steps, step) }

// plan writes the change into the sheet and the mark, and notes the steps.
func (e *edit) plan() error {
	ch := &e.change
	if ch.CPU != nil {
		if err := e.setCPU(*ch.CPU); err != nil {
			return err
		}
	}
	if ch.MemoryMiB != nil {
		if err := e.setMemory(*ch.MemoryMiB); err != nil {
			return err
		}
	}
	if err := e.setTraits(); err != nil {
		return err
	}
	for _, g := range ch.GrowDisks {
		if err := e.growDisk(g); err != nil {
			return err
		}
	}
	for _, n := range ch.RemoveNICs {
		e.removeNIC(n)
	}
	for _, n := range ch.AddNICs {
		if err := e.addNIC(n); err != nil {
			return err
		}
	}
	for _, d := range ch.AddDisks { // last: it makes volumes
		if err := e.addDisk(d); err != nil {
			return err
		}
	}
	if ch.Tags != nil {
		e.mark.Tags = *ch.Tags
	}
	if ch.Retired != nil {
		e.mark.setRetired(*ch.Retired)
	}
	return nil
}

func (e *edit) setCPU(n int) error {
	if n < 1 {
		return invalid("a VM cannot have %d CPUs", n)
	}
	if e.live != nil {
		h := e.live.hardware(e.mark, sizes{})
		switch {
		case n < h.CPU.Value:
			return cannot("a CPU is not taken from a running guest; let the change wait for a restart")
		case n > h.CPUMax.Value:
			return cannot("the running machine has room for %d CPUs; let the change wait for a restart", h.CPUMax.Value)
		case n > h.CPU.Value:
			e.then(func() error {
				return e.c.DomainSetVcpusFlags(e.dom, uint32(n), uint32(golibvirt.DomainVCPULive))
			})
		}
	}
	return e.sheet.setCPU(n)
}

func (e *edit) setMemory(mib int64) error {
	if mib < 1 {
		return invalid("a VM cannot have %d MiB of memory", mib)
	}
	if e.live != nil {
		h := e.live.hardware(e.mark, sizes{})
		if mib > h.MemoryMaxMiB.Value {
			return cannot("the running machine has room for %d MiB; let the change wait for a restart", h.MemoryMaxMiB.Value)
		}
		if mib != h.MemoryMiB.Value {
			e.then(func() error {
				return e.c.DomainSetMemoryFlags(e.dom, uint64(mib)*1024, uint32(golibvirt.DomainMemLive))
			})
		}
	}
	return e.sheet.setMemory(mib)
}

func cannot(format string, args ...any) error {
	return &providers.Error{Kind: providers.NotSupported, Err: fmt.Errorf(format, args...)}
}

// define changes the definition, if it is to change: as a whole with the mark
// inside, or the mark alone.
func (e *edit) define() error {
	after, err := e.mark.plain()
	if err != nil {
		return err
	}
	marked := after != e.before
	if e.sheet.changed {
		if err := e.sheet.setMark(e.mark); err != nil {
			return err
		}
		text, err := e.sheet.text()
		if err != nil {
			return err
		}
		if _, err := e.c.DomainDefineXML(text); err != nil {
			return fmt.Errorf("define the domain: %w", err)
		}
	} else if marked {
		if err := e.setMetadata(after, golibvirt.DomainAffectConfig); err != nil {
			return err
		}
	}
	if marked && e.live != nil {
		return e.setMetadata(after, golibvirt.DomainAffectLive)
	}
	return nil
}

func (e *edit) setMetadata(text string, impact golibvirt.DomainModificationImpact) error {
	return absent(e.c.DomainSetMetadata(e.dom, int32(golibvirt.DomainMetadataElement),
		golibvirt.OptString{text}, golibvirt.OptString{markPrefix}, golibvirt.OptString{markSpace}, impact))
}

func (e *edit) autostart() error {
	if e.change.Autostart == nil {
		return nil
	}
	want := int32(0)
	if *e.change.Autostart {
		want = 1
	}
	now, err := e.c.DomainGetAutostart(e.dom)
	if err != nil || now == want {
		return absent(err)
	}
	return absent(e.c.DomainSetAutostart(e.dom, want))
}

// errHeld is why an interface that was to go is still there.
var errHeld = errors.New("the guest did not let go of it; it may not run yet, or have no support for hot-plug")
