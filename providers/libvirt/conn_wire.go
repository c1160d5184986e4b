package libvirt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"

	golibvirt "github.com/digitalocean/go-libvirt"
)

// wire is the byte stream below the library, and the library's dialer for
// exactly this stream. It stands between the two for three reasons:
//
// To be closed: the library's own Disconnect asks the daemon first, and waits
// for the answer of one that is stuck.
//
// To mend a data race: the library notices a lost stream while its Connect
// may still be writing the field that it looks at then. So the news of a loss
// is held back until Connect has returned, if it is sure to return.
//
// To mistrust the peer: the library allocates what a packet's length claims,
// and panics if that is less than a header. A peer that is no libvirt daemon
// must not take this process down.
type wire struct {
	net.Conn
	connected chan struct{} // closed when the library's Connect has returned

	frames frames // of the reading goroutine alone
	opened bool   // likewise: the library has the daemon's yes to the open call

	mu   sync.Mutex
	why  error // why the stream is dead; nil: it is alive
	once sync.Once
}

func newWire(c net.Conn) *wire {
	return &wire{Conn: c, connected: make(chan struct{})}
}

// Dial implements the library's dialer.
func (w *wire) Dial() (net.Conn, error) { return w, nil }

// Read implements net.Conn.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if err == nil {
		err = w.frames.feed(p[:n])
	}
	if err == nil {
		w.opened = w.frames.opened
		return n, nil
	}
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("the server closed the connection: %w", err)
	}
	w.fail(err)
	if w.opened {
		<-w.connected
	}
	// Not a net.OpError, which the library may take for a passing trouble.
	return 0, fmt.Errorf("read from libvirt: %w", err)
}

// Close implements net.Conn.
func (w *wire) Close() error {
	w.kill(net.ErrClosed)
	return nil
}

// kill closes the stream; its calls fail now. The first cause counts.
func (w *wire) kill(cause error) {
	w.fail(cause)
	w.once.Do(func() { w.Conn.Close() })
}

func (w *wire) fail(cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.why == nil {
		w.why = cause
	}
}

func (w *wire) dead() bool { return w.cause() != nil }

// cause is why the stream is dead, nil if it is not.
func (w *wire) cause() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.why
}

// because returns the best explanation of err: what ended the stream says
// more than the call that was interrupted by it.
func (w *wire) because(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case w.dead() && (errors.Is(err, golibvirt.ErrInterrupted) || errors.Is(err, syscall.EINVAL)):
		return w.cause()
	}
	return err
}

// errBadFrame says that the peer does not speak libvirt's protocol.
var errBadFrame = errors.New("the peer does not speak libvirt's protocol")

const (
	headLen  = 28       // a packet's length and header
	maxFrame = 64 << 20 // libvirt's own limit is 32 MiB

	openProcedure = 1 // REMOTE_PROC_CONNECT_OPEN
	replyType     = 1
	statusOK      = 0
)

// frames follows the packets of a stream.
type frames struct {
	head   [headLen]byte
	have   int    // bytes of head that are known
	rest   uint32 // bytes of the packet's body still to come
	opened bool   // a positive reply to the open call has passed
	broken bool
}

// feed takes the next bytes of the stream.
func (f *frames) feed(p []byte) error {
	for len(p) > 0 && !f.broken {
		if f.rest > 0 {
			n := min(uint32(len(p)), f.rest)
			f.rest -= n
			p = p[n:]
			continue
		}
		n := copy(f.head[f.have:], p)
		f.have += n
		p = p[n:]
		f.check()
	}
	if f.broken {
		return errBadFrame
	}
	return nil
}

// check looks at as much of a header as there is.
func (f *frames) check() {
	field := func(i int) uint32 { return binary.BigEndian.Uint32(f.head[4*i:]) }
	if f.have < 4 {
		return
	}
	length := field(0)
	if length < headLen || length > maxFrame {
		f.broken = true
		return
	}
	if f.have < headLen {
		return
	}
	f.have, f.rest = 0, length-headLen
	if f.rest == 0 && field(3) == openProcedure && field(4) == replyType && field(6) == statusOK {
		f.opened = true
	}
}
