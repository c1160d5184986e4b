// Package farewell lets a TLS server say why it refuses a client. A server that
// closes a connection while words of the client are still unread resets it, and
// the alert that it sent before is lost with it: a client of TLS 1.3 speaks
// before the server has looked at its certificate. It knows gRPC's credentials
// and nothing of ours. It is tested by clients that are refused again and again.
package farewell

import (
	"io"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/credentials"
)

// patience is how long a client that was refused may take to hear it.
const patience = time.Second

// Polite returns the credentials with handshakes that are refused so that the
// client hears why. A refusal takes until the client has gone, or a second.
func Polite(c credentials.TransportCredentials) credentials.TransportCredentials { return polite{c} }

type polite struct {
	credentials.TransportCredentials
}

// ServerHandshake implements credentials.TransportCredentials.
func (p polite) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	held := &held{Conn: raw}
	conn, info, err := p.TransportCredentials.ServerHandshake(held)
	if err != nil {
		part(raw)
		return nil, nil, err
	}
	held.let.Store(true)
	return conn, info, nil
}

// Clone implements credentials.TransportCredentials.
func (p polite) Clone() credentials.TransportCredentials {
	return polite{p.TransportCredentials.Clone()}
}

// held is a connection that stays open during its handshake.
type held struct {
	net.Conn
	let atomic.Bool
}

// Close implements net.Conn.
func (h *held) Close() error {
	if !h.let.Load() {
		return nil
	}
	return h.Conn.Close()
}

// part ends a connection when the other side has, so that all that was said
// has arrived.
func part(raw net.Conn) {
	defer raw.Close()
	if half, ok := raw.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // it is closed for good below
	}
	if raw.SetDeadline(time.Now().Add(patience)) == nil {
		_, _ = io.Copy(io.Discard, raw) // whatever it says, it is refused
	}
}
