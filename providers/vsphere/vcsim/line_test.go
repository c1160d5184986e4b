package vcsim

import (
	"context"
	"testing"
	"time"

	"github.com/vmware/govmomi/vim25/methods"
)

func TestTheLineIsCutAndStalled(t *testing.T) {
	v := call(t, Options{Bare: true})
	ask := func(limit time.Duration) error {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		_, err := methods.GetCurrentTime(ctx, v.c.Client)
		return err
	}
	v.ok("before", ask(time.Minute))
	v.s.Cut()
	if err := ask(time.Minute); err == nil {
		t.Error("a call over a line that is cut succeeded")
	}
	v.s.Restore()
	v.ok("after the line was restored", ask(time.Minute))
	v.s.CutOnce()
	for range 2 { // the first may find the connection that was cut
		_ = ask(time.Minute)
	}
	v.ok("after the line was cut once", ask(time.Minute))
	v.s.Stall()
	if err := ask(50 * time.Millisecond); err == nil {
		t.Error("a call over a line that is stalled was answered")
	}
	v.s.Release()
	v.ok("after the line was released", ask(time.Minute))
}
