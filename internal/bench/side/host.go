package side

import (
	"log/slog"

	golibvirt "github.com/digitalocean/go-libvirt"
	"github.com/digitalocean/go-libvirt/socket/dialers"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/libvirt"
	"github.com/vmsteward/vmsteward/providers/libvirt/libvirttest"
)

// Provider connects our provider to a test host.
func Provider(s *Stage, h *libvirttest.Host) (*libvirt.Provider, error) {
	p, err := libvirt.New(providers.Settings{Key: Lab(), Fleet: FleetName, Type: "libvirt", Endpoint: h.URI()}, slog.New(slog.DiscardHandler))
	if err == nil {
		s.Cleanup(func() { p.Close() })
	}
	return p, err
}

// Bare connects the library alone.
func Bare(s *Stage, h *libvirttest.Host) (*golibvirt.Libvirt, error) {
	c := golibvirt.NewWithDialer(dialers.NewLocal(dialers.WithSocket(h.Socket)))
	if err := c.ConnectToURI(golibvirt.QEMUSystem); err != nil {
		return nil, err
	}
	s.Cleanup(func() { _ = c.Disconnect() })
	return c, nil
}
