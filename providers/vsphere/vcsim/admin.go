package vcsim

import (
	"context"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
)

// Client acts as an administrator inside the server's process. Its calls are
// neither counted nor refused, and never fail by a rule. What a call begins has
// ended when it returns.
func (s *Server) Client() *vim25.Client { return s.admin }

// Simulator is govmomi's simulator behind the server.
func (s *Server) Simulator() *simulator.Service { return s.model.Service }

// office is where an administrator's calls are carried out, each alone.
type office struct{ s *Server }

// RoundTrip implements soap.RoundTripper.
func (o office) RoundTrip(ctx context.Context, req, res soap.HasFault) (err error) {
	if _, waits := req.(*methods.WaitForUpdatesExBody); waits {
		return o.s.model.Service.RoundTrip(ctx, req, res)
	}
	o.s.alone(func() { err = o.s.model.Service.RoundTrip(ctx, req, res) })
	return err
}

// hire makes the administrator: for acts one by one, and for many at once by
// somebody who is alone.
func (s *Server) hire() (err error) {
	ctx := context.Background()
	if s.clerk, err = vim25.NewClient(ctx, s.model.Service); err != nil {
		return err
	}
	s.admin, err = vim25.NewClient(ctx, office{s})
	return err
}
