package libvirt

import (
	"context"
	"testing"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

// newTestSession returns a session that ends with the test.
func newTestSession(t testing.TB, cfg sessionConfig) *session {
	t.Helper()
	s, err := newSession(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// libVersion asks the daemon for its version, through the session.
func libVersion(ctx context.Context, s *session, l lane) (v uint64, err error) {
	err = s.do(ctx, l, func(c *golibvirt.Libvirt) (err error) {
		v, err = c.ConnectGetLibVersion()
		return err
	})
	return v, err
}

func TestEveryLaneAnswers(t *testing.T) {
	h := libvirttest.Start(t, libvirttest.Options{Bare: true})
	s := newTestSession(t, sessionConfig{Endpoint: h.URI()})
	for _, l := range []lane{control, work, stream, control} {
		if v, err := libVersion(t.Context(), s, l); err != nil || v < 9_000_000 {
			t.Errorf("lane %d: version %d, %v", l, v, err)
		}
	}
}
