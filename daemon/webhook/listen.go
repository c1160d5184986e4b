package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// ListenConfig says where deliveries arrive.
type ListenConfig struct {
	Address        string // host:port; port 0 is any that is free
	CertFile       string // PEM; read again when it changes
	KeyFile        string
	AllowPlaintext bool // without TLS on other than the loopback, as behind a proxy
	Handler        http.Handler
	Log            *slog.Logger // nil: nothing is logged

	MaxConnections     int // default 128
	MaxConnectionsHost int // from one address, default a quarter of it
}

// Server answers deliveries on one address.
type Server struct {
	http     *http.Server
	listener net.Listener
}

// Listen opens the address. Without a certificate only the loopback is
// accepted, unless plaintext is allowed.
func Listen(cfg ListenConfig) (*Server, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	orDefault(&cfg.MaxConnections, 128)
	orDefault(&cfg.MaxConnectionsHost, max(1, cfg.MaxConnections/4))
	if cfg.Handler == nil {
		return nil, errors.New("webhook listener: no handler")
	}
	if (cfg.CertFile == "") != (cfg.KeyFile == "") {
		return nil, errors.New("webhook listener: a certificate and its key belong together")
	}
	plain := cfg.CertFile == ""
	if plain && !cfg.AllowPlaintext && !loopback(cfg.Address) {
		return nil, fmt.Errorf("webhook listener %s: without a certificate only the loopback is accepted; "+
			"name certificate and key, or allow plaintext if a proxy in front speaks TLS", cfg.Address)
	}
	s := newServer(cfg)
	if !plain {
		c := &certificate{certFile: cfg.CertFile, keyFile: cfg.KeyFile, log: cfg.Log}
		if err := c.load(); err != nil {
			return nil, err
		}
		s.http.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
	}
	l, err := net.Listen("tcp", cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("webhook listener: %w", err)
	}
	if plain && !cfg.AllowPlaintext && !loopback(l.Addr().String()) {
		return nil, errors.Join(fmt.Errorf("webhook listener %s: it is not the loopback", cfg.Address), l.Close())
	}
	s.listener = limitConnections(l, cfg.MaxConnections, cfg.MaxConnectionsHost)
	return s, nil
}

// newServer sets the limits of the protocol. HTTP/2 is off: no forge needs it,
// and one connection is to be one delivery at a time.
func newServer(cfg ListenConfig) *Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &Server{http: &http.Server{
		Handler:           cfg.Handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       20 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    16 << 10,
		Protocols:         protocols,
		ErrorLog:          slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}}
}

// Addr is where it listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Serve answers until Shutdown; then it returns nil.
func (s *Server) Serve() error {
	var err error
	if s.http.TLSConfig != nil {
		err = s.http.ServeTLS(s.listener, "", "")
	} else {
		err = s.http.Serve(s.listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("webhook listener: %w", err)
}

// Shutdown accepts no more deliveries and waits for those under way, until ctx
// ends; then it cuts them. It may be called without Serve.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	if closed := s.listener.Close(); closed != nil && !errors.Is(closed, net.ErrClosed) {
		err = errors.Join(err, closed)
	}
	return err
}

// loopback tells whether an address can be reached from this host alone.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}
