package metrics

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// ServerOptions says where metrics are read from.
type ServerOptions struct {
	Address string // "127.0.0.1:9717", "[::1]:9717"; port 0 takes a free one

	// CertFile and KeyFile, in PEM, make it TLS; both or none. They are read
	// again when they change.
	CertFile, KeyFile string

	// AllowPlain lets it listen without TLS beyond this host.
	AllowPlain bool

	Log *slog.Logger // required; gets what single connections do wrong, at level debug
}

// Server is one listening server.
type Server struct {
	http *http.Server
	at   net.Addr
	done chan error // receives once, when serving has ended
}

// Listen begins to serve, until Shutdown.
func Listen(opts ServerOptions, h http.Handler) (*Server, error) {
	if opts.Log == nil {
		return nil, errors.New("metrics: no logger")
	}
	conf, err := opts.secure()
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", opts.Address)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	s := &Server{at: l.Addr(), done: make(chan error, 1), http: &http.Server{
		Handler: h, TLSConfig: conf, ErrorLog: quietly(opts.Log), MaxHeaderBytes: 16 << 10,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
	}}
	go func() {
		if conf != nil {
			s.done <- s.http.ServeTLS(l, "", "")
			return
		}
		s.done <- s.http.Serve(l)
	}()
	return s, nil
}

// Address is where the server listens, with the port it got.
func (s *Server) Address() string { return s.at.String() }

// Shutdown lets requests end within the context's deadline and cuts them off
// then. It is to be called once.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// secure decides between TLS and, with nil, plain text.
func (o *ServerOptions) secure() (*tls.Config, error) {
	host, _, err := net.SplitHostPort(o.Address)
	switch {
	case err != nil:
		return nil, fmt.Errorf("metrics: address %q is not host:port", o.Address)
	case (o.CertFile == "") != (o.KeyFile == ""):
		return nil, errors.New("metrics: a certificate and its key are given both or not at all")
	case o.CertFile != "":
		pair := &keyPair{cert: o.CertFile, key: o.KeyFile}
		if _, err := pair.get(nil); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.get}, nil
	case loopback(host), o.AllowPlain:
		return nil, nil
	}
	return nil, fmt.Errorf("metrics: address %q is reached from other hosts, and there is no certificate; give one, listen on 127.0.0.1, or allow plain text", o.Address)
}

// loopback tells whether a host is surely this one.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

func quietly(l *slog.Logger) *log.Logger { return slog.NewLogLogger(l.Handler(), slog.LevelDebug) }
