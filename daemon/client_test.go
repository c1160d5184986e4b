package daemon

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A daemon that listens and says nothing holds nobody up.
func TestASilentDaemonIsUnreachable(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	svc, err := Dial(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	defer svc.Close()
	svc.(*client).patience = 20 * time.Millisecond
	_, statusErr := svc.Status(t.Context())
	_, vmsErr := svc.VMs(t.Context())
	for _, err := range []error{statusErr, vmsErr} {
		if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "the daemon on "+socket+" does not answer") {
			t.Errorf("want that it does not answer, got %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := svc.Status(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: got %v", err)
	}
}
