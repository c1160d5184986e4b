// Package server offers any provider as a gRPC service, for managers on other
// hosts: the extension here, and whatever else is registered beside it. It owns
// who may call, what a call is told about, and how the service ends; it knows
// no hypervisor and no manifest, and decides nothing about a VM. A fault of the
// provider behind it, a panic even, ends one call and never the process.
//
// It is tested through TLS connections on loopback, by the contract's suite on
// its far end, and by a random walk of the inventory that a client puts
// together from what differs.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	"github.com/vmsteward/vmsteward/providers"
	"github.com/vmsteward/vmsteward/providers/remote/rpc/stewardv1"
	"github.com/vmsteward/vmsteward/providers/remote/server/turns"
)

// Options says how a provider is served.
type Options struct {
	Fleet   string // the fleet whose VMs the provider touches; others are refused
	Type    string // libvirt, vsphere, …
	Version string // of this program, for the client's log
	Log     *slog.Logger
	// TLS, or else Insecure, by which any peer that reaches the listener may
	// do everything.
	TLS      *TLS
	Insecure bool
	Metrics  prometheus.Registerer // nil: nobody counts
	// Turn waits until no other call acts on the owner's VM, and returns what
	// ends that. nil: the server's own, which suffices if nothing else uses the
	// provider.
	Turn func(context.Context, providers.Owner) (end func(), err error)
}

func (o Options) validate() error {
	switch {
	case o.Fleet == "":
		return errors.New("a server needs the fleet whose VMs it touches")
	case o.Log == nil:
		return errors.New("a server needs a logger")
	case o.TLS == nil && !o.Insecure:
		return errors.New("a server needs a certificate, or to be told to be insecure")
	case o.TLS != nil && o.Insecure:
		return errors.New("a server with a certificate is not insecure")
	}
	return nil
}

// Server offers one provider. The provider stays its owner's, who closes it
// after Stop.
type Server struct {
	opts     Options
	grpc     *grpc.Server
	health   *health.Server
	meter    *meter
	guard    guard
	keys     *keyring // nil: insecure
	refusals *refusals
	stopping context.Context
	stop     context.CancelFunc
	stopped  sync.Once
	err      error // of Stop
}

// New makes a server of a provider. An error says what is wrong with the
// options, or with the files that they name.
func New(p providers.Provider, o Options) (*Server, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	meter, err := newMeter(o.Metrics)
	if err != nil {
		return nil, fmt.Errorf("metrics of the server: %w", err)
	}
	s := &Server{opts: o, health: health.NewServer(), meter: meter, guard: guard{o.Log, meter}, refusals: newRefusals(o.Log, meter)}
	s.stopping, s.stop = context.WithCancel(context.Background())
	if o.Turn == nil {
		s.opts.Turn = new(turns.Turns).Take
	}
	settings := limits()
	if o.TLS != nil {
		if s.keys, err = newKeyring(*o.TLS, o.Log); err != nil {
			return nil, err
		}
		settings = append(settings, grpc.Creds(newDoor(s.keys, s.refusals)))
	}
	settings = append(settings, grpc.UnaryInterceptor(s.unary), grpc.StreamInterceptor(s.stream))
	s.grpc = grpc.NewServer(settings...)
	healthv1.RegisterHealthServer(s.grpc, s.health)
	stewardv1.RegisterStewardServer(s.grpc, newSteward(p, s))
	return s, nil
}

// RegisterService implements grpc.ServiceRegistrar: another service beside the
// extension, before Serve. Its calls go through the same door.
func (s *Server) RegisterService(d *grpc.ServiceDesc, impl any) { s.grpc.RegisterService(d, impl) }

// The limits of what a peer may do to us.
const (
	handshakeTimeout = 10 * time.Second
	maxRequest       = 16 << 20 // a manifest with its first-boot data
	maxHeaders       = 64 << 10
	maxStreams       = 256 // calls at once on one connection
	maxAge           = 2 * time.Hour
)

// limits keeps connections that are used and ends others: those that are idle,
// those whose peer is gone though a Watch is open, and each at a certain age,
// when its calls have ended, so that whoever lost a certificate is out by then.
func limits() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ConnectionTimeout(handshakeTimeout), grpc.WaitForHandlers(true),
		grpc.MaxRecvMsgSize(maxRequest), grpc.MaxHeaderListSize(maxHeaders), grpc.MaxConcurrentStreams(maxStreams),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle: 15 * time.Minute, MaxConnectionAge: maxAge,
			Time: time.Minute, Timeout: 20 * time.Second,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second}),
	}
}

// Serve answers on a listener, which it closes, until Stop; it may be called
// for several. It returns nil after Stop.
func (s *Server) Serve(l net.Listener) error {
	if s.opts.Insecure && !local(l.Addr()) {
		s.opts.Log.Warn("whoever reaches the address may do everything: no certificate is asked for", "address", l.Addr().String())
	}
	for name := range s.grpc.GetServiceInfo() {
		s.health.SetServingStatus(name, healthv1.HealthCheckResponse_SERVING)
	}
	err := s.grpc.Serve(l)
	if errors.Is(err, grpc.ErrServerStopped) {
		return nil
	}
	return err
}

// local tells whether an address is reached from this machine alone.
func local(a net.Addr) bool {
	switch a := a.(type) {
	case *net.UnixAddr:
		return true
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	}
	return false
}

// cutTime is how long calls may take to notice that they are cut off.
const cutTime = 5 * time.Second

// Stop says NOT_SERVING to those who ask, takes no new calls, ends what only
// ends with the client, and lets the calls that run come to their end until ctx
// does. Then it cuts them off, which is an error. A second Stop waits for the
// first.
func (s *Server) Stop(ctx context.Context) error {
	s.stopped.Do(func() { s.err = s.drain(ctx) })
	return s.err
}

func (s *Server) drain(ctx context.Context) error {
	s.health.Shutdown()
	s.stop()
	ended := make(chan struct{})
	go func() {
		s.grpc.GracefulStop()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	n := s.meter.running()
	go s.grpc.Stop()
	cut := time.NewTimer(cutTime)
	defer cut.Stop()
	select {
	case <-ended:
		return fmt.Errorf("%d calls were cut off", n)
	case <-cut.C:
		return fmt.Errorf("%d calls do not end though they are cut off", s.meter.running())
	}
}
