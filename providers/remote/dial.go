package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/vmsteward/vmsteward/providers"
)

// dialer makes connections to one server.
type dialer struct {
	endpoint endpoint
	config   *tls.Config // nil: plain text
	// reach connects without TLS; a field for tests, which have other ways.
	reach func(ctx context.Context, network, address string) (net.Conn, error)
}

func newDialer(e endpoint, config *tls.Config) *dialer {
	return &dialer{e, config, (&net.Dialer{}).DialContext}
}

// dial connects and does the handshake of TLS.
func (d *dialer) dial(ctx context.Context) (*conn, error) {
	raw, err := d.reach(ctx, d.endpoint.network, d.endpoint.address)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be reached: %w", d.endpoint, err)
	}
	if d.config == nil {
		return newConn(raw), nil
	}
	secured := tls.Client(raw, d.config)
	if err := secured.HandshakeContext(ctx); err != nil {
		raw.Close()
		if wrong := distrust(d.endpoint, err); wrong != nil {
			return nil, &providers.Error{Kind: providers.Unauthorized, Err: wrong}
		}
		return nil, fmt.Errorf("TLS handshake with %s: %w", d.endpoint, err)
	}
	if secured.ConnectionState().NegotiatedProtocol != "h2" {
		raw.Close()
		return nil, fmt.Errorf("%s speaks no HTTP/2; is it a provider server?", d.endpoint)
	}
	return newConn(secured), nil
}

// conn is a connection that remembers what it died of: gRPC puts it into text.
type conn struct {
	net.Conn
	dead chan struct{} // closed when cause is set

	mu     sync.Mutex
	cause  error // of the first read that failed, guarded by mu
	broken bool  // a write failed, guarded by mu
}

// alertWait is how long after a write that failed the reason is waited for: a
// server that refuses our certificate says so after our side of the handshake
// is over, and our next words cross its own.
const alertWait = 200 * time.Millisecond

func newConn(c net.Conn) *conn { return &conn{Conn: c, dead: make(chan struct{})} }

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.cause == nil {
			c.cause = err
			close(c.dead)
		}
	}
	return n, err
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.broken = true
	}
	return n, err
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.mu.Lock()
	broken := c.broken
	c.mu.Unlock()
	if broken {
		timer := time.NewTimer(alertWait)
		defer timer.Stop()
		select {
		case <-c.dead:
		case <-timer.C:
		}
	}
	return c.Conn.Close()
}

// diedOf returns why reading ended; nil if it has not, or if that was our own
// doing.
func (c *conn) diedOf() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(c.cause, net.ErrClosed) {
		return nil
	}
	return c.cause
}
