package libvirt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/vmsteward/vmsteward/providers"
)

// letGo is how long run waits for its function after the connection was
// closed under it. The calls of the library fail at once then; a function that
// does not return is stuck in something else.
const letGo = time.Second

// conn is one connection to a libvirt daemon, already past authentication.
// It is never connected again: a lost one is replaced.
type conn struct {
	virt *golibvirt.Libvirt
	wire *wire

	mu       sync.Mutex
	users    int
	lastUsed time.Time
}

// openConn dials and opens the endpoint's URI. By ctx's end it returns: the
// library's own Connect would wait for a stuck daemon for ever, so the byte
// stream is closed under it.
func openConn(ctx context.Context, d dialer, e endpoint) (*conn, error) {
	raw, err := d.dial(ctx)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	w := newWire(raw)
	virt := golibvirt.NewWithDialer(w)
	stop := context.AfterFunc(ctx, func() { w.kill(ctx.Err()) })
	err = virt.ConnectToURI(e.open())
	close(w.connected)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		w.kill(err)
		return nil, w.because(ctx, err)
	}
	return &conn{virt: virt, wire: w, lastUsed: time.Now()}, nil
}

// run calls fn and returns its error, or returns by ctx's end. Then, the call
// that fn is stuck in can only be freed by closing the connection, whoever
// else uses it. What ended so has an unknown outcome.
func (c *conn) run(ctx context.Context, fn func(*golibvirt.Libvirt) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- fn(c.virt) }()
	select {
	case err := <-done:
		return c.verdict(ctx, err)
	case <-ctx.Done():
	}
	select {
	case err := <-done: // at the same moment: nothing is stuck
		return c.verdict(ctx, err)
	default:
	}
	c.wire.kill(errors.New("a call that shared the connection ran out of its time"))
	bound := time.NewTimer(letGo)
	defer bound.Stop()
	select {
	case err := <-done:
		return c.verdict(ctx, err)
	case <-bound.C:
		return cutOff(ctx)
	}
}

// verdict tells a failure of the connection from an answer of the daemon.
func (c *conn) verdict(ctx context.Context, err error) error {
	switch {
	case err == nil || !c.isLoss(err):
		return err
	case ctx.Err() != nil:
		return cutOff(ctx)
	}
	c.wire.kill(err)
	return &providers.Error{
		Op: "call", Kind: providers.Unavailable,
		Err: fmt.Errorf("the connection was lost, the outcome of the call is unknown: %w", c.wire.cause()),
	}
}

// cutOff is the error of a call that its context ended. Whoever gave up knows
// why: only a deadline says something of the daemon.
func cutOff(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return &providers.Error{
		Op: "call", Kind: providers.Timeout,
		Err: fmt.Errorf("no answer in time, the outcome of the call is unknown: %w", ctx.Err()),
	}
}

// isLoss tells whether err says that the connection broke. Some errors say so
// only if it has: fn may read files of its own.
func (c *conn) isLoss(err error) bool {
	if isWireError(err) {
		return true
	}
	return c.dead() && (errors.Is(err, syscall.EINVAL) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF))
}

// isWireError tells whether err can only come from a broken connection.
func isWireError(err error) bool {
	for _, e := range []error{golibvirt.ErrInterrupted, net.ErrClosed, syscall.EPIPE, syscall.ECONNRESET, errBadFrame} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// dead tells whether the connection is of no more use.
func (c *conn) dead() bool { return c.wire.dead() }

// ping makes the cheapest call there is.
func (c *conn) ping(ctx context.Context) error {
	return c.run(ctx, func(v *golibvirt.Libvirt) error {
		_, err := v.ConnectGetLibVersion()
		return err
	})
}

// enter and leave enclose a use of the connection.
func (c *conn) enter() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users++
}

func (c *conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users--
	c.lastUsed = time.Now()
}

// idle is for how long the connection has not been used.
func (c *conn) idle() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.users > 0 {
		return 0
	}
	return time.Since(c.lastUsed)
}
