package daemon

import (
	"context"
	"fmt"
	"os/user"
	"strconv"
	"time"

	"github.com/vmsteward/vmsteward/daemon/metrics"
	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/reconcile/plan"
)

// asker is the key of the user behind a request, in its context.
type asker struct{}

// askedBy names the user behind a request: of the socket's peer, or of this
// process.
func askedBy(ctx context.Context) string {
	if uid, ok := ctx.Value(asker{}).(int); ok {
		return userName(strconv.Itoa(uid))
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

func userName(uid string) string {
	if u, err := user.LookupId(uid); err == nil {
		return u.Username
	}
	return "user " + uid
}

// suspend writes a suspension.
func (c *core) suspend(ctx context.Context, req SuspendRequest) (plan.Suspension, error) {
	now := time.Now()
	s := plan.Suspension{Since: now.UTC().Truncate(time.Second), Until: req.Until, Reason: req.Reason, By: askedBy(ctx)}
	if s.Over(now) {
		return s, &apiError{Status: 400, Text: fmt.Sprintf("%s is in the past", req.Until.Format(time.RFC3339))}
	}
	return s, c.engine.Suspend(req.VM, s)
}

// Suspend implements Service.
func (d *Daemon) Suspend(ctx context.Context, req SuspendRequest) error {
	s, err := d.current().suspend(ctx, req)
	if err != nil {
		return err
	}
	d.log.Warn("suspended", logkey.VM, scope(req.VM.String()), "by", s.By, "until", s.Until, logkey.Reason, s.Reason)
	d.wake.add(wake{reason: "suspended", newer: true, kind: metrics.WakePerson})
	return nil
}

// Resume implements Service.
func (d *Daemon) Resume(ctx context.Context, req ResumeRequest) error {
	if err := d.current().engine.Resume(req.VM); err != nil {
		return err
	}
	d.log.Info("resumed", logkey.VM, scope(req.VM.String()), "by", askedBy(ctx))
	d.wake.add(wake{reason: "resumed", full: true, kind: metrics.WakePerson})
	return nil
}

// Reconcile implements Service.
func (d *Daemon) Reconcile(context.Context) error {
	d.wake.add(wake{reason: "a person asked for it", full: true, newer: true, kind: metrics.WakePerson})
	return nil
}

// scope names what a suspension is about.
func scope(vm string) string {
	if vm == "" {
		return "everything"
	}
	return vm
}

// Suspend implements Service.
func (l *Local) Suspend(ctx context.Context, req SuspendRequest) error {
	if l.readOnly != nil {
		return l.readOnly
	}
	_, err := l.core.suspend(ctx, req)
	return err
}

// Resume implements Service.
func (l *Local) Resume(_ context.Context, req ResumeRequest) error {
	if l.readOnly != nil {
		return l.readOnly
	}
	return l.core.engine.Resume(req.VM)
}

// Reconcile implements Service: there is nobody who could be asked.
func (l *Local) Reconcile(context.Context) error {
	return fmt.Errorf("%w; without one, \"vmsteward apply\" runs a pass", ErrUnreachable)
}
