package vsphere

import (
	"context"
	"fmt"
	"net/url"

	"github.com/vmware/govmomi/vapi/rest"
	"github.com/vmware/govmomi/vim25"

	"github.com/vmsteward/vmsteward/internal/logkey"
	"github.com/vmsteward/vmsteward/providers"
)

// rest runs fn on a client of the REST API, which content libraries need. It
// has sessions of its own kind: fn's is made for it, and ended after it. fn
// runs once.
func (s *session) rest(ctx context.Context, c *vim25.Client, fn func(*rest.Client) error) error {
	d, ok := s.entry.(*door)
	if !ok {
		return &providers.Error{Kind: providers.NotSupported, Err: fmt.Errorf("%s has no REST API", s.host)}
	}
	r := rest.NewClient(c)
	if err := r.Login(ctx, url.UserPassword(d.username, d.password.Reveal())); err != nil {
		return d.failed(err)
	}
	err := fn(r)
	out, cancel := context.WithTimeout(context.WithoutCancel(ctx), logoutTimeout)
	defer cancel()
	if left := r.Logout(out); left != nil {
		s.log.Debug("a session of the REST API was not ended", logkey.Err, plain(left))
	}
	return err
}
