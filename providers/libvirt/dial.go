package libvirt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"time"

	"github.com/vmsteward/vmsteward/providers"
)

// dialer opens the byte stream to a libvirt daemon. dial is bounded by ctx;
// closing what it returns frees everything it opened, and never waits for the
// peer.
type dialer interface {
	dial(ctx context.Context) (net.Conn, error)
}

// newDialer returns the endpoint's dialer. It reads the credentials and
// refuses the ones that can never work, without dialling.
func newDialer(e endpoint, cfg sessionConfig) (dialer, error) {
	switch e.transport {
	case overSSH:
		return newSSHDialer(e, cfg.Credentials)
	case overTLS:
		return newTLSDialer(e, cfg.Credentials, cfg.InsecureSkipVerify)
	case overTCP:
		return tcpDialer{e.address()}, nil
	}
	paths, err := e.sockets(cfg.RuntimeDir)
	if err != nil {
		return nil, err
	}
	return unixDialer{paths}, nil
}

// tcpDialer reaches a daemon that listens in the clear.
type tcpDialer struct{ address string }

// keepalive has the kernel notice a peer that is dead, or behind a way that
// is, half a minute after the last word: who only listens would never know.
func keepalive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 4}
}

func (d tcpDialer) dial(ctx context.Context) (net.Conn, error) {
	nd := net.Dialer{KeepAliveConfig: keepalive()}
	return nd.DialContext(ctx, "tcp", d.address)
}

// unixDialer reaches a daemon of this machine.
type unixDialer struct{ paths []string }

func (d unixDialer) dial(ctx context.Context) (net.Conn, error) {
	return firstSocket(d.paths, func(path string) (net.Conn, error) {
		var nd net.Dialer
		return nd.DialContext(ctx, "unix", path)
	})
}

// firstSocket returns the first socket that can be opened. A later one is
// tried only when the one before is not there at all, and the error is that
// of the first: it is the one people know.
func firstSocket(paths []string, open func(path string) (net.Conn, error)) (net.Conn, error) {
	var first error
	for _, path := range paths {
		c, err := open(path)
		if err == nil {
			return c, nil
		}
		if first == nil {
			first = err
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return nil, first
}

// layered is a connection that runs over others. Close closes the lowest
// first, for the upper ones say good-bye when closed, which can wait for a
// peer that does not read.
type layered struct {
	net.Conn
	below []io.Closer
}

// Close implements net.Conn.
func (l *layered) Close() error {
	for _, c := range l.below {
		c.Close()
	}
	l.Conn.Close()
	return nil
}

// unauthorized marks a failure to dial that the peer, or our own check of the
// peer, meant: other credentials are needed, not another attempt.
type unauthorized struct{ error }

func (u unauthorized) Unwrap() error { return u.error }

// dialError gives a failed dial its kind. err may be libvirt's own answer to
// the attempt to log in.
func dialError(subject string, err error) error {
	var refused unauthorized
	e := &providers.Error{Op: "connect", Subject: subject, Kind: providers.Unavailable, Err: err}
	kind, _ := kindOf(err)
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, fs.ErrPermission):
		e.Kind = providers.Unauthorized
		e.Err = fmt.Errorf("%w; add the user that this runs as to the group that owns the socket, usually libvirt", err)
	case errors.As(err, &refused):
		e.Kind = providers.Unauthorized
	case kind == providers.Unauthorized:
		e.Kind = kind
		e.Err = fmt.Errorf("libvirtd refused the login: %w; add the user to the group libvirt, or allow it org.libvirt.unix.manage in polkit (SASL is not supported)", err)
	case errors.Is(err, context.DeadlineExceeded):
		e.Err = fmt.Errorf("no answer in time: %w", err)
	}
	return e
}
