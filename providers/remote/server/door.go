package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"

	"golang.org/x/time/rate"
	"google.golang.org/grpc/credentials"

	"github.com/vmsteward/vmsteward/internal/farewell"
	"github.com/vmsteward/vmsteward/internal/logkey"
)

// handshakesAtOnce bounds what strangers can make us hold: many can be silent
// until their time is up without locking the door for others.
const handshakesAtOnce = 1024

// door makes the handshakes of a server and tells of those that it refuses.
type door struct {
	credentials.TransportCredentials // of the first configuration, for what is not a handshake
	keys                             *keyring
	room                             chan struct{}
	refusals                         *refusals
}

func newDoor(keys *keyring, r *refusals) *door {
	return &door{
		TransportCredentials: credentials.NewTLS(keys.config), keys: keys,
		room: make(chan struct{}, handshakesAtOnce), refusals: r,
	}
}

var errCrowd = errors.New("too many handshakes at once")

// ServerHandshake implements credentials.TransportCredentials. The connection
// has a deadline already.
func (d *door) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	select {
	case d.room <- struct{}{}:
		defer func() { <-d.room }()
	default:
		return d.refuse(raw, errCrowd)
	}
	conn, info, err := farewell.Polite(credentials.NewTLS(d.keys.current())).ServerHandshake(raw)
	if err != nil {
		return d.refuse(raw, err)
	}
	return conn, info, nil
}

func (d *door) refuse(raw net.Conn, err error) (net.Conn, credentials.AuthInfo, error) {
	addr := raw.RemoteAddr().String()
	_ = raw.Close()
	d.refusals.handshake(addr, err)
	return nil, nil, err
}

// Clone implements credentials.TransportCredentials.
func (d *door) Clone() credentials.TransportCredentials { return d }

// refusals tells the log who was refused and why, and leaves out what is too
// much: strangers must not be able to fill it.
type refusals struct {
	log   *slog.Logger
	meter *meter
	pace  *rate.Limiter
}

func newRefusals(log *slog.Logger, m *meter) *refusals {
	return &refusals{log: log, meter: m, pace: rate.NewLimiter(2, 40)}
}

// handshake tells of a connection that was not let in. One that ended before
// it said anything is what looks for open ports, and no news.
func (r *refusals) handshake(addr string, err error) {
	level := slog.LevelWarn
	if errors.Is(err, io.EOF) {
		level = slog.LevelDebug
	}
	r.meter.refused.WithLabelValues("handshake").Inc()
	if level == slog.LevelDebug || r.pace.Allow() {
		r.log.Log(context.Background(), level, "connection refused", logkey.Peer, addr, logkey.Err, err)
	}
}

// call tells of a peer that is known and may not call.
func (r *refusals) call(addr, name, method string) {
	r.meter.refused.WithLabelValues("name").Inc()
	if r.pace.Allow() {
		r.log.Warn("call refused: the peer is not on the list", logkey.Peer, name, "address", addr, logkey.Method, method)
	}
}
