package libvirt

import (
	"context"
	"errors"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
	"golang.org/x/sync/errgroup"
)

// watched are the events that can change what is reported of a domain. The
// library knows no later ones than the metadata's, and drops those whose
// message it cannot read, the tunables' among them: nothing that they change
// is reported.
var watched = []golibvirt.DomainEventID{
	golibvirt.DomainEventIDLifecycle, // also a definition that changed, and a new name
	golibvirt.DomainEventIDReboot,
	golibvirt.DomainEventIDBlockJob, // a disk may lie elsewhere afterwards
	golibvirt.DomainEventIDDiskChange,
	golibvirt.DomainEventIDTrayChange,
	golibvirt.DomainEventIDPmwakeup,
	golibvirt.DomainEventIDPmsuspend,
	golibvirt.DomainEventIDPmsuspendDisk,
	golibvirt.DomainEventIDBalloonChange,
	golibvirt.DomainEventIDDeviceAdded,
	golibvirt.DomainEventIDDeviceRemoved,
	golibvirt.DomainEventIDAgentLifecycle, // it knows the guest's addresses
	golibvirt.DomainEventIDMetadataChange,
}

// subscribe returns when the daemon has confirmed every subscription.
func (n *news) subscribe(ctx context.Context, c *conn, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return c.run(ctx, func(v *golibvirt.Libvirt) error {
		n.ears.Add(len(watched))
		var g errgroup.Group
		g.SetLimit(atOnce)
		for _, id := range watched {
			g.Go(func() error {
				// The subscription ends with the connection, not with ctx.
				events, err := v.SubscribeEvents(n.ctx, id, nil)
				if err != nil {
					n.ears.Done()
					return unlessUnknown(id, err)
				}
				go func() {
					defer n.ears.Done()
					n.listen(events)
				}()
				return nil
			})
		}
		return g.Wait()
	})
}

// unlessUnknown forgives a daemon that is too old for an event. All know the
// lifecycle's.
func unlessUnknown(id golibvirt.DomainEventID, err error) error {
	old := isCode(err, golibvirt.ErrInvalidArg) || isCode(err, golibvirt.ErrNoSupport) || errors.Is(err, golibvirt.ErrUnsupported)
	if old && id != golibvirt.DomainEventIDLifecycle {
		return nil
	}
	return err
}

// isAnswer tells whether err is the daemon's, and not that of the way to it.
func isAnswer(err error) bool {
	var theirs golibvirt.Error
	return errors.As(err, &theirs) || errors.Is(err, golibvirt.ErrUnsupported)
}

// about returns the id of the domain that an event is about; empty if it is
// of a kind that is not known here.
func about(event any) string {
	if dom := domainOf(event); dom != nil {
		return idOf(dom.UUID)
	}
	return ""
}

func domainOf(event any) *golibvirt.Domain {
	switch e := event.(type) {
	case *golibvirt.DomainEventCallbackLifecycleMsg:
		return &e.Msg.Dom
	case *golibvirt.DomainEventCallbackRebootMsg:
		return &e.Msg.Dom
	case *golibvirt.DomainEventCallbackBlockJobMsg:
		return &e.Msg.Dom
	case *golibvirt.DomainEventCallbackDiskChangeMsg:
		return &e.Msg.Dom
	case *golibvirt.DomainEventCallbackTrayChangeMsg:
		return &e.Msg.Dom
	case *golibvirt.DomainEventCallbackPmwakeupMsg:
		return &e.Msg.Dom
	case *golibvirt.DomainEventCallbackPmsuspendMsg:
		return &e.Msg.Dom
	case *golibvirt.DomainEventCallbackPmsuspendDiskMsg:
		return &e.Msg.Dom
	case *golibvirt.DomainEventCallbackBalloonChangeMsg:
		return &e.Msg.Dom
	case *golibvirt.DomainEventCallbackDeviceAddedMsg:
		return &e.Dom
	case *golibvirt.DomainEventCallbackDeviceRemovedMsg:
		return &e.Msg.Dom
	case *golibvirt.DomainEventCallbackAgentLifecycleMsg:
		return &e.Dom
	case *golibvirt.DomainEventCallbackMetadataChangeMsg:
		return &e.Dom
	}
	return nil
}
